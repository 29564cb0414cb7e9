//! Trees: whatever can be packed comes back as it went, byte for byte.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use rch_bundle::pack::pack;
use rch_bundle::tree::{Options, Tree};
use rch_bundle::unpack::{Expected, Unpack};
use rch_bundle::{directory, tree};

use crate::input::Input;
use crate::scratch::Scratch;

const ENTRIES_MAX: usize = 24;

/// For each entry a byte for what it is, a line for its path, and for files a byte for its size or for links a line for its target.
pub(crate) fn check(data: &[u8]) {
    let scratch = Scratch::new();
    let mut input = Input::new(data);
    for _ in 0..ENTRIES_MAX {
        if input.is_empty() {
            break;
        }
        make(&scratch.root(), &mut input);
    }
    if let Ok(tree) = directory::list(&scratch.root()) {
        round_trip(&tree);
    }
    if let Ok(tree) = tree::walk(&scratch.root(), &Options::default()) {
        round_trip(&tree);
    }
}

/// Makes one entry, if such a thing can be made beneath `root` without leaving it.
fn make(root: &Path, input: &mut Input<'_>) {
    let kind = input.byte();
    let name = input.line();
    let inside = !name.contains(&0) && name.split(|byte| *byte == b'/').all(|part| !part.is_empty() && part != b"." && part != b"..");
    let path = root.join(OsStr::from_bytes(name));
    if !inside || path.ancestors().take_while(|above| *above != root).any(Path::is_symlink) {
        return;
    }
    if let Some(parent) = path.parent() {
        let _ = fs::create_dir_all(parent);
    }
    // What cannot be made (a name too long, a file in the way) is not there.
    let _ = match kind % 4 {
        0 => fs::create_dir(&path),
        1 => symlink(OsStr::from_bytes(input.line()), &path),
        executable => {
            let content = vec![kind; usize::from(input.byte()) * 9];
            let mode = if executable == 2 { 0o755 } else { 0o644 };
            fs::write(&path, content).and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(mode)))
        }
    };
}

fn round_trip(tree: &Tree) {
    let Ok(packed) = pack(tree) else { return };
    let expected = Expected { sha256: packed.sha256(), size: packed.size() };
    let copy = Scratch::new();
    let mut unpack = Unpack::new(&copy.root(), expected).expect("it is empty");
    for index in 0..packed.chunks().len() {
        let chunk = packed.read_chunk(index).expect("nobody writes to it");
        unpack.feed(&chunk).expect("what was packed can be unpacked");
    }
    let entries = unpack.finish().expect("what was packed can be unpacked");
    copy.check_outside();
    assert_eq!(entries, packed.source_entries());
    let again = pack(&directory::list(&copy.root()).expect("it was listed before")).expect("nobody writes to it");
    assert_eq!(again.sha256(), packed.sha256(), "the copy is another tree");
}
