//! The walk itself: one pass over the directories, asking git, the ignore files and the fixed list about each name.

use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::excluded::{IsDirectory, is_excluded};
use super::list::{List, bundle_path, check_name, leaf_kind};
use super::repository::{Repository, Tracked};
use super::rules::{Include, Rules};
use super::{Entry, Mode, Options, Origin, Tree, WalkError};
use crate::tar::Kind;

/// Lists what belongs to the tree at `root`.
///
/// # Errors
/// [`WalkError`] for the first name, by walk order, that cannot be bundled, or for what only the whole list tells: collisions,
/// escaping links, size.
pub fn walk(root: &Path, options: &Options) -> Result<Tree, WalkError> {
    let not_a_directory = || WalkError::NotADirectory { root: root.to_owned() };
    let root = root.canonicalize().map_err(|_| not_a_directory())?;
    if !root.is_dir() {
        return Err(not_a_directory());
    }
    let mut tracked = Tracked::default();
    let checkout = checkout_around(&root, &mut tracked)?;
    if options.mode == Mode::GitIndex && tracked.is_empty() {
        return Err(WalkError::NoIndex { root });
    }
    let mut walk = Walk {
        mode: options.mode,
        include: Include::new(&options.include)?,
        untracked: if checkout.is_some() { Origin::Untracked } else { Origin::Unversioned },
        list: List::new(&root),
        tracked,
        empty_submodules: Vec::new(),
    };
    let outside = checkout.as_ref().and_then(|repository| Rules::outside(repository, &root));
    let own = checkout.as_ref().filter(|repository| repository.top == root);
    let rules = Rules::enter(&root, own, outside);
    let scope = if options.mode == Mode::GitIndex { Scope::Tracked } else { Scope::All };
    walk.directory(&Directory { disk: root.clone(), inner: PathBuf::new(), path: String::new(), scope, rules })?;
    let missing = walk.tracked.submodules().iter().filter(|path| !root.join(path).is_dir());
    walk.empty_submodules.extend(missing.cloned());
    walk.empty_submodules.sort();
    let mut tree = walk.list.finish(options.bundle_bytes_max)?;
    tree.empty_submodules = walk.empty_submodules;
    Ok(tree)
}

/// The checkout that `root` is the top of, or inside of, with what it tracks there. A checkout around it that tracks nothing in it (a home
/// directory under git, say) has no say about it.
fn checkout_around(root: &Path, tracked: &mut Tracked) -> Result<Option<Repository>, WalkError> {
    let Some(repository) = Repository::around(root) else { return Ok(None) };
    if repository.top == root {
        tracked.add_beneath("", &repository)?;
        return Ok(Some(repository));
    }
    let inner = root.strip_prefix(&repository.top).unwrap_or(root).to_string_lossy().into_owned();
    tracked.add_from(&crate::name::nfc(&inner), &repository)?;
    Ok((!tracked.is_empty()).then_some(repository))
}

/// What is taken of a directory, from most to least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    /// Whatever the rules do not exclude.
    All,
    /// It is ignored: tracked files, and what an include brings back.
    Included,
    /// It is on the fixed list, or the mode says so: tracked files.
    Tracked,
}

/// A directory that is looked through.
struct Directory {
    /// Where it is.
    disk: PathBuf,
    /// The same, from the root.
    inner: PathBuf,
    /// The same, as it stands in the bundle.
    path: String,
    scope: Scope,
    rules: Rc<Rules>,
}

/// A name in a directory.
struct Found<'a> {
    disk: PathBuf,
    inner: PathBuf,
    path: String,
    parent: &'a Directory,
}

impl Found<'_> {
    /// What is taken of it: never more than of its parent.
    fn scope(&self, is_directory: IsDirectory) -> Scope {
        let parent = self.parent.scope;
        if parent == Scope::Tracked || is_excluded(&self.path, is_directory) {
            Scope::Tracked
        } else if parent == Scope::Included || self.parent.rules.ignore(&self.disk, is_directory) {
            Scope::Included
        } else {
            Scope::All
        }
    }

    fn check_name(&self) -> Result<(), WalkError> {
        check_name(&self.path, self.inner.file_name().unwrap_or_default())
    }
}

struct Walk {
    mode: Mode,
    include: Include,
    /// What a file is that git does not track.
    untracked: Origin,
    list: List,
    tracked: Tracked,
    empty_submodules: Vec<String>,
}

impl Walk {
    /// Takes what belongs to the bundle of `directory`; whether that was anything.
    fn directory(&mut self, directory: &Directory) -> Result<bool, WalkError> {
        let unreadable = |source| WalkError::Unreadable { path: directory.disk.clone(), source };
        // Collected before descending, so that no directory stays open.
        let names: Vec<DirEntry> = fs::read_dir(&directory.disk).and_then(Iterator::collect).map_err(unreadable)?;
        let mut taken = false;
        for name in names {
            let file_name = name.file_name();
            if file_name == ".git" {
                continue;
            }
            let path = bundle_path(&directory.path, &file_name);
            let found = Found { disk: name.path(), inner: directory.inner.join(&file_name), path, parent: directory };
            let is_directory = name.file_type().map_err(unreadable)?.is_dir();
            taken |= if is_directory { self.child_directory(found)? } else { self.leaf(found, &name)? };
        }
        Ok(taken)
    }

    fn child_directory(&mut self, found: Found<'_>) -> Result<bool, WalkError> {
        let is_submodule = self.tracked.is_submodule(&found.path);
        let scope = match (is_submodule, self.mode) {
            (true, Mode::Worktree) => Scope::All,
            (true, Mode::GitIndex) => Scope::Tracked,
            (false, Mode::Worktree | Mode::GitIndex) => found.scope(IsDirectory::Yes),
        };
        let worth_it = match scope {
            Scope::All => true,
            Scope::Included => self.tracked.reaches_into(&found.path) || self.include.reaches_into(&found.path),
            Scope::Tracked => self.tracked.reaches_into(&found.path),
        };
        if !worth_it {
            return Ok(false);
        }
        // A clone inside something ignored is as ignored as the rest.
        let repository = if scope == Scope::All || is_submodule { Repository::at(&found.disk) } else { None };
        match &repository {
            Some(repository) => self.tracked.add_beneath(&found.path, repository)?,
            None if is_submodule => self.empty_submodules.push(found.path.clone()),
            None => {}
        }
        let rules = Rules::enter(&found.disk, repository.as_ref(), Some(Rc::clone(&found.parent.rules)));
        let (disk, inner, path) = (found.disk.clone(), found.inner.clone(), found.path.clone());
        let taken = self.directory(&Directory { disk, inner, path, scope, rules })?;
        if taken {
            found.check_name()?;
            self.list.push(Entry { path: found.path, disk: found.inner, kind: Kind::Directory, origin: Origin::Unversioned });
        }
        Ok(taken)
    }

    fn leaf(&mut self, found: Found<'_>, name: &DirEntry) -> Result<bool, WalkError> {
        let origin = if self.tracked.has_file(&found.path) {
            Origin::Tracked
        } else {
            let taken = match found.scope(IsDirectory::No) {
                Scope::All => true,
                Scope::Included => self.include.brings_back(&found.path),
                Scope::Tracked => false,
            };
            if !taken {
                return Ok(false);
            }
            self.untracked
        };
        found.check_name()?;
        let metadata = name.metadata().map_err(|source| WalkError::Unreadable { path: found.disk.clone(), source })?;
        let kind = leaf_kind(&found.disk, &found.path, &metadata)?;
        self.list.push(Entry { path: found.path, disk: found.inner, kind, origin });
        Ok(true)
    }
}
