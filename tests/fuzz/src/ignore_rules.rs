//! Ignore files and includes: whatever they say, what is listed is there, and the fixed list stays out.

use std::fs;

use rch_bundle::tree::{Options, walk};

use crate::input::Input;
use crate::scratch::Scratch;

const FILES: [&str; 9] =
    [".DS_Store", "App.swift", "Pods/A/a.m", "build/x.o", "build/deep/y.o", "gen/z.swift", "sub/App.swift", "sub/build/x.o", "key.p12"];

/// An include on the first line, a byte for which ignore file, then the text of it.
pub(crate) fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let include = String::from_utf8_lossy(input.line()).into_owned();
    let file = [".gitignore", ".rchignore", "sub/.gitignore", "sub/.rchignore"][usize::from(input.byte() % 4)];
    let scratch = Scratch::new();
    for path in FILES.iter().chain([&file]) {
        let path = scratch.root().join(path);
        fs::create_dir_all(path.parent().expect("beneath the root")).expect("it is ours");
        fs::write(path, "").expect("it is ours");
    }
    fs::write(scratch.root().join(file), input.rest()).expect("it is ours");
    let listed = |include: Vec<String>| {
        let tree = walk(&scratch.root(), &Options { include, ..Options::default() }).ok()?;
        Some(tree.entries().iter().map(|entry| entry.path.clone()).collect::<Vec<_>>())
    };
    let without = listed(Vec::new()).expect("an ignore file is never an error");
    assert!(without.iter().all(|path| scratch.root().join(path).exists()));
    assert!(!without.iter().any(|path| path == "key.p12" || path == ".DS_Store"));
    if let Some(with) = listed(vec![include]) {
        assert!(without.iter().all(|path| with.contains(path)), "an include takes nothing away");
        assert!(!with.iter().any(|path| path == "key.p12" || path == ".DS_Store"));
    }
}
