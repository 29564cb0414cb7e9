//! Each attack with an archive made for it.

use std::os::unix::fs::MetadataExt as _;

use super::*;
use crate::name::InvalidName;

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
        (EntryType::new(b'V'), MemberError::UnknownType('V')),
        (EntryType::GNULongName, MemberError::UnknownType('L')),
        (EntryType::GNULongLink, MemberError::UnknownType('K')),
        (EntryType::XGlobalHeader, MemberError::UnknownType('g')),
    ] {
        assert_eq!(member_refusal(&edited(entry_type, |_| ())), expected, "{entry_type:?}");
    }
    // The oldest spelling of a regular file.
    assert_eq!(member_refusal(&edited(EntryType::Regular, |header| header.as_mut_bytes()[156] = 0)), MemberError::UnknownType('\0'));
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
    assert_eq!(member_refusal(&with_pax(&[("path", b"a\0b")])), MemberError::Name(InvalidName::Control));
    assert_eq!(member_refusal(&with_pax(&[("path", b"a\xff")])), MemberError::Field("name"));
    // The last of two would win in one reader, the first in another.
    let long = "x".repeat(101);
    assert_eq!(member_refusal(&with_pax(&[("path", b"b"), ("path", long.as_bytes())])), MemberError::NotCanonical);
    // A target on what is no link.
    assert_eq!(member_refusal(&with_pax(&[("linkpath", b"/etc/passwd")])), MemberError::NotCanonical);
    for other in ["comment", "charset", "LIBARCHIVE.xattr.x", "SCHILY.acl.access", "RHT.security.selinux", "GNU.volume.label"] {
        assert_eq!(member_refusal(&with_pax(&[(other, b"x")])), MemberError::UnknownRecord(other.to_owned()));
    }
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
        ("a link with content", edited(EntryType::Symlink, |header| header.as_old_mut().size.copy_from_slice(b"00000000001\0"))),
        ("another magic", regular(|header| header.as_ustar_mut().unwrap().magic[5] = b' ')),
        ("another version", regular(|header| header.as_ustar_mut().unwrap().version[1] = b'1')),
        ("a mode without zeros", regular(|header| header.as_old_mut().mode.copy_from_slice(b"    644\0"))),
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
    // A digit where the NUL belongs: more than any header that is written again could say.
    for size in [b"100000000000", b"777777777777"] {
        let twelve_digits = edited(EntryType::Regular, |header| header.as_mut_bytes()[124..136].copy_from_slice(size));
        assert_eq!(member_refusal(&twelve_digits), MemberError::Field("size"));
    }
}

#[test]
fn members_come_once_in_order_beneath_their_parents() {
    let order = |previous: &str| MemberError::Order { previous: previous.to_owned() };
    assert_eq!(member_refusal(&archive(&[("b", file(0), b""), ("a", file(0), b"")])), order("b"));
    assert_eq!(member_refusal(&archive(&[("a", file(0), b""), ("a", file(0), b"")])), order("a"));
    assert_eq!(member_refusal(&archive(&[("a/b", file(0), b"")])), MemberError::NoParent);
    assert_eq!(member_refusal(&archive(&[("a", file(0), b""), ("a/b", file(0), b"")])), MemberError::NoParent);
    assert_eq!(member_refusal(&archive(&[("a/l", link("x"), b"")])), MemberError::NoParent);
    // A parent by another case is another name, here as on the Linux that unpacks it.
    assert_eq!(member_refusal(&archive(&[("A", Kind::Directory, b""), ("a/b", file(0), b"")])), MemberError::NoParent);
    for (first, second) in [("STRASSE", "stra\u{df}e"), ("dress", "dre\u{17f}s"), ("a", "\u{ff21}")] {
        let refused = unpack(&archive(&[(first, file(0), b""), (second, file(0), b"")])).1;
        let collides = matches!(&refused, Err(UnpackError::Member { reason: MemberError::Collision { other }, .. }) if other == first);
        // The last pair is no pair: a full-width letter folds to a full-width letter.
        assert_eq!(collides, first != "a", "{first} {second}");
    }
    let collision = MemberError::Collision { other: "README".to_owned() };
    assert_eq!(member_refusal(&archive(&[("README", file(0), b""), ("readme", file(0), b"")])), collision);
}

#[test]
fn a_file_is_never_written_through_a_link_of_the_archive() {
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().to_str().unwrap();
    assert_eq!(member_refusal(&archive(&[("a", link(target), b""), ("a/b", file(1), b"x")])), MemberError::NoParent);
    assert_eq!(member_refusal(&archive(&[("a", link("."), b""), ("a/b", file(1), b"x")])), MemberError::NoParent);
    // Where case does not count, the second would be the first.
    let other_case = [("A", link(target), &b""[..]), ("a", Kind::Directory, b""), ("a/b", file(1), b"x")];
    assert!(matches!(member_refusal(&archive(&other_case)), MemberError::Collision { .. }));
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
fn a_file_takes_no_more_of_the_disk_than_came_for_it() {
    // The header claims all that a header can; eight blocks come.
    let mut bytes = tar::header("large", &file(tar::FILE_BYTES_MAX));
    bytes.resize(bytes.len() + 8 * 512, 7);
    let (root, result) = unpack(&bytes);
    assert!(matches!(result, Err(UnpackError::Truncated)));
    let metadata = fs::metadata(root.path().join("large")).unwrap();
    assert_eq!((metadata.len(), metadata.blocks()), (8 * 512, 8));

    // More than was promised is refused as it comes, not at the end.
    let small = Expected { sha256: Sha256::of(""), size: 1_024 };
    let (root, result) = unpack_expecting(&bytes, small, 512);
    assert!(matches!(result, Err(UnpackError::Size { expected: 1_024, found: 1_536 })));
    assert_eq!(fs::metadata(root.path().join("large")).unwrap().len(), 512);
}

#[test]
fn more_members_than_allowed_are_refused_as_they_come() {
    let names = ["a", "b", "c", "d"];
    let members: Vec<_> = names.iter().map(|name| (*name, file(0), &b""[..])).collect();
    let bytes = archive(&members);
    let mut unpack = Unpack::nowhere(of(&bytes));
    unpack.members_max = 3;
    assert!(matches!(unpack.feed(&bytes), Err(UnpackError::TooManyMembers)));
    assert_eq!(Unpack::nowhere(of(&bytes)).members_max, MEMBERS_MAX);
}
