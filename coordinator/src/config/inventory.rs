//! `inventory.toml`: the workers that belong to the farm, with the only key whose attestations count.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rch_scheduler::InventoryEntry;
use rch_schemas::WorkerName;
use rch_schemas::seal::PublicKey;
use serde::Deserialize;

/// Why the inventory cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InventoryError {
    #[error("cannot read the inventory {}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("the inventory {} is not a list of [[worker]] with name, priority, tags and public_key", path.display())]
    Invalid { path: PathBuf, source: Box<toml::de::Error> },
    #[error("the inventory {} names worker {worker} twice", path.display())]
    Twice { path: PathBuf, worker: WorkerName },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    worker: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: WorkerName,
    #[serde(default = "default_priority")]
    priority: u32,
    #[serde(default)]
    tags: BTreeSet<String>,
    public_key: PublicKey,
}

fn default_priority() -> u32 {
    100
}

/// Reads the inventory.
pub(crate) fn read_inventory(path: &Path) -> Result<BTreeMap<WorkerName, InventoryEntry>, InventoryError> {
    let text = std::fs::read_to_string(path).map_err(|source| InventoryError::Unreadable { path: path.to_owned(), source })?;
    let file: File = toml::from_str(&text).map_err(|source| InventoryError::Invalid { path: path.to_owned(), source: Box::new(source) })?;
    let mut inventory = BTreeMap::new();
    for entry in file.worker {
        let row = InventoryEntry { priority: entry.priority, tags: entry.tags, public_key: entry.public_key };
        if inventory.insert(entry.name.clone(), row).is_some() {
            return Err(InventoryError::Twice { path: path.to_owned(), worker: entry.name });
        }
    }
    Ok(inventory)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use rch_schemas::seal::SigningKey;

    use super::*;

    fn read(text: &str) -> Result<BTreeMap<WorkerName, InventoryEntry>, InventoryError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("inventory.toml");
        std::fs::write(&path, text).unwrap();
        read_inventory(&path)
    }

    fn worker(name: &str) -> String {
        let key = SigningKey::from_seed([7; 32]).public_key();
        format!("[[worker]]\nname = \"{name}\"\npriority = 10\ntags = [\"macos\"]\npublic_key = \"{key}\"\n")
    }

    #[test]
    fn workers_are_read_by_name() {
        let inventory = read(&(worker("mac-1") + &worker("mac-2"))).unwrap();
        assert_eq!(inventory.keys().map(WorkerName::as_str).collect::<Vec<_>>(), ["mac-1", "mac-2"]);
        assert!(read("").unwrap().is_empty());
    }

    #[test]
    fn a_name_given_twice_and_an_unknown_member_are_refused() {
        assert!(matches!(read(&(worker("mac-1") + &worker("mac-1"))), Err(InventoryError::Twice { .. })));
        assert!(matches!(read(&(worker("mac-1") + "prio = 3\n")), Err(InventoryError::Invalid { .. })));
    }
}
