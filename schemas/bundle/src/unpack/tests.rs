//! Each attack with an archive made for it, and trees that come back as they went.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use ::tar::{Builder, EntryType, Header};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::name::InvalidName;
use crate::pack::pack;
use crate::tar;
use crate::{directory, tree};

/// A canonical archive of `members`, each a path, a kind and its content.
fn archive(members: &[(&str, Kind, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (path, kind, content) in members {
        bytes.extend(tar::header(path, kind));
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len() + tar::padding(content.len() as u64), 0);
    }
    bytes.resize(bytes.len() + tar::TRAILER_BYTES, 0);
    bytes
}

fn file(size: u64) -> Kind {
    Kind::File { size, executable: false }
}

fn link(target: &str) -> Kind {
    Kind::Symlink { target: target.to_owned() }
}

/// An archive of one member, whose header is as `edit` makes it.
fn edited(entry_type: EntryType, edit: impl FnOnce(&mut Header)) -> Vec<u8> {
    let mut header = Header::new_ustar();
    header.set_entry_type(entry_type);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(0);
    header.set_device_major(0).unwrap();
    header.set_device_minor(0).unwrap();
    header.as_mut_bytes()[0] = b'a';
    edit(&mut header);
    header.set_cksum();
    let mut builder = Builder::new(Vec::new());
    builder.append(&header, &[][..]).unwrap();
    builder.into_inner().unwrap()
}

/// An archive whose one file has a PAX header with `records` before it.
fn with_pax(records: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    builder.append_pax_extensions(records.iter().copied()).unwrap();
    let mut bytes = builder.into_inner().unwrap();
    bytes.truncate(bytes.len() - tar::TRAILER_BYTES);
    bytes.extend(archive(&[("a", file(3), b"abc")]));
    bytes
}

fn of(bytes: &[u8]) -> Expected {
    Expected { sha256: Sha256::of(bytes), size: bytes.len() as u64 }
}

fn unpack_expecting(bytes: &[u8], expected: Expected, piece: usize) -> (TempDir, Result<Vec<SourceEntry>, UnpackError>) {
    let root = tempfile::tempdir().unwrap();
    let result = Unpack::new(root.path(), expected).and_then(|mut unpack| {
        for part in bytes.chunks(piece) {
            unpack.feed(part)?;
        }
        unpack.finish()
    });
    (root, result)
}

fn unpack(bytes: &[u8]) -> (TempDir, Result<Vec<SourceEntry>, UnpackError>) {
    unpack_expecting(bytes, of(bytes), 700)
}

fn refusal(bytes: &[u8]) -> UnpackError {
    unpack(bytes).1.expect_err("it was to be refused")
}

fn member_refusal(bytes: &[u8]) -> MemberError {
    let error = refusal(bytes);
    let text = error.to_string();
    let UnpackError::Member { reason, .. } = error else { panic!("refused for another reason: {text}") };
    reason
}

#[test]
fn a_canonical_archive_becomes_a_tree() {
    let bytes = archive(&[
        ("Sources", Kind::Directory, b""),
        ("Sources/App.swift", file(3), b"let"),
        ("current", link("Sources"), b""),
        ("run.sh", Kind::File { size: 2, executable: true }, b"#!"),
    ]);
    let (root, entries) = unpack(&bytes);
    let entries = entries.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>(), ["Sources", "Sources/App.swift", "current", "run.sh"]);
    assert_eq!(entries[1].sha256, Some(Sha256::of("let")));
    assert_eq!(fs::read_to_string(root.path().join("current/App.swift")).unwrap(), "let");
    let mode = |path: &str| fs::metadata(root.path().join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("Sources"), mode("Sources/App.swift"), mode("run.sh")), (0o755, 0o644, 0o755));
}

#[test]
fn an_archive_that_is_only_looked_at_gives_the_same_entries_and_refusals() {
    let bytes = archive(&[("a", Kind::Directory, b""), ("a/b", file(3), b"abc"), ("l", link("a"), b"")]);
    let mut looked = Unpack::nowhere(of(&bytes));
    looked.feed(&bytes).unwrap();
    assert_eq!(looked.finish().unwrap(), unpack(&bytes).1.unwrap());

    let hostile = archive(&[("a/b", file(0), b"")]);
    let refused = Unpack::nowhere(of(&hostile)).feed(&hostile);
    assert!(matches!(refused, Err(UnpackError::Member { reason: MemberError::NoParent, .. })));
}

