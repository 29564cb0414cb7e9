//! Where values come from.

use std::fmt;
use std::path::PathBuf;

use super::table::REPO_FILE;

/// Where a layer's values come from, weakest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// Built into this program.
    BuiltIn,
    /// The farm, by its name.
    Farm(String),
    /// The user's file.
    User(PathBuf),
    /// The repo's file.
    Repo(PathBuf),
    /// `RCH_*` variables.
    Environment,
    /// The command line.
    Flags,
}

impl Place {
    /// The place as it travels with a run: it tells which file, and nothing of this machine's directories.
    pub(super) fn recorded(&self) -> String {
        match self {
            Self::User(path) if path.ends_with(".config/rch/config.toml") => "~/.config/rch/config.toml".to_owned(),
            Self::User(_) => "$XDG_CONFIG_HOME/rch/config.toml".to_owned(),
            Self::Repo(_) => REPO_FILE.to_owned(),
            Self::BuiltIn | Self::Farm(_) | Self::Environment | Self::Flags => self.to_string(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built-in"),
            Self::Farm(name) => write!(f, "farm {name}"),
            Self::User(path) | Self::Repo(path) => path.display().fmt(f),
            Self::Environment => f.write_str("environment"),
            Self::Flags => f.write_str("flags"),
        }
    }
}
