//! What was kept of an earlier pass: whatever bytes lie there, and however well sealed, the pass after it is right or there is none.

use std::fs;
use std::sync::OnceLock;

use rch_bundle::pack::{Earlier, pack, pack_since};
use rch_bundle::tree::{Options, Tree, walk};
use rch_schemas::{Sha256, Timestamp};
use tempfile::TempDir;

use crate::input::Input;

/// A tree, and what was kept of it, without its seal.
struct Sample {
    _root: TempDir,
    tree: Tree,
    body: Vec<u8>,
}

/// A byte for whether a kept pass is changed or replaced; then for each change two bytes for where and one for what, or the body itself.
pub(crate) fn check(data: &[u8]) {
    static SAMPLE: OnceLock<Sample> = OnceLock::new();
    let sample = SAMPLE.get_or_init(Sample::new);
    let mut input = Input::new(data);
    let mut body = if input.byte() & 1 == 0 { sample.body.clone() } else { input.rest().to_vec() };
    if body.len() == sample.body.len() {
        while !input.is_empty() {
            // From the end: the root's name, near the beginning, has another length elsewhere.
            let at = usize::from(u16::from_le_bytes([input.byte(), input.byte()])) % body.len();
            let at = body.len() - 1 - at;
            body[at] = input.byte();
        }
    }
    let seal = Sha256::of(&body);
    body.extend_from_slice(seal.as_bytes());
    let Ok(earlier) = Earlier::decode(&body) else { return };
    assert_eq!(earlier.encode(), body, "another text for the same pass");
    if let Ok(packed) = pack_since(&sample.tree, Some(&earlier)) {
        for index in 0..packed.chunks().len() {
            let _ = packed.read_chunk(index);
        }
    }
}

impl Sample {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("there is a directory for temporary files");
        fs::create_dir(root.path().join("d")).expect("it is empty");
        fs::write(root.path().join("d/a"), "text").expect("it is empty");
        fs::write(root.path().join("z"), [9; 3_000]).expect("it is empty");
        std::os::unix::fs::symlink("d/a", root.path().join("l")).expect("it is empty");
        let tree = walk(root.path(), &Options::default()).expect("a small tree");
        let packed = pack(&tree).expect("nobody writes to it");
        let mut body = packed.remember(Timestamp::from_unix_ms(i64::MAX)).expect("it was read").encode();
        body.truncate(body.len() - 32);
        Self { _root: root, tree, body }
    }
}
