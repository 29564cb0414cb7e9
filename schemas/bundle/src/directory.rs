//! A directory of artifacts, such as `result.xcresult`, in the form of a source tree.
//!
//! Everything in it belongs to it: no ignore file, no fixed list, no git, and directories count even when empty. The rules about names,
//! links and kinds of files are the same, since it is unpacked the same way.

use std::path::{Path, PathBuf};

use crate::tar::Kind;
use crate::tree::{Entry, List, OpenDirectory, Origin, Tree, WalkError, bundle_path, check_name};

/// Lists everything in the directory at `root`, which itself is not a member.
///
/// # Errors
/// [`WalkError`] for a name that cannot be bundled, or what only the whole list tells: collisions and escaping links.
pub fn list(root: &Path) -> Result<Tree, WalkError> {
    let root = root.canonicalize().map_err(|_| WalkError::NotADirectory { root: root.to_owned() })?;
    if !root.is_dir() {
        return Err(WalkError::NotADirectory { root });
    }
    let mut entries = Vec::new();
    let mut waiting = vec![(PathBuf::new(), String::new())];
    while let Some((inner, parent)) = waiting.pop() {
        let Some(open) = OpenDirectory::read(root.join(&inner))? else { continue };
        for name in open.names() {
            let path = bundle_path(&parent, &name.text);
            check_name(&path, &name.text)?;
            let disk = inner.join(&name.text);
            let (kind, stamp) = if open.is_directory(name)? {
                waiting.push((disk.clone(), path.clone()));
                (Kind::Directory, None)
            } else {
                let Some((kind, stamp)) = open.leaf(&name.text, &path)? else { continue };
                (kind, Some(stamp))
            };
            entries.push(Entry { path, disk, kind, origin: Origin::Unversioned, stamp });
        }
    }
    List::new(&root, entries).finish(None)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::fs;

    use super::*;

    #[test]
    fn everything_in_an_artifact_directory_belongs_to_it() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("Data/empty")).unwrap();
        fs::write(root.path().join("Data/.gitignore"), "*\n").unwrap();
        fs::write(root.path().join(".DS_Store"), "x").unwrap();
        let tree = list(root.path()).unwrap();
        let all: Vec<&str> = tree.entries().iter().map(|entry| entry.path.as_str()).collect();
        assert_eq!(all, [".DS_Store", "Data", "Data/.gitignore", "Data/empty"]);
    }

    #[test]
    fn a_link_out_of_an_artifact_directory_is_refused() {
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/passwd", root.path().join("log")).unwrap();
        assert!(matches!(list(root.path()), Err(WalkError::EscapingSymlink { .. })));
        assert!(matches!(list(&root.path().join("missing")), Err(WalkError::NotADirectory { .. })));
    }
}
