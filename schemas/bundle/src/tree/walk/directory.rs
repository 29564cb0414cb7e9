//! One directory at a time: what is taken of it, and which of its directories are looked through next.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::excluded::{IsDirectory, is_excluded};
use super::super::list::{bundle_path, check_name};
use super::super::open::{Name, OpenDirectory};
use super::super::repository::{Repository, Tracks};
use super::super::rules::{Include, Rules, is_resolved_packages, may_hold_resolved_packages};
use super::super::tracked::{Tracked, TrackedWithin};
use super::super::{Entry, Mode, Origin, WalkError};
use super::findings::Findings;

/// What is taken of a directory, from most to least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    /// Whatever the rules do not exclude.
    All,
    /// It is ignored: tracked files, and what an include brings back.
    Included,
    /// The mode says so: tracked files, and the `Package.resolved` that a build needs (spec 7.3 over 1.7, which would leave an untracked one out).
    Index,
    /// It is on the fixed list: tracked files.
    Tracked,
}

/// Whether a directory is the top of a checkout.
#[derive(Debug)]
pub(super) enum Checkout {
    /// It has not been asked yet.
    Perhaps,
    /// Git says so, but it may not be filled.
    Submodule,
    /// Nobody wants to know: a clone inside something ignored is as ignored as the rest.
    No,
    /// It is, and what it tracks is known.
    Known(Box<Repository>),
}

/// A directory that is looked through.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) above: Option<Arc<Directory>>,
    /// Where it is, from the root.
    pub(super) inner: PathBuf,
    /// The same, as it stands in the bundle.
    pub(super) path: String,
    pub(super) scope: Scope,
    pub(super) checkout: Checkout,
    /// The rules that hold in it; before it was opened, those of the directories above.
    pub(super) rules: Option<Arc<Rules>>,
    pub(super) tracked: Vec<TrackedWithin>,
    /// Whether anything in it is taken, at any depth.
    pub(super) taken: AtomicBool,
}

impl Directory {
    fn tracked_at(&self, path: &str) -> Option<Tracks> {
        self.tracked.iter().find_map(|tracked| tracked.get(path))
    }

    fn is_ignored(&self, disk: &Path, is_directory: IsDirectory) -> bool {
        self.rules.as_ref().is_some_and(|rules| rules.ignore(disk, is_directory))
    }

    /// Something in it is taken: so is the directory, and those above.
    fn take(&self) {
        let mut directory = self;
        while !directory.taken.swap(true, Ordering::Relaxed) {
            let Some(above) = &directory.above else { break };
            directory = above;
        }
    }
}

/// What holds for the whole walk.
pub(super) struct Walk<'a> {
    pub(super) root: &'a Path,
    pub(super) mode: Mode,
    pub(super) include: Include,
    /// What a file is that git does not track.
    pub(super) untracked: Origin,
}

/// A directory while it is open.
struct Here {
    directory: Arc<Directory>,
    open: OpenDirectory,
}

impl Here {
    /// What is taken of the name: never more than of its directory.
    fn scope(&self, name: &Name, path: &str, is_directory: IsDirectory) -> Scope {
        let own = self.directory.scope;
        if own == Scope::Tracked || is_excluded(path, is_directory) {
            Scope::Tracked
        } else if own == Scope::Index {
            Scope::Index
        } else if own == Scope::Included || self.directory.is_ignored(&self.open.disk().join(&name.text), is_directory) {
            Scope::Included
        } else {
            Scope::All
        }
    }
}

/// What is taken of a name.
enum Taken {
    Nothing,
    /// A directory to be looked through.
    Directory(Box<Directory>),
    Leaf(Entry),
}

