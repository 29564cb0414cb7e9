//! The lines of a log, one after the other, in bounded memory.

use std::io::{BufRead, Read as _};

/// Real lines reach 53 kB; what is longer is cut, not held.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// Gives every line without its end, with the offset in bytes at which it starts. Of a longer line than 64 KiB only the beginning is given: its
/// rest is no line of its own, whatever it looks like.
///
/// # Errors
/// As the reader.
pub(super) fn each(mut reader: impl BufRead, mut hear: impl FnMut(u64, &str)) -> std::io::Result<()> {
    let mut offset = 0;
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let read = reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(());
        }
        let rest = if bytes.last() == Some(&b'\n') { 0 } else { reader.skip_until(b'\n')? };
        hear(offset, String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']));
        offset += (read + rest) as u64;
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn lines(bytes: &[u8]) -> Vec<(u64, String)> {
        let mut lines = Vec::new();
        each(bytes, |offset, line| lines.push((offset, line.to_owned()))).unwrap();
        lines
    }

    #[test]
    fn every_line_comes_with_its_offset_whatever_ends_it() {
        let found = lines(b"a\r\n\nb\xff\nlast");
        let found: Vec<_> = found.iter().map(|(offset, line)| (*offset, line.as_str())).collect();
        assert_eq!(found, [(0, "a"), (3, ""), (4, "b\u{fffd}"), (7, "last")]);
    }

    #[test]
    fn the_rest_of_an_endless_line_is_no_line() {
        let mut log = vec![b'x'; 200_000];
        log.extend_from_slice(b"** TEST SUCCEEDED **\nnext\n");
        let found = lines(&log);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].1.len(), found[1].0, found[1].1.as_str()), (64 * 1024, 200_021, "next"));
    }
}
