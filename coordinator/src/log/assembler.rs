//! The pure part: one attempt's log from chunks that may repeat, be missing or be wrong.

use bytes::Bytes;
use rch_schemas::Attempt;
use rch_schemas::digest::Hasher;
use rch_schemas::wire::output::{OutputHeader, OutputKind};

/// The log of one attempt so far.
#[derive(Debug)]
pub(crate) struct Assembler {
    attempt: Attempt,
    next: u64,
    /// Over all bytes so far; `None` once a gap was left, after which digests prove nothing.
    hasher: Option<Hasher>,
}

/// What became of a chunk.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Nothing new: of an older attempt, a repeat, or no part of the log.
    Nothing,
    /// It is of a newer attempt than this one's.
    Newer,
    /// The next bytes, which start at `offset`.
    Bytes {
        /// Offset of the first.
        offset: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// Bytes before it are missing; fill or skip them and take it again.
    Gap {
        /// The first missing byte.
        from: u64,
        /// The byte after the last missing one.
        to: u64,
    },
    /// It does not have the digest it was sent with: it is as if it had not come.
    Corrupt,
    /// The log is complete.
    End {
        /// Its length.
        bytes: u64,
    },
}

impl Assembler {
    /// The empty log of an attempt.
    pub(crate) fn new(attempt: Attempt) -> Self {
        Self { attempt, next: 0, hasher: Some(Hasher::new()) }
    }

    /// Whose log it is.
    pub(crate) fn attempt(&self) -> Attempt {
        self.attempt
    }

    /// Bytes so far, gaps included.
    #[cfg(test)]
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Takes a message of the output stream.
    pub(crate) fn take(&mut self, header: &OutputHeader, body: &Bytes) -> Taken {
        if header.attempt != self.attempt {
            return if header.attempt > self.attempt { Taken::Newer } else { Taken::Nothing };
        }
        match header.kind {
            OutputKind::Event => Taken::Nothing,
            OutputKind::Log => self.take_log(header, body),
            OutputKind::End if header.offset > self.next => Taken::Gap { from: self.next, to: header.offset },
            OutputKind::End => Taken::End { bytes: self.next },
        }
    }

    fn take_log(&mut self, header: &OutputHeader, body: &Bytes) -> Taken {
        let end = header.offset.saturating_add(body.len() as u64);
        if header.offset > self.next {
            return Taken::Gap { from: self.next, to: header.offset };
        }
        if end <= self.next {
            return Taken::Nothing;
        }
        let known = usize::try_from(self.next - header.offset).expect("less than the length of the body");
        let new = body.slice(known..);
        let hasher = self.hasher.clone().map(|mut hasher| {
            hasher.update(&new);
            hasher
        });
        if hasher.as_ref().is_some_and(|hasher| hasher.current() != header.running_sha256) {
            return Taken::Corrupt;
        }
        let offset = self.next;
        (self.hasher, self.next) = (hasher, end);
        Taken::Bytes { offset, bytes: new }
    }

    /// Takes bytes that were missing, from elsewhere.
    pub(crate) fn fill(&mut self, bytes: &[u8]) {
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        }
        self.next += bytes.len() as u64;
    }

    /// Leaves a gap up to `to`.
    pub(crate) fn skip_to(&mut self, to: u64) {
        if to > self.next {
            self.next = to;
            self.hasher = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use rch_schemas::Sha256;

    use super::*;

    fn chunk(log: &str, range: std::ops::Range<usize>) -> (OutputHeader, Bytes) {
        let header = OutputHeader {
            kind: OutputKind::Log,
            attempt: Attempt(1),
            sequence: 0,
            offset: range.start as u64,
            running_sha256: Sha256::of(&log[..range.end]),
        };
        (header, Bytes::copy_from_slice(&log.as_bytes()[range]))
    }

    fn end(log: &str) -> OutputHeader {
        let running_sha256 = Sha256::of(log);
        OutputHeader { kind: OutputKind::End, attempt: Attempt(1), sequence: 9, offset: log.len() as u64, running_sha256 }
    }

    fn take(assembler: &mut Assembler, (header, body): &(OutputHeader, Bytes)) -> Taken {
        assembler.take(header, body)
    }

    fn bytes(offset: u64, text: &'static str) -> Taken {
        Taken::Bytes { offset, bytes: Bytes::from_static(text.as_bytes()) }
    }

    const LOG: &str = "compile\nlink\ntest\n";

    #[test]
    fn repeats_and_overlaps_give_every_byte_once() {
        let mut log = Assembler::new(Attempt(1));
        assert_eq!(take(&mut log, &chunk(LOG, 0..8)), bytes(0, "compile\n"));
        assert_eq!(take(&mut log, &chunk(LOG, 0..8)), Taken::Nothing);
        assert_eq!(take(&mut log, &chunk(LOG, 4..13)), bytes(8, "link\n"));
        assert_eq!(take(&mut log, &chunk(LOG, 13..18)), bytes(13, "test\n"));
        assert_eq!(log.take(&end(LOG), &Bytes::new()), Taken::End { bytes: 18 });
    }

    #[test]
    fn a_gap_can_be_filled_and_the_digests_go_on_to_prove() {
        let mut log = Assembler::new(Attempt(1));
        let last = chunk(LOG, 8..18);
        assert_eq!(take(&mut log, &last), Taken::Gap { from: 0, to: 8 });
        log.fill(&LOG.as_bytes()[..8]);
        assert_eq!(take(&mut log, &last), bytes(8, "link\ntest\n"));
        let mut filled_wrongly = Assembler::new(Attempt(1));
        filled_wrongly.fill(b"COMPILE\n");
        assert_eq!(take(&mut filled_wrongly, &last), Taken::Corrupt);
    }

    #[test]
    fn a_gap_that_nobody_fills_is_left_and_the_rest_still_comes() {
        let mut log = Assembler::new(Attempt(1));
        let last = chunk(LOG, 8..18);
        log.skip_to(8);
        assert_eq!(take(&mut log, &last), bytes(8, "link\ntest\n"));
        let mut cut = Assembler::new(Attempt(1));
        assert_eq!(cut.take(&end(LOG), &Bytes::new()), Taken::Gap { from: 0, to: 18 });
    }

    #[test]
    fn a_chunk_with_other_bytes_is_as_if_it_had_not_come() {
        let mut log = Assembler::new(Attempt(1));
        let (header, _) = chunk(LOG, 0..8);
        assert_eq!(log.take(&header, &Bytes::from_static(b"COMPILE\n")), Taken::Corrupt);
        assert_eq!(take(&mut log, &chunk(LOG, 0..8)), bytes(0, "compile\n"));
    }

    #[test]
    fn another_attempt_is_never_mixed_in() {
        let mut log = Assembler::new(Attempt(2));
        assert_eq!(take(&mut log, &chunk(LOG, 0..8)), Taken::Nothing);
        let (mut header, body) = chunk(LOG, 0..8);
        header.attempt = Attempt(3);
        assert_eq!(log.take(&header, &body), Taken::Newer);
        assert_eq!(log.next(), 0);
    }
}
