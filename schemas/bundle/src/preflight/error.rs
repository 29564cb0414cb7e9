//! What a build on a Mac would lack, and what to do about it.

use rch_schemas::Reason;

use crate::tree::Mode;
use crate::xcconfig::XcconfigError;

/// How many other containers or submodules a message names.
const NAMED_MAX: usize = 5;

/// Why the tree cannot be built anywhere but here, or at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PreflightError {
    /// The container is not there.
    #[error("{path} is not in the tree, which has {}", choice(found))]
    ProjectMissing {
        /// What was named.
        path: String,
        /// Containers that are there.
        found: Vec<String>,
    },
    /// The container, or the file in it that describes it, is there, but not in the bundle.
    #[error("{path} is there, but {}", why.with_fix(path, path))]
    ProjectLeftOut {
        /// What is missing.
        path: String,
        /// Why it is not taken.
        why: LeftOut,
    },
    /// The scheme is one person's own.
    #[error(
        "the scheme {scheme} is not shared, so no other machine sees it; in Xcode choose Product > Scheme > Manage Schemes and tick Shared, which writes {expected}"
    )]
    SchemeNotShared {
        /// The scheme.
        scheme: String,
        /// Where a shared scheme would lie.
        expected: String,
    },
    /// The scheme is shared, but not in the bundle.
    #[error("the scheme {scheme} is shared, but {path} is {}", why.with_fix(path, path))]
    SchemeLeftOut {
        /// The scheme.
        scheme: String,
        /// Where it lies.
        path: String,
        /// Why it is not taken.
        why: LeftOut,
    },
    /// CocoaPods were never installed.
    #[error("{container} needs {pods}, which is not there; run `pod install` in {directory}")]
    PodsNotInstalled {
        /// What needs them.
        container: String,
        /// The directory of pods.
        pods: String,
        /// Where the Podfile is.
        directory: String,
    },
    /// CocoaPods are installed, but not in the bundle.
    #[error("{container} needs {pods}, which is {}", why.with_fix(pods, &format!("{pods}/**")))]
    PodsLeftOut {
        /// What needs them.
        container: String,
        /// The directory of pods.
        pods: String,
        /// Why it is not taken.
        why: LeftOut,
    },
    /// A file of settings says what no invocation may say.
    #[error(transparent)]
    Settings(#[from] XcconfigError),
    /// Submodules that were never checked out.
    #[error("submodules are not checked out; run `git submodule update --init --recursive`. They are {}", named(paths))]
    SubmoduleEmpty {
        /// The submodules.
        paths: Vec<String>,
    },
}

/// Why something that is on the disk is not in the bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// An ignore file says so.
    Ignored,
    /// Only tracked files are taken.
    Untracked,
}

impl LeftOut {
    pub(super) fn of(mode: Mode) -> Self {
        match mode {
            Mode::Worktree => Self::Ignored,
            Mode::GitIndex => Self::Untracked,
        }
    }

    /// What it is, and what brings it back: `glob` in the configuration, or `path` given to git.
    fn with_fix(self, path: &str, glob: &str) -> String {
        match self {
            Self::Ignored => format!("ignored; add {glob:?} to bundle.include"),
            Self::Untracked => format!("not tracked, and bundle.mode is \"git_index\"; run `git add {path}`, or use \"worktree\""),
        }
    }
}

impl PreflightError {
    /// The code of the contract.
    pub fn reason(&self) -> Reason {
        match self {
            Self::ProjectMissing { .. } | Self::ProjectLeftOut { .. } => Reason::ProjectMissing,
            Self::SchemeNotShared { .. } | Self::SchemeLeftOut { .. } => Reason::SchemeNotShared,
            Self::PodsNotInstalled { .. } | Self::PodsLeftOut { .. } => Reason::PodsMissing,
            Self::SubmoduleEmpty { .. } => Reason::SubmoduleEmpty,
            Self::Settings(_) => Reason::ArgumentDenied,
        }
    }
}

fn choice(found: &[String]) -> String {
    if found.is_empty() {
        return "no project, workspace or Package.swift at all; generate it first, or name the directory that has one".to_owned();
    }
    format!("{}; name one that is there", named(found))
}

fn named(paths: &[String]) -> String {
    if paths.len() <= NAMED_MAX {
        return paths.join(", ");
    }
    format!("{} and {} more", paths[..NAMED_MAX].join(", "), paths.len() - NAMED_MAX)
}
