//! Ignore files and includes: which untracked files are left out, and which of those come back.
//!
//! Three files count: `.gitignore`, `.git/info/exclude` and `.rchignore`. The one that a person names in git's own configuration
//! (`core.excludesFile`) does not: the same checkout would be another bundle for each of its users. What it would hide is listed as untracked by
//! `--dry-run`, and the usual of it is on the fixed list.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::WalkError;
use super::excluded::IsDirectory;
use super::open::OpenDirectory;
use super::repository::Repository;

/// The largest file of rules; a thousandth of it is a long one.
const RULES_BYTES_MAX: u64 = 16 * 1024 * 1024;
const RCHIGNORE: &str = ".rchignore";
const GITIGNORE: &str = ".gitignore";

/// The rules that hold in one directory: its own files, and those of the directories above it.
#[derive(Debug)]
pub(super) struct Rules {
    above: Option<Arc<Rules>>,
    /// `.rchignore`: ours, so it wins over git's.
    own: Gitignore,
    /// `.gitignore`.
    git: Gitignore,
    /// `.git/info/exclude` of the checkout whose top this is; git's rules of directories above do not reach into it.
    exclude: Option<Gitignore>,
}

impl Rules {
    /// The rules in the directory that is `open`, the top of `repository` if one is given, below `above`; those above when it adds none.
    pub(super) fn enter(
        open: &OpenDirectory,
        repository: Option<&Repository>,
        above: Option<Arc<Self>>,
    ) -> Result<Option<Arc<Self>>, WalkError> {
        let disk = open.disk();
        let file = |name| if open.has(name) { read(disk, &disk.join(name)) } else { Ok(Gitignore::empty()) };
        if repository.is_none() && !open.has(RCHIGNORE) && !open.has(GITIGNORE) {
            return Ok(above);
        }
        let exclude = repository.map(|repository| read(disk, &repository.exclude_file())).transpose()?;
        Ok(Some(Arc::new(Self { above, own: file(RCHIGNORE)?, git: file(GITIGNORE)?, exclude })))
    }

    /// The rules of the directories from the checkout's top down to above `root`, which is inside it. Our own file does not reach in from
    /// outside the tree.
    pub(super) fn outside(repository: &Repository, root: &Path) -> Result<Option<Arc<Self>>, WalkError> {
        let Ok(inner) = root.strip_prefix(&repository.top) else { return Ok(None) };
        let mut directory = repository.top.clone();
        let mut rules = None;
        for component in inner.components() {
            let top = rules.is_none().then_some(repository);
            let git = read(&directory, &directory.join(GITIGNORE))?;
            let exclude = top.map(|repository| read(&directory, &repository.exclude_file())).transpose()?;
            rules = Some(Arc::new(Self { above: rules, own: Gitignore::empty(), git, exclude }));
            directory.push(component);
        }
        Ok(rules)
    }

    /// Whether the thing at `disk` is ignored. Its parents were asked before.
    pub(super) fn ignore(&self, disk: &Path, is_directory: IsDirectory) -> bool {
        let is_directory = is_directory == IsDirectory::Yes;
        let own = self.upwards().find_map(|rules| verdict(&rules.own, disk, is_directory));
        own.or_else(|| self.git_verdict(disk, is_directory)).unwrap_or(false)
    }

    fn git_verdict(&self, disk: &Path, is_directory: bool) -> Option<bool> {
        for rules in self.upwards() {
            let here = verdict(&rules.git, disk, is_directory);
            if let Some(exclude) = &rules.exclude {
                return here.or_else(|| verdict(exclude, disk, is_directory));
            }
            if here.is_some() {
                return here;
            }
        }
        None
    }

    fn upwards(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |rules| rules.above.as_deref())
    }
}