#[test]
fn names_that_lead_out_or_hide_are_refused() {
    for (path, expected) in [
        ("/etc/passwd", InvalidName::NotRelative),
        ("../up", InvalidName::Dots),
        ("a/../../up", InvalidName::Dots),
        (".git/hooks/post-checkout", InvalidName::Git),
        ("a\u{1b}[2J", InvalidName::Control),
        ("cafe\u{301}", InvalidName::NotNfc),
        (&"x".repeat(256), InvalidName::TooLong),
        (&["x"; 600].join("/"), InvalidName::TooLong),
        (&["x"; 101].join("/"), InvalidName::TooDeep),
    ] {
        assert_eq!(member_refusal(&archive(&[(path, file(0), b"")])), MemberError::Name(expected), "{path:?}");
    }
}

#[test]
fn kinds_of_members_that_can_do_harm_are_refused_by_name() {
    for (entry_type, expected) in [
        (EntryType::Link, MemberError::HardLink),
        (EntryType::Char, MemberError::Device),
        (EntryType::Block, MemberError::Device),
        (EntryType::Fifo, MemberError::Device),
        (EntryType::GNUSparse, MemberError::Sparse),
        (EntryType::Continuous, MemberError::UnknownType('7')),
        (EntryType::GNULongName, MemberError::UnknownType('L')),
        (EntryType::GNULongLink, MemberError::UnknownType('K')),
        (EntryType::XGlobalHeader, MemberError::UnknownType('g')),
    ] {
        assert_eq!(member_refusal(&edited(entry_type, |_| ())), expected, "{entry_type:?}");
    }
}

#[test]
fn pax_records_that_could_desynchronise_two_readers_are_refused() {
    assert_eq!(member_refusal(&with_pax(&[("size", b"1000")])), MemberError::SizeDisagrees { pax: "1000".to_owned(), header: 3 });
    assert_eq!(member_refusal(&with_pax(&[("GNU.sparse.major", b"1")])), MemberError::Sparse);
    assert_eq!(member_refusal(&with_pax(&[("SCHILY.xattr.user.x", b"1")])), MemberError::UnknownRecord("SCHILY.xattr.user.x".to_owned()));
    // A size that agrees still says the same thing twice.
    assert_eq!(member_refusal(&with_pax(&[("size", b"3")])), MemberError::UnknownRecord("size".to_owned()));
    assert_eq!(member_refusal(&with_pax(&[("path", b"b")])), MemberError::NotCanonical);
    assert_eq!(member_refusal(&with_pax(&[("path", b"../b")])), MemberError::Name(InvalidName::Dots));
    assert_eq!(member_refusal(&with_pax(&[("path", &[b'x'; 5_000])])), MemberError::Pax);
}

#[test]
fn a_pax_header_that_is_alone_repeated_or_not_well_formed_is_refused() {
    let plain = archive(&[("a", file(0), b"")]);
    let pax = |body: &[u8]| {
        let mut bytes = edited(EntryType::XHeader, |header| header.set_size(body.len() as u64));
        bytes.truncate(512);
        bytes.extend_from_slice(body);
        bytes.resize(1_024, 0);
        bytes
    };
    for body in [&b"no length"[..], b"999 path=b\n", b"8 path=b\n", b"0 path=b\n", b"10 path_b\n", b"10 path=bb"] {
        assert_eq!(member_refusal(&[pax(body), plain.clone()].concat()), MemberError::Pax, "{}", String::from_utf8_lossy(body));
    }
    assert_eq!(member_refusal(&[pax(b"10 path=b\n"), pax(b"10 path=b\n"), plain].concat()), MemberError::Pax);
    assert_eq!(member_refusal(&[pax(b"10 path=b\n"), vec![0; 1_024]].concat()), MemberError::Pax);
    assert_eq!(member_refusal(&edited(EntryType::XHeader, |header| header.set_size(0))), MemberError::Pax);
}

