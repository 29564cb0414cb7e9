//! What can be wrong with the file of credentials, or with a token that is given.

use std::io;
use std::path::PathBuf;

/// Why there are no credentials to work with. No message holds what the file holds.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialsError {
    /// Others may read it.
    #[error("{path} can be read by others (mode {mode:04o}), and it holds tokens; run: chmod 600 {path}", path = path.display())]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It is not what `rch login` writes.
    #[error("{}: line {line} is not what rch login writes; move the file away and log in again", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// It cannot be written.
    #[error("cannot write {}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// There is no home directory.
    #[error("there is no place for credentials: expected HOME or XDG_CONFIG_HOME with an absolute path, found neither")]
    NoPlace,
    /// The text is no token.
    #[error("{place} holds no token: expected one line of 1 to 4096 visible ASCII characters, found {found}")]
    Token {
        /// Where it came from.
        place: String,
        /// What is there, without showing it.
        found: String,
    },
    /// The address is no farm's.
    #[error(
        "{found:?} is no address of a farm: expected a URL such as \"http://coordinator.local:7070\", without a user, a query or a fragment"
    )]
    Address {
        /// What was given.
        found: String,
    },
}