/// The rules of one file; none when there is no such file. A line that is no pattern is skipped, as git does, and one that is not UTF-8
/// takes none of the others with it.
fn read(directory: &Path, file: &Path) -> Result<Gitignore, WalkError> {
    let Some(bytes) = read_bytes(file, RULES_BYTES_MAX).map_err(|source| WalkError::Unreadable { path: file.to_owned(), source })? else {
        return Ok(Gitignore::empty());
    };
    let text = String::from_utf8_lossy(&bytes);
    let mut builder = GitignoreBuilder::new(directory);
    for line in text.trim_start_matches('\u{feff}').lines() {
        // What is wrong with a line is nothing that a bundle could repair.
        let _ = builder.add_line(None, line);
    }
    Ok(builder.build().unwrap_or_else(|_| Gitignore::empty()))
}

/// The bytes of a regular file of at most `bytes_max`; `None` when there is none of that name.
pub(super) fn read_bytes(file: &Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
    // A FIFO of that name is not waited for.
    let opened = File::options().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(file);
    let file = match opened {
        Ok(file) if file.metadata()?.is_file() => file,
        Ok(_) => return Ok(None),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(None),
        // A socket of that name.
        Err(error) if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    // What it holds now counts, not what it said of itself before.
    file.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        let text = format!("it has more than {bytes_max} bytes, more than any such file needs: shorten it");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    Ok(Some(bytes))
}

fn verdict(rules: &Gitignore, disk: &Path, is_directory: bool) -> Option<bool> {
    match rules.matched(disk, is_directory) {
        Match::None => None,
        Match::Ignore(_) => Some(true),
        Match::Whitelist(_) => Some(false),
    }
}

/// What `bundle.include` brings back, and what every build needs however it is ignored.
#[derive(Debug)]
pub(super) struct Include {
    globs: GlobSet,
    /// What each pattern says before its first wildcard: only beneath it can anything match.
    starts: Vec<String>,
}

impl Include {
    pub(super) fn new(patterns: &[String]) -> Result<Self, WalkError> {
        let mut globs = GlobSetBuilder::new();
        let mut starts = Vec::new();
        for pattern in patterns {
            let fail = |source| WalkError::Include { pattern: pattern.clone(), source };
            let trimmed = pattern.trim_start_matches("./").trim_end_matches('/');
            // `Pods` means all that is in it, too.
            for glob in [trimmed.to_owned(), format!("{trimmed}/**")] {
                globs.add(GlobBuilder::new(&glob).literal_separator(true).build().map_err(fail)?);
            }
            let literal = trimmed.split('/').take_while(|component| !component.contains(['*', '?', '[', '{', '\\']));
            starts.push(literal.collect::<Vec<_>>().join("/"));
        }
        let fail = |source| WalkError::Include { pattern: patterns.join(", "), source };
        Ok(Self { globs: globs.build().map_err(fail)?, starts })
    }

    /// Whether the ignored file at `path` is taken all the same.
    pub(super) fn brings_back(&self, path: &str) -> bool {
        is_resolved_packages(path) || self.globs.is_match(path)
    }

    /// Whether something in the ignored directory `path` may be brought back, so that it must be looked through.
    pub(super) fn reaches_into(&self, path: &str) -> bool {
        let reaches = |start: &String| start.is_empty() || is_in(path, start) || is_in(start, path);
        may_hold_resolved_packages(path) || self.starts.iter().any(reaches)
    }
}

fn is_in(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// `Package.resolved` pins what is built, so a build needs it even where it is ignored (spec 7.3).
pub(super) fn is_resolved_packages(path: &str) -> bool {
    path.rsplit('/').next() == Some("Package.resolved")
}

/// The directories that Xcode keeps `Package.resolved` in, which people ignore as a whole.
pub(super) fn may_hold_resolved_packages(path: &str) -> bool {
    let mut components = path.rsplit('/');
    match components.next() {
        Some("swiftpm") => components.next() == Some("xcshareddata"),
        Some("xcode") => components.next() == Some(".swiftpm"),
        Some("xcshareddata") => components.next().is_some_and(|parent| parent.ends_with(".xcworkspace")),
        Some(name) => name == ".swiftpm" || name.ends_with(".xcworkspace") || name.ends_with(".xcodeproj"),
        None => false,
    }
}
