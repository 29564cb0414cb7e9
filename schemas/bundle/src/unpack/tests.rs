//! Archives that are unpacked as they should be, and what the other tests make theirs with.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod attacks;
mod mutations;
mod round_trip;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use ::tar::{Builder, EntryType, Header};
use tempfile::TempDir;

use super::*;
use crate::tar;

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
fn only_an_empty_directory_is_unpacked_into() {
    let root = tempfile::tempdir().unwrap();
    let expected = of(b"");
    fs::write(root.path().join("there"), "").unwrap();
    assert!(matches!(Unpack::new(root.path(), expected), Err(UnpackError::NotEmpty { .. })));
    assert!(matches!(Unpack::new(&root.path().join("nothing"), expected), Err(UnpackError::Destination { .. })));
}
