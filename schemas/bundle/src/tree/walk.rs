//! The walk itself: one pass over the directories, asking git, the ignore files and the fixed list about each name.
//!
//! A crew of threads shares the directories; what they find is put in order at the end, so the result does not depend on who was faster.

mod crew;
mod directory;
mod findings;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::list::List;
use super::repository::Repository;
use super::rules::{Include, Rules};
use super::tracked::{Tracked, TrackedWithin};
use super::{Mode, Options, Origin, Tree, WalkError};
use directory::{Checkout, Directory, Scope, Walk};
use findings::Findings;

/// Lists what belongs to the tree at `root`.
///
/// # Errors
/// [`WalkError`] for the first name, by path, that cannot be bundled, or for what only the whole list tells: collisions, escaping links,
/// size.
pub fn walk(root: &Path, options: &Options) -> Result<Tree, WalkError> {
    let not_a_directory = || WalkError::NotADirectory { root: root.to_owned() };
    let root = root.canonicalize().map_err(|_| not_a_directory())?;
    if !root.is_dir() {
        return Err(not_a_directory());
    }
    let (checkout, tracked) = checkout_around(&root)?;
    if options.mode == Mode::GitIndex && tracked.is_empty() {
        return Err(WalkError::NoIndex { root });
    }
    let walk = Walk {
        root: &root,
        mode: options.mode,
        include: Include::new(&options.include)?,
        untracked: if checkout.is_some() { Origin::Untracked } else { Origin::Unversioned },
    };
    let mut findings = Findings::default();
    findings.empty_submodules.extend(tracked.missing_submodules(&root));
    let top = top(&root, options.mode, checkout, tracked)?;
    for found in crew::each(top, |directory, more, found| walk.look_through(directory, more, found)) {
        findings.merge(found);
    }
    let mut empty_submodules = std::mem::take(&mut findings.empty_submodules);
    empty_submodules.sort();
    let tree = List::new(&root, findings.finish()?).finish(options.bundle_bytes_max)?;
    Ok(Tree { mode: options.mode, empty_submodules, ..tree })
}

fn top(root: &Path, mode: Mode, checkout: Option<Repository>, tracked: Tracked) -> Result<Directory, WalkError> {
    let scope = if mode == Mode::GitIndex { Scope::Index } else { Scope::All };
    let rules = checkout.as_ref().map(|repository| Rules::outside(repository, root)).transpose()?.flatten();
    let own = checkout.filter(|repository| repository.top == root);
    let checkout = own.map_or(Checkout::No, |repository| Checkout::Known(Box::new(repository)));
    Ok(Directory {
        above: None,
        inner: PathBuf::new(),
        path: String::new(),
        scope,
        checkout,
        rules,
        tracked: vec![TrackedWithin::all(tracked)],
        taken: AtomicBool::new(false),
    })
}

/// The checkout that `root` is the top of, or inside of, with what it tracks there. A checkout around it that tracks nothing in it (a home
/// directory under git, say) has no say about it.
fn checkout_around(root: &Path) -> Result<(Option<Repository>, Tracked), WalkError> {
    let Some(repository) = Repository::around(root)? else { return Ok((None, Tracked::default())) };
    if repository.top == root {
        let tracked = Tracked::beneath("", &repository)?;
        return Ok((Some(repository), tracked));
    }
    let inner = root.strip_prefix(&repository.top).unwrap_or(root).to_string_lossy().into_owned();
    let tracked = Tracked::from(&crate::name::nfc(&inner), &repository)?;
    Ok(((!tracked.is_empty()).then_some(repository), tracked))
}