#[test]
fn whatever_is_not_written_as_we_write_it_is_refused() {
    let regular = |edit: fn(&mut Header)| edited(EntryType::Regular, edit);
    assert_eq!(unpack(&regular(|_| ())).1.unwrap().len(), 1, "the unedited one is canonical");
    for (what, bytes) in [
        ("set-user-id", regular(|header| header.set_mode(0o4755))),
        ("an owner", regular(|header| header.set_uid(501))),
        ("a time", regular(|header| header.set_mtime(1))),
        ("a user name", regular(|header| header.set_username("root").unwrap())),
        ("a prefix", regular(|header| header.as_ustar_mut().unwrap().prefix[0] = b'p')),
        ("a device number", regular(|header| header.set_device_major(1).unwrap())),
        ("a target on a file", regular(|header| header.as_old_mut().linkname[0] = b'x')),
        ("bytes after the name", regular(|header| header.as_mut_bytes()[50] = b'x')),
        ("a directory without slash", edited(EntryType::Directory, |header| header.set_mode(0o755))),
    ] {
        assert_eq!(member_refusal(&bytes), MemberError::NotCanonical, "{what}");
    }
    let mut padded = archive(&[("a", file(1), b"x")]);
    padded[700] = 1;
    assert_eq!(member_refusal(&padded), MemberError::NotCanonical);
    let mut corrupt = archive(&[("a", file(1), b"x")]);
    corrupt[0] = b'b';
    assert_eq!(member_refusal(&corrupt), MemberError::Checksum);
    let binary_size =
        edited(EntryType::Regular, |header| header.as_mut_bytes()[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]));
    assert_eq!(member_refusal(&binary_size), MemberError::Field("size"));
}

#[test]
fn members_come_once_in_order_beneath_their_parents() {
    let order = |previous: &str| MemberError::Order { previous: previous.to_owned() };
    assert_eq!(member_refusal(&archive(&[("b", file(0), b""), ("a", file(0), b"")])), order("b"));
    assert_eq!(member_refusal(&archive(&[("a", file(0), b""), ("a", file(0), b"")])), order("a"));
    assert_eq!(member_refusal(&archive(&[("a/b", file(0), b"")])), MemberError::NoParent);
    assert_eq!(member_refusal(&archive(&[("a", file(0), b""), ("a/b", file(0), b"")])), MemberError::NoParent);
    assert_eq!(member_refusal(&archive(&[("a/l", link("x"), b"")])), MemberError::NoParent);
    let collision = MemberError::Collision { other: "README".to_owned() };
    assert_eq!(member_refusal(&archive(&[("README", file(0), b""), ("readme", file(0), b"")])), collision);
}

#[test]
fn a_file_is_never_written_through_a_link_of_the_archive() {
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().to_str().unwrap();
    assert_eq!(member_refusal(&archive(&[("a", link(target), b""), ("a/b", file(1), b"x")])), MemberError::NoParent);
    assert_eq!(member_refusal(&archive(&[("a", link("."), b""), ("a/b", file(1), b"x")])), MemberError::NoParent);
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn links_that_leave_the_tree_are_refused_and_none_is_made() {
    let leaving = |target: &str| MemberError::EscapingSymlink { target: target.to_owned() };
    for target in ["/etc/passwd", "..", "a/../../x"] {
        let (root, result) = unpack(&archive(&[("good", link("x"), b""), ("z", link(target), b"")]));
        assert!(matches!(result, Err(UnpackError::Member { reason, .. }) if reason == leaving(target)), "{target}");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0, "{target}");
    }
    // The second step of a two-step attack: each text stays inside, the way does not.
    let two_step = archive(&[("a", Kind::Directory, b""), ("a/up", link(".."), b""), ("b", link("a/up/.."), b"")]);
    assert_eq!(member_refusal(&two_step), leaving("a/up/.."));
}

