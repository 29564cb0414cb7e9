//! What this process was started with; nothing else of this crate reads variables.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Names the NATS server to use, before any other place is looked at.
pub(crate) const NATS_SERVER_VARIABLE: &str = "RCH_NATS_SERVER";
/// Names the S3 server to use, before any other place is looked at.
pub(crate) const S3_SERVER_VARIABLE: &str = "RCH_S3_SERVER";

/// The few variables that matter here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    /// The variables that name a tool, when set and not empty.
    pub(crate) tools: BTreeMap<&'static str, PathBuf>,
    /// `PATH`.
    pub(crate) path: OsString,
    /// `HOME`.
    pub(crate) home: Option<PathBuf>,
    /// `XDG_STATE_HOME`, when it is an absolute path.
    pub(crate) state_home: Option<PathBuf>,
}

impl Environment {
    /// The environment of this process.
    pub(crate) fn of_this_process() -> Self {
        let path = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            tools: [NATS_SERVER_VARIABLE, S3_SERVER_VARIABLE].into_iter().filter_map(|name| Some((name, path(name)?))).collect(),
            path: std::env::var_os("PATH").unwrap_or_default(),
            home: path("HOME"),
            state_home: path("XDG_STATE_HOME").filter(|path| path.is_absolute()),
        }
    }

    /// The tool that a variable names.
    pub(crate) fn tool(&self, variable: &str) -> Option<&Path> {
        self.tools.get(variable).map(PathBuf::as_path)
    }

    /// Where tools are kept for every farm of this user: `~/.cache/rch/tools`, or a folder for temporary files without a home.
    pub(crate) fn tools(&self) -> PathBuf {
        let home = self.home.clone().unwrap_or_else(std::env::temp_dir);
        home.join(".cache/rch/tools")
    }

    /// Where `up` keeps its farm unless told otherwise: `$XDG_STATE_HOME/rch/local`, else `~/.local/state/rch/local`.
    pub(crate) fn farm_directory(&self) -> PathBuf {
        let base = self.state_home.clone().unwrap_or_else(|| self.home.clone().unwrap_or_else(std::env::temp_dir).join(".local/state"));
        base.join("rch/local")
    }
}

/// The names of the variables that configure rch programs; a child gets only those that are meant for it.
pub(crate) fn rch_variables() -> Vec<OsString> {
    let named = |name: &OsString| name.to_str().is_some_and(|name| name.starts_with("RCH_"));
    std::env::vars_os().map(|(name, _)| name).filter(named).collect()
}
