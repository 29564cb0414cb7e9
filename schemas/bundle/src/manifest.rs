//! A member of a bundle as an entry of the source manifest; packing and unpacking say it in the same words.

use rch_schemas::Sha256;
use rch_schemas::document::{EntryType, SourceEntry};

use crate::tar::Kind;

/// The entry for the member at `path`; `sha256` is of a file's content.
pub(crate) fn source_entry(path: &str, kind: &Kind, sha256: Option<Sha256>) -> SourceEntry {
    let (entry_type, executable, symlink_target) = match kind {
        Kind::File { executable, .. } => (EntryType::File, *executable, None),
        Kind::Directory => (EntryType::Directory, false, None),
        Kind::Symlink { target } => (EntryType::Symlink, false, Some(target.clone())),
    };
    SourceEntry { path: path.to_owned(), entry_type, size: kind.content_bytes(), sha256, executable, symlink_target }
}
