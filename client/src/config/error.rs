//! What can be wrong with a configuration. Always exit 2, before anything runs.

use std::io;
use std::path::PathBuf;

use rch_schemas::environment::VariableError;

use super::key::{self, Scope};

/// Why there is no configuration to work with; says what was expected, what was found, what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// A file is there and cannot be read.
    #[error("{} cannot be read; make it readable", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Something else than a text file lies in its place.
    #[error("{place} {found}, expected a TOML file in UTF-8; {fix}")]
    NotAFile {
        /// Where.
        place: String,
        /// What is there.
        found: String,
        /// What to do.
        fix: &'static str,
    },
    /// A file is not TOML.
    #[error("{place} is not TOML: {message}")]
    Syntax {
        /// The file.
        place: String,
        /// The parser's words, on one line.
        message: String,
    },
    /// A key that no table knows.
    #[error("{place}: there is no key {key}; {hint}")]
    UnknownKey {
        /// The layer.
        place: String,
        /// The dotted key, or the variable.
        key: String,
        /// What may have been meant, or what there is.
        hint: String,
    },
    /// A value of the wrong shape or out of bounds.
    #[error("{place}: {key} is {found}, expected {expected}")]
    Value {
        /// The layer.
        place: String,
        /// The dotted key.
        key: String,
        /// The value.
        found: String,
        /// What it must be.
        expected: String,
    },
    /// A variable that no job may set.
    #[error("{place}: {key}: {source}")]
    Variable {
        /// The layer.
        place: String,
        /// The dotted key.
        key: &'static str,
        /// The rule, and what to do instead.
        source: VariableError,
    },
    /// A name in a key that there can be none of.
    #[error("{place}: {key} has a name that cannot be, expected {expected}")]
    Name {
        /// The layer.
        place: String,
        /// The dotted key.
        key: String,
        /// What it must be.
        expected: String,
    },
    /// Two keys that say the same thing.
    #[error("{place}: {first} and {second} exclude each other; keep one")]
    Exclusive {
        /// The layer.
        place: String,
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
    /// A key that a repo may not set.
    #[error("{place}: {key} is not the repo's to choose; write it into ~/.config/rch/config.toml, set {variable}, or use the flag")]
    NotInRepo {
        /// The layer.
        place: String,
        /// The dotted key.
        key: String,
        /// The variable that sets it.
        variable: String,
    },
    /// Nothing says where the farm is.
    #[error(
        "nothing says where the farm is: `rch login URL` remembers it; or give --coordinator URL, set RCH_COORDINATOR, or write coordinator = \"http://…\" into ~/.config/rch/config.toml"
    )]
    NoCoordinator,
    /// There is no `.rch/xcode.toml`.
    #[error(
        "there is no .rch/xcode.toml in {} or above it{}", from.display(),
        if *proposed { "; `rch xcode init` writes this one:" } else { "; create it at the tree's root (no workspace, project or package was found here to propose one from)" }
    )]
    NoRepoConfig {
        /// Where the search began.
        from: PathBuf,
        /// Whether a proposal follows.
        proposed: bool,
    },
    /// There is a `.rch/xcode.toml`, and it is not to be replaced.
    #[error("{} is there already; rch xcode init --print shows what would be written, --force replaces it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// What would be written lies behind a link.
    #[error("{} is a link, and rch xcode init writes through none; remove it, or write the file that it leads to by hand", path.display())]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// There is nothing to propose a configuration from.
    #[error("there is no workspace, project or Package.swift in {} that could be built; {fix}", root.display())]
    NothingToBuild {
        /// The tree's root.
        root: PathBuf,
        /// What to do.
        fix: String,
    },
    /// A value that is needed is not there.
    #[error("{key} is not set: expected {expected}; {fix}")]
    Missing {
        /// The dotted key.
        key: String,
        /// What it would hold.
        expected: String,
        /// What to do.
        fix: String,
    },
    /// Values that are each valid and do not go together.
    #[error("{what}; {fix}")]
    Disagree {
        /// What contradicts what.
        what: String,
        /// What to do.
        fix: String,
    },
}

impl ConfigError {
    /// Whether what is missing is a key that a farm may have a default for.
    pub(crate) fn a_farm_may_help(&self) -> bool {
        let Self::Missing { key, .. } = self else { return false };
        key::find(&key.split('.').collect::<Vec<_>>()).is_some_and(|key| key.scope == Scope::Anywhere)
    }
}
