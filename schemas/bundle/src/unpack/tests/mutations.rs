//! Archives that were right before something happened to them: each is refused, or is the canonical archive of what it became.
//!
//! The digest that is expected is always the one of the bytes, so it never helps.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::directory;
use crate::pack::pack;
use crate::tar::BLOCK_BYTES;

/// Something that happens to an archive.
#[derive(Debug, Clone)]
enum Mutation {
    /// One byte becomes another.
    Byte(Index, u8),
    /// A field of a header becomes this, and the header's sum is right again.
    Field(Index, usize, Vec<u8>),
    /// The block is there twice.
    Repeat(Index),
    /// The block is gone.
    Remove(Index),
    /// Two blocks change places.
    Swap(Index, Index),
    /// The archive ends here.
    Cut(Index),
}

/// Where the fields of a header begin: name, mode, uid, size, mtime, type, target, magic, owner, prefix.
const FIELDS: [usize; 10] = [0, 100, 108, 124, 136, 156, 157, 257, 265, 345];

fn any_mutation() -> impl Strategy<Value = Mutation> {
    let index = any::<Index>;
    let hostile = prop_oneof![
        3 => prop::sample::select(vec![
            &b"..\0"[..], b"../x\0", b"/tmp/x\0", b"a/../../x\0", b"victim\0", b".git/config\0", b"a\0", b"a/\0", b"b/c\0", b"0", b"1", b"2", b"5", b"S", b"x", b"g", b"L",
            b"77777777777\0", b"00000001000\0", b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"4755\0", b"GNUtar \0",
        ]).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 1..12),
    ];
    prop_oneof![
        2 => (index(), any::<u8>()).prop_map(|(at, byte)| Mutation::Byte(at, byte)),
        6 => (index(), prop::sample::select(FIELDS.to_vec()), hostile).prop_map(|(at, field, bytes)| Mutation::Field(at, field, bytes)),
        1 => index().prop_map(Mutation::Repeat),
        1 => index().prop_map(Mutation::Remove),
        1 => (index(), index()).prop_map(|(one, other)| Mutation::Swap(one, other)),
        1 => index().prop_map(Mutation::Cut),
    ]
}

fn mutated(mut bytes: Vec<u8>, mutation: &Mutation) -> Vec<u8> {
    let blocks = bytes.len() / BLOCK_BYTES;
    if blocks == 0 {
        return bytes;
    }
    let range = |at: &Index| {
        let start = at.index(blocks) * BLOCK_BYTES;
        start..start + BLOCK_BYTES
    };
    match mutation {
        Mutation::Byte(at, byte) => {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        Mutation::Field(at, field, value) => {
            let block: &mut [u8; BLOCK_BYTES] = (&mut bytes[range(at)]).try_into().unwrap();
            block[*field..field + value.len()].copy_from_slice(value);
            let sum = format!("{:07o}\0", tar::checksum(block));
            block[148..156].copy_from_slice(sum.as_bytes());
        }
        Mutation::Repeat(at) => {
            let block = bytes[range(at)].to_vec();
            let end = range(at).end;
            bytes.splice(end..end, block);
        }
        Mutation::Remove(at) => drop(bytes.drain(range(at))),
        Mutation::Swap(one, other) => {
            let (first, second) = (bytes[range(one)].to_vec(), bytes[range(other)].to_vec());
            bytes[range(one)].copy_from_slice(&second);
            bytes[range(other)].copy_from_slice(&first);
        }
        Mutation::Cut(at) => {
            let length = at.index(bytes.len());
            bytes.truncate(length);
        }
    }
    bytes
}

/// Every kind of member, and names of every length.
fn sample() -> Vec<u8> {
    let long = format!("b/{}", "long ".repeat(30));
    let accented = "b/caf\u{e9}";
    archive(&[
        ("a", file(3), b"abc"),
        ("b", Kind::Directory, b""),
        (accented, file(700), &[7; 700]),
        ("b/inner", Kind::Directory, b""),
        ("b/inner/up", link("../../a"), b""),
        (&long, file(0), b""),
        ("link", link(&long), b""),
        ("run.sh", Kind::File { size: 512, executable: true }, &[b'#'; 512]),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_mutated_archive_is_refused_or_canonical_and_touches_nothing_outside(
        mutations in proptest::collection::vec(any_mutation(), 1..5),
        piece in 1_usize..3_000,
    ) {
        let bytes = mutations.iter().fold(sample(), mutated);
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("root");
        fs::create_dir(&root).unwrap();
        fs::write(place.path().join("victim"), "untouched").unwrap();

        let result = Unpack::new(&root, of(&bytes)).and_then(|mut unpack| {
            bytes.chunks(piece).try_for_each(|part| unpack.feed(part))?;
            unpack.finish()
        });
        let mut beside: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        beside.sort();
        prop_assert_eq!(beside, ["root", "victim"]);
        prop_assert_eq!(fs::read(place.path().join("victim")).unwrap(), b"untouched");

        let mut looked = Unpack::nowhere(of(&bytes));
        let verdict = looked.feed(&bytes).and_then(|()| looked.finish());
        prop_assert_eq!(verdict.map_err(|error| error.to_string()), result.as_ref().map(Clone::clone).map_err(ToString::to_string));
        if result.is_ok() {
            // What was accepted means exactly one thing.
            prop_assert_eq!(pack(&directory::list(&root).unwrap()).unwrap().sha256(), of(&bytes).sha256);
        } else {
            // No link is made before everything is known to be right.
            prop_assert!(walk_all(&root).iter().all(|path| !path.is_symlink()));
        }
    }
}

fn walk_all(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() && !path.is_symlink() { walk_all(&path) } else { vec![path] }).collect()
}

#[test]
fn the_archive_before_anything_happens_to_it_is_right() {
    assert_eq!(unpack(&sample()).1.unwrap().len(), 8);
}