impl Walk<'_> {
    /// Takes what belongs to the bundle of `directory`, and adds to `more` the directories in it that are worth a look.
    pub(super) fn look_through(&self, directory: Directory, more: &mut Vec<Directory>, findings: &mut Findings) {
        let path = directory.path.clone();
        let here = match self.enter(directory, findings) {
            Ok(Some(here)) => here,
            // It is gone since its own directory was read.
            Ok(None) => return,
            Err(error) => return findings.refuse(path, error),
        };
        findings.directories.push(Arc::clone(&here.directory));
        for name in here.open.names().iter().filter(|name| name.text != ".git") {
            let path = bundle_path(&path, &name.text);
            match self.look_at(&here, name, &path) {
                Ok(Taken::Nothing) => {}
                Ok(Taken::Directory(directory)) => more.push(*directory),
                Ok(Taken::Leaf(entry)) => findings.entries.push(entry),
                Err(error) => findings.refuse(path, error),
            }
        }
    }

    /// Opens a directory, and learns its rules and what is tracked in it.
    fn enter(&self, mut directory: Directory, findings: &mut Findings) -> Result<Option<Here>, WalkError> {
        let Some(open) = OpenDirectory::read(self.root.join(&directory.inner))? else { return Ok(None) };
        let repository = match std::mem::replace(&mut directory.checkout, Checkout::No) {
            Checkout::Known(repository) => Some(*repository),
            Checkout::No => None,
            Checkout::Perhaps => self.discover(&mut directory, &open, findings)?,
            Checkout::Submodule => {
                let repository = self.discover(&mut directory, &open, findings)?;
                if repository.is_none() {
                    findings.empty_submodules.push(directory.path.clone());
                }
                repository
            }
        };
        directory.rules = Rules::enter(&open, repository.as_ref(), directory.rules.take())?;
        Ok(Some(Here { directory: Arc::new(directory), open }))
    }

    /// The checkout whose top `directory` is, if it is one; from here on it has its say about what is tracked.
    fn discover(&self, directory: &mut Directory, open: &OpenDirectory, findings: &mut Findings) -> Result<Option<Repository>, WalkError> {
        if !open.has(".git") {
            return Ok(None);
        }
        let repository = match Repository::at(open.disk()) {
            // A directory that once was a submodule and was copied with its `.git` file: git takes it for one like any other.
            Err(WalkError::BrokenCheckout { .. }) => return Ok(None),
            found => found?,
        };
        let Some(repository) = repository else { return Ok(None) };
        let tracked = Tracked::beneath(&directory.path, &repository)?;
        findings.empty_submodules.extend(tracked.missing_submodules(self.root));
        directory.tracked.push(TrackedWithin::all(tracked));
        Ok(Some(repository))
    }

    fn look_at(&self, here: &Here, name: &Name, path: &str) -> Result<Taken, WalkError> {
        if here.open.is_directory(name)? {
            let directory = self.directory(here, name, path);
            Ok(directory.map_or(Taken::Nothing, |directory| Taken::Directory(Box::new(directory))))
        } else {
            Ok(self.leaf(here, name, path)?.map_or(Taken::Nothing, Taken::Leaf))
        }
    }

    /// The directory at `name` as it is to be looked through; `None` when nothing of it can belong to the bundle.
    fn directory(&self, here: &Here, name: &Name, path: &str) -> Option<Directory> {
        let is_submodule = here.directory.tracked_at(path) == Some(Tracks::Submodule);
        let scope = match (is_submodule, self.mode) {
            (true, Mode::Worktree) => Scope::All,
            (true, Mode::GitIndex) => Scope::Index,
            (false, Mode::Worktree | Mode::GitIndex) => here.scope(name, path, IsDirectory::Yes),
        };
        let tracked: Vec<_> = here.directory.tracked.iter().filter_map(|tracked| tracked.directory(path)).collect();
        let worth_it = match scope {
            Scope::All => true,
            Scope::Included => is_submodule || !tracked.is_empty() || self.include.reaches_into(path),
            Scope::Index => is_submodule || !tracked.is_empty() || may_hold_resolved_packages(path),
            Scope::Tracked => is_submodule || !tracked.is_empty(),
        };
        let checkout = match (is_submodule, scope) {
            (true, Scope::All | Scope::Included | Scope::Index | Scope::Tracked) => Checkout::Submodule,
            (false, Scope::All) => Checkout::Perhaps,
            (false, Scope::Included | Scope::Index | Scope::Tracked) => Checkout::No,
        };
        worth_it.then(|| Directory {
            above: Some(Arc::clone(&here.directory)),
            inner: here.directory.inner.join(&name.text),
            path: path.to_owned(),
            scope,
            checkout,
            rules: here.directory.rules.clone(),
            tracked,
            taken: AtomicBool::new(false),
        })
    }

    /// The file or link at `name`; `None` when it does not belong to the bundle.
    fn leaf(&self, here: &Here, name: &Name, path: &str) -> Result<Option<Entry>, WalkError> {
        let origin = if here.directory.tracked_at(path) == Some(Tracks::File) {
            Origin::Tracked
        } else {
            let taken = match here.scope(name, path, IsDirectory::No) {
                Scope::All => true,
                Scope::Included => self.include.brings_back(path),
                Scope::Index => is_resolved_packages(path),
                Scope::Tracked => false,
            };
            if !taken {
                return Ok(None);
            }
            self.untracked
        };
        let Some((kind, stamp)) = here.open.leaf(&name.text, path)? else { return Ok(None) };
        // Before its name is looked at: when a directory's is at fault, that one is to be named.
        here.directory.take();
        check_name(path, &name.text)?;
        let disk = here.directory.inner.join(&name.text);
        Ok(Some(Entry { path: path.to_owned(), disk, kind, origin, stamp: Some(stamp) }))
    }
}
