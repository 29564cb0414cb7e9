//! Key files: the farm's and each agent's, made once, readable by their owner alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rch_schemas::seal::{PublicKey, SigningKey};

/// Every POSIX system has it, and it needs no crate.
const RANDOMNESS: &str = "/dev/urandom";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file could not be made or read.
    #[error("cannot make or read the key file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no key.
    #[error("{} is not a key: expected 64 hexadecimal digits; remove it to get a new one", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
}

/// The public half of the key in `path`, which is made when there is none.
pub(crate) fn ensure(path: &Path) -> Result<PublicKey, KeyError> {
    let failed = |source| KeyError::File { path: path.to_owned(), source };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(path).map_err(failed)?,
        Err(error) => return Err(failed(error)),
    };
    let key = SigningKey::from_seed_hex(&text).map_err(|_| KeyError::NotAKey { path: path.to_owned() })?;
    Ok(key.public_key())
}

/// Makes a key file that only its owner can read from its first moment on, and returns its text.
fn make(path: &Path) -> io::Result<String> {
    let text = random_hex()?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    Ok(text)
}

/// 32 random bytes as hexadecimal digits.
pub(crate) fn random_hex() -> io::Result<String> {
    let mut seed = [0; 32];
    File::open(RANDOMNESS)?.read_exact(&mut seed)?;
    Ok(SigningKey::from_seed(seed).seed_hex())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_readable_by_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("farm.key");
        let made = ensure(&path).unwrap();
        assert_eq!(ensure(&path).unwrap(), made);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_ne!(ensure(&folder.path().join("agent.key")).unwrap(), made);
    }

    #[test]
    fn a_file_that_is_no_key_is_left_alone_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("farm.key");
        fs::write(&path, "secret").unwrap();
        let error = ensure(&path).unwrap_err().to_string();
        assert!(error.contains("farm.key") && !error.contains("secret"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "secret");
    }
}
