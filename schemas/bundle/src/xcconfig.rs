//! Whether a file given with `-xcconfig` assigns only what a command line may assign. Such a file beats the command line, so that what is denied
//! there is denied in the file, and in all that it includes.
//!
//! Includes are followed as Xcode follows them, from the file that names them, and never out of the tree. A file that is not there is no matter
//! of ours: `xcodebuild` names it better.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use rch_schemas::invocation::read_xcconfig;

/// A file of settings is written by people: kilobytes. One byte more is read, to tell a longer one.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// More files than any project includes into one.
const FILES_MAX: usize = 256;

/// Why a file of settings is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XcconfigError {
    /// It assigns what is not the project's to choose.
    #[error("{file}:{line} assigns {key}: {reason}; {fix}")]
    Denied {
        /// The file, from the root of the tree.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The setting, with its condition.
        key: String,
        /// Why it is denied.
        reason: &'static str,
        /// What to write instead.
        fix: &'static str,
    },
    /// It includes what is not in the tree.
    #[error("{file}:{line} includes {include:?}, which is not inside the tree; put the file into the tree, and include it from there")]
    Outside {
        /// The file, from the root of the tree.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The include as written.
        include: String,
    },
    /// It cannot be looked into.
    #[error("{file} cannot be looked into: {why}")]
    Unreadable {
        /// The file, from the root of the tree.
        file: String,
        /// What stands in the way.
        why: String,
    },
    /// It includes too much.
    #[error("{file} includes more than {FILES_MAX} files; leave out what this invocation does not need")]
    TooMany {
        /// The file that was given.
        file: String,
    },
}

/// Checks the file at `path` and what it includes; paths from `root`.
///
/// # Errors
/// The first denied assignment, include out of the tree, or file that cannot be looked into.
pub fn check(root: &Path, path: &str) -> Result<(), XcconfigError> {
    let mut ahead = vec![path.to_owned()];
    let mut seen = BTreeSet::new();
    while let Some(file) = ahead.pop() {
        if !seen.insert(file.clone()) {
            continue;
        }
        if seen.len() > FILES_MAX {
            return Err(XcconfigError::TooMany { file: path.to_owned() });
        }
        let Some(text) = read(root, &file)? else { continue };
        let found = read_xcconfig(&text);
        if let Some(denied) = found.denied.into_iter().next() {
            return Err(XcconfigError::Denied { file, line: denied.line, key: denied.key, reason: denied.reason, fix: denied.fix });
        }
        for (line, include) in found.includes {
            let Some(included) = beside(&file, &include) else { return Err(XcconfigError::Outside { file, line, include }) };
            ahead.push(included);
        }
    }
    Ok(())
}

/// The path of an include, from the root; `None` when it is not one inside the tree. A variable could say anything.
fn beside(file: &str, include: &str) -> Option<String> {
    if include.starts_with(['/', '~', '<']) || include.contains('$') {
        return None;
    }
    let mut components: Vec<&str> = file.split('/').collect();
    components.pop();
    for component in include.split('/') {
        match component {
            "" | "." => {}
            ".." => {
                components.pop()?;
            }
            name => components.push(name),
        }
    }
    Some(components.join("/"))
}

/// The text of a file; `None` when there is none. Its name may be a link, as long as that stays inside the tree.
fn read(root: &Path, file: &str) -> Result<Option<String>, XcconfigError> {
    let unreadable = |why: String| XcconfigError::Unreadable { file: file.to_owned(), why };
    let failed = |error: io::Error| unreadable(error.to_string());
    let place = match root.join(file).canonicalize() {
        Ok(place) => place,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if !place.starts_with(root.canonicalize().map_err(failed)?) {
        return Err(unreadable("it is a link that leaves the tree; put the file itself there".to_owned()));
    }
    if !place.is_file() {
        return Err(unreadable("it is no file".to_owned()));
    }
    let mut bytes = Vec::new();
    File::open(&place).and_then(|opened| opened.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(unreadable(format!("it is larger than {FILE_BYTES_MAX} bytes")));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| unreadable("it is not UTF-8; save it as UTF-8".to_owned()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// The answer for `CI/Main.xcconfig` in a tree of these files.
    fn answer(files: &[(&str, &str)]) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("tree");
        fs::create_dir_all(&root).unwrap();
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        fs::write(folder.path().join("Secret.xcconfig"), "A = 1\n").unwrap();
        symlink("../Secret.xcconfig", root.join("Link.xcconfig")).unwrap();
        symlink("CI/Leaf.xcconfig", root.join("Inner.xcconfig")).unwrap();
        check(&root, "CI/Main.xcconfig").map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_denied_on_a_command_line_is_denied_in_every_file_of_settings() {
        assert_eq!(answer(&[("CI/Main.xcconfig", "#include \"Base.xcconfig\"\nONLY_ACTIVE_ARCH = NO\n")]), Ok(()));
        assert_eq!(answer(&[]), Ok(()));
        let denied = answer(&[("CI/Main.xcconfig", "#include? \"../Base.xcconfig\"\n"), ("Base.xcconfig", "\nSWIFT_EXEC = /tmp/evil\n")]);
        assert!(denied.as_ref().unwrap_err().starts_with("Base.xcconfig:2 assigns SWIFT_EXEC: "), "{denied:?}");
        let conditional = answer(&[("CI/Main.xcconfig", "CC[sdk=iphoneos*] = /tmp/evil\n")]);
        assert!(conditional.unwrap_err().starts_with("CI/Main.xcconfig:1 assigns CC[sdk=iphoneos*]: "));
    }

    #[test]
    fn includes_stay_inside_the_tree_and_end() {
        for include in ["/etc/evil.xcconfig", "../../evil.xcconfig", "$(HOME)/evil.xcconfig", "<DEVELOPER_DIR>/evil.xcconfig"] {
            let error = answer(&[("CI/Main.xcconfig", &format!("#include \"{include}\"\n"))]).unwrap_err();
            assert!(error.starts_with("CI/Main.xcconfig:1 includes ") && error.contains("not inside the tree"), "{error}");
        }
        let circle = "#include \"Main.xcconfig\"\n#include \"../Inner.xcconfig\"\n";
        assert_eq!(answer(&[("CI/Main.xcconfig", circle), ("CI/Leaf.xcconfig", "A = 1\n")]), Ok(()));
        let error = answer(&[("CI/Main.xcconfig", "#include \"../Link.xcconfig\"\n")]).unwrap_err();
        assert_eq!(error, "Link.xcconfig cannot be looked into: it is a link that leaves the tree; put the file itself there");
    }

    #[test]
    fn files_that_are_too_large_or_too_many_or_no_text_are_refused() {
        let large = "A = 1\n".repeat(200_000);
        assert!(answer(&[("CI/Main.xcconfig", &large)]).unwrap_err().contains("larger than 1048576 bytes"));
        let includes: Vec<String> = (0..300).map(|number| format!("#include \"{number}.xcconfig\"")).collect();
        assert!(answer(&[("CI/Main.xcconfig", &includes.join("\n"))]).unwrap_err().contains("more than 256 files"));
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.xcconfig"), "S\u{0}Y".encode_utf16().flat_map(u16::to_be_bytes).chain([0xff]).collect::<Vec<u8>>())
            .unwrap();
        assert!(check(folder.path(), "a.xcconfig").unwrap_err().to_string().contains("not UTF-8"));
        fs::create_dir(folder.path().join("b.xcconfig")).unwrap();
        assert!(check(folder.path(), "b.xcconfig").unwrap_err().to_string().contains("no file"));
    }
}
