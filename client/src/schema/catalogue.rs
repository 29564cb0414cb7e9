//! The schemas by name.

use std::collections::BTreeMap;

use jsonschema::Validator;
use rch_schemas::invocation::nearest;
use rch_schemas::registry::{Entry, documents};

/// No document has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no document of the farm; {}", fix(nearest.as_deref()))]
pub(crate) struct UnknownSchema {
    name: String,
    nearest: Option<String>,
}

fn fix(nearest: Option<&str>) -> String {
    nearest.map_or_else(|| "rch schema list shows them all".to_owned(), |name| format!("did you mean {name}?"))
}

/// Every document's schema; those that were needed, compiled.
pub(crate) struct Catalogue {
    entries: Vec<Entry>,
    compiled: BTreeMap<&'static str, Validator>,
}

impl Catalogue {
    /// The schemas this program was built with.
    pub(crate) fn new() -> Self {
        Self { entries: documents(), compiled: BTreeMap::new() }
    }

    /// All of them, by name.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The schema called `job`, `job@1` or `rch-xcode/job@1`.
    ///
    /// # Errors
    /// [`UnknownSchema`], with the name that was probably meant.
    pub(crate) fn named(&self, name: &str) -> Result<&Entry, UnknownSchema> {
        let short = name.strip_prefix("rch-xcode/").unwrap_or(name);
        let is_it = |entry: &&Entry| short == entry.name || short.strip_prefix(entry.name) == Some(&format!("@{}", entry.major));
        self.entries.iter().find(is_it).ok_or_else(|| {
            let bare = short.split('@').next().unwrap_or(short);
            let same = self.entries.iter().find(|entry| entry.name == bare).map(Entry::id);
            let similar = || nearest(bare, self.entries.iter().map(|entry| entry.name)).map(str::to_owned);
            UnknownSchema { name: name.to_owned(), nearest: same.or_else(similar) }
        })
    }

    /// The schema that documents with this `schema_id` must match, ready to check them; formats are checked too.
    pub(super) fn validator(&mut self, id: &str) -> Option<&Validator> {
        let entry = self.entries.iter().find(|entry| entry.id() == id)?;
        let compile = || {
            let schema = serde_json::to_value(&entry.schema).expect("a schema is JSON");
            jsonschema::options().should_validate_formats(true).build(&schema).expect("our schemas refer to nothing outside themselves")
        };
        Some(self.compiled.entry(entry.name).or_insert_with(compile))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_found_by_each_of_its_names_and_a_slip_is_corrected() {
        let catalogue = Catalogue::new();
        for name in ["job", "job@1", "rch-xcode/job@1"] {
            assert_eq!(catalogue.named(name).map(|entry| entry.name), Ok("job"), "{name}");
        }
        for (name, said) in [("jobs", "did you mean job?"), ("job@2", "did you mean rch-xcode/job@1?"), ("zebra", "rch schema list")] {
            let error = catalogue.named(name).map(Entry::id).expect_err(name).to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn every_schema_compiles_by_itself() {
        let mut catalogue = Catalogue::new();
        let ids: Vec<String> = catalogue.entries().iter().map(Entry::id).collect();
        for id in ids {
            assert!(catalogue.validator(&id).is_some(), "{id}");
        }
    }
}