#[test]
fn a_directory_exchanged_for_a_link_meanwhile_is_no_way_out() {
    let outside = tempfile::tempdir().unwrap();
    let root = tempfile::tempdir().unwrap();
    let bytes = archive(&[("a", Kind::Directory, b""), ("a.txt", file(0), b""), ("a/b", file(1), b"x")]);
    let mut unpack = Unpack::new(root.path(), of(&bytes)).unwrap();
    unpack.feed(&bytes[..1_024]).unwrap();
    fs::remove_dir(root.path().join("a")).unwrap();
    symlink(outside.path(), root.path().join("a")).unwrap();
    assert!(matches!(unpack.feed(&bytes[1_024..]), Err(UnpackError::Io { path, .. }) if path == "a/b"));
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn bytes_that_are_not_the_ones_promised_are_refused_and_no_link_is_made() {
    let bytes = archive(&[("a", file(1), b"x"), ("l", link("a"), b"")]);
    let right = of(&bytes);
    let (root, result) = unpack_expecting(&bytes, Expected { sha256: Sha256::of("other"), ..right }, 512);
    assert!(matches!(result, Err(UnpackError::Digest { found, .. }) if found == right.sha256));
    assert!(root.path().join("l").symlink_metadata().is_err());
    assert!(matches!(unpack_expecting(&bytes, Expected { size: right.size - 1, ..right }, 512).1, Err(UnpackError::Size { .. })));
    assert!(matches!(unpack_expecting(&bytes, Expected { size: right.size + 1, ..right }, 512).1, Err(UnpackError::Size { .. })));
}

#[test]
fn an_archive_cut_short_or_with_something_after_it_is_refused() {
    let bytes = archive(&[("a", file(600), &[b'x'; 600])]);
    for length in [0, 100, 512, 700, 1_500, 1_536, 2_048, bytes.len() - 1] {
        assert!(matches!(refusal(&bytes[..length]), UnpackError::Truncated), "{length}");
    }
    assert!(matches!(refusal(&[bytes.clone(), vec![0]].concat()), UnpackError::Trailing));
    let mut one_zero_block = bytes.clone();
    let last = one_zero_block.len() - 1;
    one_zero_block[last] = 1;
    assert!(matches!(refusal(&one_zero_block), UnpackError::Truncated));
}

#[test]
fn only_an_empty_directory_is_unpacked_into() {
    let root = tempfile::tempdir().unwrap();
    let expected = of(b"");
    fs::write(root.path().join("there"), "").unwrap();
    assert!(matches!(Unpack::new(root.path(), expected), Err(UnpackError::NotEmpty { .. })));
    assert!(matches!(Unpack::new(&root.path().join("nothing"), expected), Err(UnpackError::Destination { .. })));
}

/// A name that a tree may hold, with letters that need a PAX header and lengths about the border of one.
fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-c]{1,2}",
        2 => "[a-z \u{e9}\u{d55c}_.-]{1,20}[a-z]",
        1 => "[x-z]{90,110}",
    ]
}

#[derive(Debug, Clone)]
enum Node {
    File(Vec<u8>, bool),
    Link(String),
    Directory(std::collections::BTreeMap<String, Node>),
}

fn any_tree() -> impl Strategy<Value = Node> {
    let content = prop_oneof![3 => proptest::collection::vec(any::<u8>(), 0..1_200), 1 => Just(vec![b'x'; 2_500_000])];
    let leaf = prop_oneof![
        4 => (content, any::<bool>()).prop_map(|(content, executable)| Node::File(content, executable)),
        1 => any_name().prop_map(Node::Link),
    ];
    let node = leaf.prop_recursive(4, 24, 6, |inner| proptest::collection::btree_map(any_name(), inner, 0..6).prop_map(Node::Directory));
    proptest::collection::btree_map(any_name(), node, 0..8).prop_map(Node::Directory)
}

fn make(node: &Node, path: &Path) {
    match node {
        Node::File(content, executable) => {
            fs::write(path, content).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(if *executable { 0o755 } else { 0o644 })).unwrap();
        }
        Node::Link(target) => symlink(target, path).unwrap(),
        Node::Directory(children) => {
            fs::create_dir_all(path).unwrap();
            for (name, child) in children {
                make(child, &path.join(name));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_tree_that_was_packed_unpacks_to_itself(node in any_tree(), piece in 1_usize..3_000_000) {
        let root = tempfile::tempdir().unwrap();
        make(&node, root.path());
        let packed = match directory::list(root.path()) {
            Ok(tree) => pack(&tree).unwrap(),
            // Two made-up names may be one on a Mac.
            Err(tree::WalkError::NameCollision { .. }) => return Ok(()),
            Err(error) => panic!("{error}"),
        };
        let tar: Vec<u8> = (0..packed.chunks().len()).flat_map(|index| packed.read_chunk(index).unwrap()).collect();
        let (copy, entries) = unpack_expecting(&tar, Expected { sha256: packed.sha256(), size: packed.size() }, piece);
        prop_assert_eq!(entries.unwrap(), packed.source_entries());
        let again = pack(&directory::list(copy.path()).unwrap()).unwrap();
        prop_assert_eq!(again.sha256(), packed.sha256());
    }
}
