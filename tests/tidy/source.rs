//! The files of the checkout, as the rules read them.

use std::fs;
use std::path::{Path, PathBuf};

/// Endings of files that are text.
const TEXT: [&str; 9] = ["rs", "toml", "md", "json", "swift", "sh", "conf", "yml", "jcs"];

/// One file.
#[derive(Debug)]
pub(crate) struct Source {
    /// Relative to the checkout, with `/`.
    pub(crate) path: String,
    /// What it holds.
    pub(crate) text: String,
}

impl Source {
    /// The text up to its tests.
    pub(crate) fn code(&self) -> &str {
        self.text.split("#[cfg(test)]\nmod ").next().unwrap_or_default()
    }

    /// Whether the file is compiled for tests alone: the module that declares it says so.
    pub(crate) fn is_test(&self, all: &[Source]) -> bool {
        let (folder, file) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let declared = format!("#[cfg(test)]\nmod {};", file.trim_end_matches(".rs"));
        let parents = [format!("{folder}.rs"), format!("{folder}/mod.rs"), format!("{folder}/lib.rs")];
        all.iter().any(|source| {
            parents.contains(&source.path) && (source.text.contains(&declared) || (source.path != self.path && source.is_test(all)))
        })
    }
}

/// The checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every Rust file, sorted by path.
pub(crate) fn sources() -> Vec<Source> {
    files(|path| path.extension().is_some_and(|end| end == "rs"))
}

/// Every `Cargo.toml`.
pub(crate) fn manifests() -> Vec<Source> {
    files(|path| path.ends_with("Cargo.toml"))
}

/// Every file that people write as text.
pub(crate) fn text_files() -> Vec<Source> {
    files(|path| path.extension().is_some_and(|end| TEXT.iter().any(|text| end == *text)))
}

fn files(is_wanted: impl Fn(&Path) -> bool) -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap()) {
            let path = entry.path();
            let name = entry.file_name().into_string().unwrap();
            if entry.file_type().unwrap().is_dir() {
                if name != "target" && name != ".git" {
                    folders.push(path);
                }
            } else if is_wanted(&path) {
                let relative = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                found.push(Source { path: relative, text: fs::read_to_string(&path).unwrap() });
            }
        }
    }
    assert!(!found.is_empty(), "the checkout is at {}", root.display());
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found
}
