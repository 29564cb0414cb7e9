//! A golden digest, and another implementation of tar as reader.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Read as _;

use rch_schemas::Sha256;

use super::*;

fn file(size: u64) -> Kind {
    Kind::File { size, executable: false }
}

fn archive(members: &[(&str, Kind, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (path, kind, content) in members {
        bytes.extend(header(path, kind));
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len() + padding(content.len() as u64), 0);
    }
    bytes.resize(bytes.len() + TRAILER_BYTES, 0);
    bytes
}

fn sample() -> Vec<u8> {
    let long = format!("Sources/{}.swift", "long".repeat(30));
    archive(&[
        ("Package.swift", file(7), b"// swif"),
        ("Sources", Kind::Directory, b""),
        ("Sources/caf\u{e9}.txt", file(0), b""),
        (&long, file(3), b"let"),
        ("link", Kind::Symlink { target: "Sources/caf\u{e9}.txt".to_owned() }, b""),
        ("run.sh", Kind::File { size: 512, executable: true }, &[b'#'; 512]),
    ])
}

#[test]
fn the_bytes_never_change() {
    let expected = "393529b8549d39005e02bdd8514aa11f32c8b311edea86a32a167c10b9088333";
    assert_eq!(Sha256::of(sample()).to_string(), expected);
}

#[test]
fn another_implementation_reads_the_same_members() {
    let bytes = sample();
    let mut archive = ::tar::Archive::new(&bytes[..]);
    let mut seen = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut content = String::new();
        entry.read_to_string(&mut content).unwrap();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        let target = entry.link_name().unwrap().map(|target| target.to_str().unwrap().to_owned());
        assert_eq!(entry.header().mtime().unwrap() + entry.header().uid().unwrap() + entry.header().gid().unwrap(), 0);
        seen.push((path, entry.header().mode().unwrap(), target, content.len()));
    }
    let long = format!("Sources/{}.swift", "long".repeat(30));
    let expected = [
        ("Package.swift".to_owned(), 0o644, None, 7),
        ("Sources/".to_owned(), 0o755, None, 0),
        ("Sources/caf\u{e9}.txt".to_owned(), 0o644, None, 0),
        (long, 0o644, None, 3),
        ("link".to_owned(), 0o644, Some("Sources/caf\u{e9}.txt".to_owned()), 0),
        ("run.sh".to_owned(), 0o755, None, 512),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_pax_record_counts_its_own_length() {
    for length in [1, 80, 89, 90, 91, 92, 93, 985, 986, 987, 988, 989, 990, 991, 1_024] {
        let record = pax_record("path", &"x".repeat(length));
        let text = String::from_utf8(record.clone()).unwrap();
        let (said, _) = text.split_once(' ').unwrap();
        assert_eq!(said.parse::<usize>().unwrap(), record.len());
    }
}

#[test]
fn the_length_of_a_header_is_known_without_making_it() {
    for length in [1, 98, 99, 100, 101, 480, 490, 500, 900, 1_010, 1_024] {
        for name in ["x".repeat(length), "\u{e9}".repeat(length / 2 + 1)] {
            let link = Kind::Symlink { target: name.clone() };
            for kind in [file(3), Kind::Directory, Kind::Symlink { target: "a".to_owned() }, link] {
                assert_eq!(header_bytes(&name, &kind), header(&name, &kind).len(), "{length} {kind:?}");
            }
        }
    }
}

#[test]
fn a_member_takes_whole_blocks() {
    for size in [0, 1, 511, 512, 513, 1_024] {
        assert_eq!(member_bytes("a", &file(size)) % 512, 0, "{size}");
        assert_eq!(padding(size) as u64, (512 - size % 512) % 512);
    }
}

#[test]
fn the_largest_file_still_has_a_plain_header() {
    let header = header("a", &file(FILE_BYTES_MAX));
    assert_eq!(&header[124..136], b"77777777777\0");
}
