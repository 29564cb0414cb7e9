//! Bytes as lines.

/// A line that is longer is shown in pieces: recorded logs have lines of 52,825 characters, but no one reads a megabyte.
const LINE_BYTES_MAX: usize = 1024 * 1024;

/// The beginning of a line whose end has not come yet.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// Takes the next bytes and hands every complete line, without its end, to `found`.
    pub(crate) fn push(&mut self, bytes: &[u8], mut found: impl FnMut(String)) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.rest.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.rest.len() > LINE_BYTES_MAX {
                found(self.take());
            }
        }
    }

    /// Hands what is left, when the log ends without a line feed.
    pub(crate) fn end(&mut self, found: impl FnOnce(String)) {
        if !self.rest.is_empty() {
            found(self.take());
        }
    }

    fn take(&mut self) -> String {
        let line = std::mem::take(&mut self.rest);
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_wherever_the_bytes_are_cut() {
        let text = "one\r\n\ntw\u{e9}\nlast".as_bytes();
        for size in [1, 2, 7, 100] {
            let (mut lines, mut found) = (Lines::default(), Vec::new());
            text.chunks(size).for_each(|piece| lines.push(piece, |line| found.push(line)));
            lines.end(|line| found.push(line));
            assert_eq!(found, ["one", "", "tw\u{e9}", "last"], "{size}");
        }
    }

    #[test]
    fn a_line_without_end_is_shown_in_pieces_and_none_of_it_is_lost() {
        let (mut lines, mut bytes) = (Lines::default(), 0);
        let piece = vec![b'x'; 100_000];
        (0..30).for_each(|_| lines.push(&piece, |line| bytes += line.len()));
        assert!(bytes > 2_000_000);
        lines.end(|line| bytes += line.len());
        assert_eq!(bytes, 3_000_000);
    }
}
