//! Archives: whatever the bytes are, nothing is made outside, nothing is larger than what came, and what is accepted is canonical.

use std::fs;

use rch_bundle::pack::pack;
use rch_bundle::unpack::{Expected, Unpack, UnpackError};
use rch_bundle::{directory, tar};
use rch_schemas::Sha256;
use rch_schemas::document::SourceEntry;

use crate::input::Input;
use crate::scratch::Scratch;

/// A byte for the size of the pieces, then the archive. Sums of headers are put right, or no changed header would ever be looked at.
pub(crate) fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let choice = usize::from(input.byte());
    let bytes = if choice & 1 == 0 { with_sums(input.rest()) } else { input.rest().to_vec() };
    let scratch = Scratch::new();
    let expected = Expected { sha256: Sha256::of(&bytes), size: bytes.len() as u64 };
    let result = Unpack::new(&scratch.root(), expected).and_then(|unpack| fed(unpack, &bytes, 1 + choice * 7));
    scratch.check_outside();
    let found = scratch.beneath();
    let written: u64 = found
        .iter()
        .filter_map(|path| fs::symlink_metadata(scratch.root().join(path)).ok())
        .filter(fs::Metadata::is_file)
        .map(|m| m.len())
        .sum();
    assert!(written <= expected.size, "{written} bytes came of {}", expected.size);
    let looked = fed(Unpack::nowhere(expected), &bytes, bytes.len().max(1));
    match result {
        Ok(entries) => {
            assert_eq!(looked.expect("looking is unpacking"), entries);
            assert_eq!(found.len(), entries.len());
            let again = pack(&directory::list(&scratch.root()).expect("what was unpacked can be packed")).expect("nobody writes to it");
            assert_eq!((again.sha256(), again.size()), (expected.sha256, expected.size), "it was accepted and is not canonical");
            assert_eq!(again.source_entries(), entries);
        }
        Err(error) => {
            assert_eq!(looked.expect_err("looking is unpacking").to_string(), error.to_string());
            assert!(found.iter().all(|path| !scratch.root().join(path).is_symlink()), "a link of a refused archive");
        }
    }
}

fn fed(mut unpack: Unpack, bytes: &[u8], piece: usize) -> Result<Vec<SourceEntry>, UnpackError> {
    bytes.chunks(piece).try_for_each(|part| unpack.feed(part))?;
    unpack.finish()
}

/// The archive with the sum of every block that looks like a header made right.
fn with_sums(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for block in bytes.chunks_exact_mut(tar::BLOCK_BYTES).filter(|block| block[257..262] == *b"ustar") {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:07o}\0").as_bytes());
    }
    bytes
}
