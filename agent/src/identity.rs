//! Who this agent is: the key that signs what it attests, in a file that its owner alone can read.

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rch_schemas::seal::SigningKey;

/// Permissions beyond this let others read or change the key.
const MODE_MAX: u32 = 0o600;
/// A key file is 65 bytes; more than this is something else.
const KEY_FILE_BYTES_MAX: u64 = 1024;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdentityError {
    #[error("cannot read the key file {}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("the key file {} has mode {mode:04o}, expected 0600 or stricter: run chmod 600 on it", path.display())]
    TooOpen { path: PathBuf, mode: u32 },
    #[error("the key file {} does not hold a key", path.display())]
    NotAKey { path: PathBuf, source: rch_schemas::id::InvalidId },
}

/// Reads the key, refusing a file that others can open.
pub(crate) fn read(path: &Path) -> Result<SigningKey, IdentityError> {
    let unreadable = |source| IdentityError::Unreadable { path: path.to_owned(), source };
    // Checked on the open file, so that what is checked is what is read.
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.mode() & 0o7777;
    if mode & !MODE_MAX != 0 {
        return Err(IdentityError::TooOpen { path: path.to_owned(), mode });
    }
    let mut text = String::new();
    file.take(KEY_FILE_BYTES_MAX).read_to_string(&mut text).map_err(unreadable)?;
    SigningKey::from_seed_hex(&text).map_err(|source| IdentityError::NotAKey { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn key_file(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent.key");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (dir, path)
    }

    #[test]
    fn a_private_file_with_a_seed_is_the_key() {
        let key = SigningKey::from_seed([7; 32]);
        let (_dir, path) = key_file(&format!("{}\n", key.seed_hex()), 0o600);
        assert_eq!(read(&path).unwrap().public_key(), key.public_key());
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_command_to_run() {
        let (_dir, path) = key_file(&SigningKey::from_seed([7; 32]).seed_hex(), 0o640);
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("0640") && error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn anything_else_is_no_key_and_is_not_shown() {
        let (_dir, path) = key_file("secret-but-wrong", 0o600);
        assert!(!format!("{:?}", read(&path).unwrap_err()).contains("secret-but-wrong"));
        assert!(matches!(read(Path::new("/nonexistent/key")), Err(IdentityError::Unreadable { .. })));
    }
}
