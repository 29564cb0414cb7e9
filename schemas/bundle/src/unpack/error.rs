//! Why an archive is not unpacked.

use std::io;
use std::path::PathBuf;

use rch_schemas::Sha256;

use super::MEMBERS_MAX;
use crate::name::InvalidName;

/// Why an archive is not unpacked. Only the first three are not the archive's fault.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The destination cannot be used.
    #[error("{} cannot be unpacked into", directory.display())]
    Destination {
        /// The destination.
        directory: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Something is there already.
    #[error("{} is not empty; unpack into an empty directory", directory.display())]
    NotEmpty {
        /// The destination.
        directory: PathBuf,
    },
    /// The disk would not take it.
    #[error("{path} cannot be written")]
    Io {
        /// The member.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A member that may not be there.
    #[error("the archive is refused at {path:?}: {reason}")]
    Member {
        /// The member's name, as far as it was read.
        path: String,
        /// What is wrong with it.
        #[source]
        reason: MemberError,
    },
    /// More members than any tree has.
    #[error("the archive has more than {MEMBERS_MAX} members")]
    TooManyMembers,
    /// It stops in the middle, or lacks its end.
    #[error("the archive ends before its two closing blocks")]
    Truncated,
    /// Something after the end.
    #[error("the archive goes on after its two closing blocks")]
    Trailing,
    /// Not as many bytes as promised.
    #[error("the archive has {found} bytes or more, not {expected}")]
    Size {
        /// Promised.
        expected: u64,
        /// Fed.
        found: u64,
    },
    /// Not the bytes that were promised.
    #[error("the archive has the digest {found}, not {expected}")]
    Digest {
        /// Promised.
        expected: Sha256,
        /// Of what was fed.
        found: Sha256,
    },
}

impl UnpackError {
    pub(super) fn member(path: &str, reason: MemberError) -> Self {
        Self::Member { path: path.to_owned(), reason }
    }
}

/// What is wrong with one member.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MemberError {
    /// The header's own sum is wrong.
    #[error("its header is corrupt")]
    Checksum,
    /// A hard link.
    #[error("it is a hard link")]
    HardLink,
    /// A sparse file, in any of its spellings.
    #[error("it is a sparse file")]
    Sparse,
    /// A device or FIFO.
    #[error("it is a device or FIFO")]
    Device,
    /// Another kind of member, such as a GNU long name or a global PAX header.
    #[error("it has the type flag {0:?}; only files, directories and symbolic links can be unpacked")]
    UnknownType(char),
    /// The PAX header gives another size than the header after it.
    #[error("its PAX header says {pax} bytes, its own header {header}")]
    SizeDisagrees {
        /// In the PAX header.
        pax: String,
        /// In the header.
        header: u64,
    },
    /// A PAX record we never write.
    #[error("its PAX header has a record {0:?}")]
    UnknownRecord(String),
    /// A PAX header that is longer than our longest, or not well-formed.
    #[error("its PAX header cannot be read")]
    Pax,
    /// A number or text that cannot be read.
    #[error("the field {0} of its header cannot be read")]
    Field(&'static str),
    /// A name that may not be.
    #[error("{0}")]
    Name(#[from] InvalidName),
    /// It has the name of another on a Mac.
    #[error("it is the same name as {other:?} on a Mac's file system")]
    Collision {
        /// The earlier member.
        other: String,
    },
    /// Not after its predecessor.
    #[error("it does not come after {previous:?} in the order of bytes")]
    Order {
        /// The member before.
        previous: String,
    },
    /// It stands in something that is no directory of the archive.
    #[error("its parent is not a directory of the archive")]
    NoParent,
    /// A link out of the tree.
    #[error("it is a symbolic link to {target:?}, outside the tree")]
    EscapingSymlink {
        /// Where it points.
        target: String,
    },
    /// It means something allowed, but is not written as we write it.
    #[error("it is not in canonical form")]
    NotCanonical,
}
