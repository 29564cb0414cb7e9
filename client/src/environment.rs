//! What this process was started with, captured once; nothing else reads variables or asks for the working directory.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// Holds a token for the farm. It is no key of the configuration: nothing records or shows it.
pub(crate) const TOKEN_VARIABLE: &str = "RCH_TOKEN";

/// Variables and working directory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    /// Variables whose names and values are UTF-8; others mean nothing to us.
    pub(crate) variables: BTreeMap<String, String>,
    /// Where the command was given.
    pub(crate) working_directory: PathBuf,
}

impl Environment {
    /// Captures what this process has.
    pub(crate) fn capture() -> io::Result<Self> {
        let variables = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Ok(Self { variables: variables.collect(), working_directory: std::env::current_dir()? })
    }

    /// The value of a variable that is set and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The user's configuration file: `$XDG_CONFIG_HOME/rch/config.toml`, else `~/.config/rch/config.toml`, on macOS too.
    pub(crate) fn user_config(&self) -> Option<PathBuf> {
        Some(self.user_directory("XDG_CONFIG_HOME", ".config")?.join("rch/config.toml"))
    }

    /// Keys of farms and tokens for them, beside the configuration.
    pub(crate) fn user_credentials(&self) -> Option<PathBuf> {
        Some(self.user_directory("XDG_CONFIG_HOME", ".config")?.join("rch/credentials.toml"))
    }

    /// The user's cache, which may be removed at any time: `$XDG_CACHE_HOME/rch`, else `~/.cache/rch`, on macOS too.
    pub(crate) fn user_cache(&self) -> Option<PathBuf> {
        Some(self.user_directory("XDG_CACHE_HOME", ".cache")?.join("rch"))
    }

    fn user_directory(&self, variable: &str, in_home: &str) -> Option<PathBuf> {
        let xdg = self.get(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        xdg.or_else(|| self.get("HOME").map(|home| Path::new(home).join(in_home)))
    }
}
