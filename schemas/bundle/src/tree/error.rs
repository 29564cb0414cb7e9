//! Why a tree cannot be listed.

use std::io;
use std::path::PathBuf;

use rch_schemas::Reason;

use super::Origin;
use crate::name::InvalidName;
use crate::tar::FILE_BYTES_MAX;
use crate::unpack::MEMBERS_MAX;

/// What leaves a path out that git may track: the ignore files have no say about what it does.
pub(crate) const LEAVE_OUT: &str = "ignore it in .rchignore, after `git rm --cached` if git tracks it";

/// Why a tree cannot be listed; names the path and what to do.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The root is not there, or is no directory.
    #[error("{} is not a directory; name the directory of the source tree", root.display())]
    NotADirectory {
        /// What was to be walked.
        root: PathBuf,
    },
    /// A directory or a name could not be read.
    #[error("{} cannot be read; make it readable, or {LEAVE_OUT}", path.display())]
    Unreadable {
        /// What could not be read.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A `.git` file points to where no checkout is, so that nobody can say what is tracked.
    #[error(
        "{} points to {}, which is no git directory; run `git worktree repair` where it belongs, or remove the file to bundle the tree without git",
        file.display(),
        target.display()
    )]
    BrokenCheckout {
        /// The `.git` file.
        file: PathBuf,
        /// Where it points.
        target: PathBuf,
    },
    /// Git's index is there, but is not an index.
    #[error("{} is not a git index that can be read; see whether `git status` can read it", path.display())]
    Index {
        /// The index file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Only tracked files were asked for, and git tracks none.
    #[error("{} is not in a git checkout with tracked files, which bundle.mode = \"git_index\" needs; use \"worktree\"", root.display())]
    NoIndex {
        /// The tree.
        root: PathBuf,
    },
    /// An include is no glob.
    #[error("bundle.include has {pattern:?}, which is not a glob such as \"Pods/**\"")]
    Include {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        #[source]
        source: globset::Error,
    },
    /// A name that cannot stand in a bundle.
    #[error("the name {path:?} cannot be bundled: {rule}; rename it, or {LEAVE_OUT}")]
    Name {
        /// The name, with what is not UTF-8 replaced.
        path: String,
        /// The rule it breaks.
        rule: NameRule,
    },
    /// Neither file, directory nor symbolic link.
    #[error("{path} is a {kind}; only files, directories and symbolic links can be bundled: remove it, or {LEAVE_OUT}")]
    Unsupported {
        /// The path from the root.
        path: String,
        /// What it is.
        kind: &'static str,
    },
    /// A symbolic link leaves the tree.
    #[error(
        "the symbolic link {path} points to {target}, {}; make it relative to something inside, or {}",
        if target.starts_with('/') { "an absolute path, which means something else on a Mac" } else { "outside the tree" },
        leave_out(*origin)
    )]
    EscapingSymlink {
        /// The link.
        path: String,
        /// Where it points.
        target: String,
        /// Whether git tracks it.
        origin: Origin,
    },
    /// Two names that are one on a Mac.
    #[error(
        "{} and {} are the same name on a Mac's file system, which would keep only one; rename one of them",
        shown(first),
        shown(second)
    )]
    NameCollision {
        /// The first, by path bytes.
        first: String,
        /// The second.
        second: String,
    },
    /// More than an archive may hold.
    #[error(
        "the tree has {members} files and directories, more than the {MEMBERS_MAX} that a bundle may have; ignore what the build does not need in .rchignore, after `git rm --cached` where git tracks it"
    )]
    TooManyMembers {
        /// How many.
        members: usize,
    },
    /// One file is larger than any archive can hold.
    #[error(
        "{path} has {bytes} bytes, more than the {FILE_BYTES_MAX} that one file of a bundle may have; {}, or have the build fetch it",
        leave_out(*origin)
    )]
    FileTooLarge {
        /// The file, from the root.
        path: String,
        /// Its size.
        bytes: u64,
        /// Whether git tracks it.
        origin: Origin,
    },
    /// The bundle would be larger than allowed.
    #[error(
        "the bundle would have {bytes} bytes, more than the {bytes_max} allowed; ignore what the build does not need in .rchignore, after `git rm --cached` where git tracks it, or raise bundle.max_bytes. The largest: {}",
        largest_shown(largest)
    )]
    SizeExceeded {
        /// Bytes of the tar.
        bytes: u64,
        /// The limit.
        bytes_max: u64,
        /// The largest files, path and bytes, largest first.
        largest: Vec<(String, u64)>,
    },
}

/// The rule that a name breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameRule {
    /// Not UTF-8.
    #[error("it is not UTF-8")]
    NotUnicode,
    /// One of the rules that hold in every archive.
    #[error(transparent)]
    Invalid(#[from] InvalidName),
}

impl WalkError {
    /// The code of the contract; `None` for local I/O and configuration.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::NotADirectory { .. }
            | Self::Unreadable { .. }
            | Self::BrokenCheckout { .. }
            | Self::Index { .. }
            | Self::NoIndex { .. }
            | Self::Include { .. } => None,
            Self::Name { .. } | Self::Unsupported { .. } => Some(Reason::UnsupportedFile),
            Self::EscapingSymlink { .. } => Some(Reason::EscapingSymlink),
            Self::NameCollision { .. } => Some(Reason::NameCollision),
            Self::SizeExceeded { .. } | Self::FileTooLarge { .. } | Self::TooManyMembers { .. } => Some(Reason::SizeExceeded),
        }
    }
}

/// What leaves out a path of this origin.
fn leave_out(origin: Origin) -> &'static str {
    match origin {
        Origin::Tracked => "take it out of git with `git rm --cached` and ignore it in .rchignore: what git tracks is always in",
        Origin::Untracked | Origin::Unversioned => "ignore it in .rchignore",
    }
}

/// Two spellings of one letter look the same, so whatever is not ASCII is shown by its code too.
fn shown(path: &str) -> String {
    if path.is_ascii() {
        return path.to_owned();
    }
    let codes: String = path.chars().map(|c| if c.is_ascii() { c.to_string() } else { c.escape_unicode().to_string() }).collect();
    format!("{path} ({codes})")
}

fn largest_shown(largest: &[(String, u64)]) -> String {
    let shown: Vec<String> = largest.iter().map(|(path, bytes)| format!("{path} ({bytes})")).collect();
    shown.join(", ")
}
