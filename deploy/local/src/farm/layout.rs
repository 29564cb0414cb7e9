//! What lies where in a farm's directory.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::path::{Path, PathBuf};

use super::error::FarmError;
use super::plan::{Directory, FarmPlan};
use crate::keeper;

/// The programs that are links to the one program.
const LINKS: [&str; 4] = ["rch", "rch-agent", "rch-coordinator", keeper::PROGRAM];

/// A farm's directory.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Makes the directory, its folders and its links to the program. What was there before is kept.
    pub(super) fn make(plan: &FarmPlan) -> Result<Self, FarmError> {
        let root = match &plan.directory {
            Directory::At(root) => make_folder(root).map(|()| root.clone())?,
            Directory::Temporary => temporary()?,
        };
        // The coordinator's store is a URL of an absolute path, and macOS reaches its temporary folder through a link.
        let root = fs::canonicalize(&root).map_err(|source| FarmError::Write { path: root, source })?;
        let layout = Self { root };
        for folder in ["bin", "nats", "coordinator", "store", "agents", "home", "logs"] {
            make_folder(&layout.root.join(folder))?;
        }
        for agent in &plan.agents {
            for folder in ["data", "home"] {
                make_folder(&layout.agent(&agent.name).join(folder))?;
            }
        }
        for name in LINKS {
            let link = layout.link(name);
            let _ = fs::remove_file(&link);
            symlink(&plan.program, &link).map_err(|source| FarmError::Write { path: link, source })?;
        }
        Ok(layout)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn link(&self, program: &str) -> PathBuf {
        self.root.join("bin").join(program)
    }

    pub(crate) fn log(&self, service: &str) -> PathBuf {
        self.root.join("logs").join(format!("{service}.log"))
    }

    pub(crate) fn agent(&self, name: &str) -> PathBuf {
        self.root.join("agents").join(name)
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.root.join("store")
    }

    pub(crate) fn store_credentials(&self) -> PathBuf {
        self.root.join("store.toml")
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    pub(crate) fn nats_config(&self) -> PathBuf {
        self.root.join("nats.conf")
    }

    pub(crate) fn coordinator_config(&self) -> PathBuf {
        self.root.join("coordinator.toml")
    }

    pub(crate) fn inventory(&self) -> PathBuf {
        self.root.join("inventory.toml")
    }

    pub(crate) fn farm_key(&self) -> PathBuf {
        self.root.join("farm.key")
    }
}

/// Keys, sources and results lie here: what is made is the user's alone, what was there keeps its mode.
fn make_folder(path: &Path) -> Result<(), FarmError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|source| FarmError::Write { path: path.to_owned(), source })
}

/// A new folder that nobody removes on drop: the keeper does, once nothing runs in it any more.
fn temporary() -> Result<PathBuf, FarmError> {
    let made = tempfile::Builder::new().prefix("rch-farm-").tempdir();
    made.map(tempfile::TempDir::keep).map_err(|source| FarmError::Write { path: std::env::temp_dir(), source })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_folder_of_a_farm_is_its_user_s_alone() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("farm/nats");
        make_folder(&folder).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(folder.parent().unwrap()), mode(&folder)), (0o700, 0o700));
    }
}
