//! What `rch` says, held against files that a person has read. `RCH_UPDATE_GOLDEN=1 cargo test -p rch-client` writes them anew; the diff is
//! the review.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name)
}

fn is_updating() -> bool {
    std::env::var_os("RCH_UPDATE_GOLDEN").is_some()
}

/// Compares `found` with the file `client/golden/NAME`, whole.
pub(crate) fn check(name: &str, found: &str) {
    let path = path(name);
    if is_updating() {
        fs::create_dir_all(path.parent().expect("a file has a directory")).expect("the golden directory can be made");
        fs::write(&path, found).expect("the golden file can be written");
        return;
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == found, "client/golden/{name} differs; RCH_UPDATE_GOLDEN=1 writes it anew. Found:\n{found}\nExpected:\n{golden}");
}

/// Compares every file of `client/golden/DIRECTORY` with what was found under its name: none more, none less.
pub(crate) fn check_directory(directory: &str, found: &[(String, String)]) {
    for (name, text) in found {
        check(&format!("{directory}/{name}"), text);
    }
    let expected: BTreeSet<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    for entry in fs::read_dir(path(directory)).expect("the golden directory is there") {
        let file = entry.expect("its entries can be read");
        let name = file.file_name().into_string().expect("golden files have plain names");
        if !expected.contains(name.as_str()) {
            assert!(is_updating(), "client/golden/{directory}/{name} is of nothing that is there any more");
            fs::remove_file(file.path()).expect("a golden file can be removed");
        }
    }
}
