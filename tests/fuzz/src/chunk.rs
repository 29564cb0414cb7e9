//! Chunks as they travel: never more bytes than asked for, and what was compressed comes back.

use rch_bundle::chunk::Cutter;
use rch_bundle::compress::{compress, decompress};

use crate::input::Input;

/// The limit in two bytes, then a body.
pub(crate) fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let bytes_max = usize::from(u16::from_le_bytes([input.byte(), input.byte()])) * 32;
    let body = input.rest();
    if let Ok(plain) = decompress(body, bytes_max) {
        assert!(plain.len() <= bytes_max);
        assert!(plain.capacity() <= bytes_max.max(64), "{} bytes were taken for a limit of {bytes_max}", plain.capacity());
    }
    let frame = compress(body);
    assert_eq!(decompress(&frame, body.len()).expect("its own frame"), body);
    if let Some(fewer) = body.len().checked_sub(1) {
        assert!(decompress(&frame, fewer).is_err(), "one byte too many");
    }
    let mut cutter = Cutter::new();
    let mut together = Vec::new();
    body.chunks(bytes_max.max(1)).for_each(|piece| cutter.push(piece, |chunk| together.extend_from_slice(chunk)));
    cutter.finish(|chunk| together.extend_from_slice(chunk));
    assert_eq!(together, body);
}
