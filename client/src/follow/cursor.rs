//! The next byte of a log that is wanted.

use std::fmt;

use data_encoding::BASE64;
use rch_schemas::wire::http::LogEvent;
use rch_schemas::{Attempt, WorkerName};

/// A place in a job's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    attempt: Attempt,
    offset: u64,
    /// Whether this is the log of a set that no attempt produced; the farm numbers it 0.
    of_none: bool,
}

/// What an event adds to what is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// The next bytes.
    Bytes(Vec<u8>),
    /// Another attempt began.
    Attempt {
        /// Its number.
        attempt: Attempt,
        /// Where, when the farm says so.
        worker: Option<WorkerName>,
    },
    /// Bytes that nobody has any more.
    Gap {
        /// How many.
        bytes: u64,
    },
    /// The attempt's log is complete.
    End {
        /// The attempt.
        attempt: Attempt,
    },
}

/// Why an event cannot follow the cursor: the stream is to be read again from there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Skip {
    /// Bytes before it did not come.
    #[error("the log goes on at byte {found}, byte {expected} was wanted")]
    Bytes {
        /// The next byte wanted.
        expected: u64,
        /// The byte that came.
        found: u64,
    },
    /// The bytes are not base64.
    #[error("the log's bytes are not base64")]
    Encoding,
}

impl Cursor {
    /// The first byte of an attempt's log.
    pub(crate) fn start(attempt: Attempt) -> Self {
        // Attempts are numbered from 1; a job that has none yet begins with the first.
        Self { attempt: attempt.max(Attempt(1)), offset: 0, of_none: false }
    }

    /// Takes an event: what is new of it, in order. Bytes that were seen before are left out.
    pub(crate) fn take(&mut self, event: LogEvent) -> Result<Vec<Piece>, Skip> {
        let mut pieces = Vec::new();
        match event {
            LogEvent::Attempt { attempt, worker } => pieces.extend(self.switch(attempt, Some(worker))),
            LogEvent::Log { attempt, offset, data } => {
                let attempt = self.known_as(attempt);
                pieces.extend(self.switch(attempt, None));
                if attempt == self.attempt {
                    pieces.extend(self.bytes(offset, &data)?);
                }
            }
            LogEvent::Gap { attempt, from, to } => {
                let attempt = self.known_as(attempt);
                pieces.extend(self.switch(attempt, None));
                if attempt == self.attempt && to > self.offset {
                    if from > self.offset {
                        return Err(Skip::Bytes { expected: self.offset, found: from });
                    }
                    pieces.push(Piece::Gap { bytes: to - self.offset });
                    self.offset = to;
                }
            }
            LogEvent::End { attempt, bytes } => {
                let attempt = self.known_as(attempt);
                pieces.extend(self.switch(attempt, None));
                if attempt == self.attempt {
                    if bytes > self.offset {
                        return Err(Skip::Bytes { expected: self.offset, found: bytes });
                    }
                    pieces.push(Piece::End { attempt });
                }
            }
        }
        Ok(pieces)
    }

    /// Gives up bytes that the farm did not send when asked for them twice.
    pub(crate) fn give_up(&mut self, to: u64) -> Piece {
        let bytes = to.saturating_sub(self.offset);
        self.offset = self.offset.max(to);
        Piece::Gap { bytes }
    }

    /// A job that ends without a worker's set has one log all the same, of no attempt: it stands for that of the last attempt when
    /// nothing of that was read.
    fn known_as(&mut self, attempt: Attempt) -> Attempt {
        if attempt != Attempt::NONE || !self.of_none && self.offset > 0 {
            return attempt;
        }
        self.of_none = true;
        self.attempt
    }

    fn switch(&mut self, attempt: Attempt, worker: Option<WorkerName>) -> Option<Piece> {
        (attempt > self.attempt).then(|| {
            *self = Self { attempt, offset: 0, of_none: false };
            Piece::Attempt { attempt, worker }
        })
    }

    fn bytes(&mut self, offset: u64, data: &str) -> Result<Option<Piece>, Skip> {
        if offset > self.offset {
            return Err(Skip::Bytes { expected: self.offset, found: offset });
        }
        let mut bytes = BASE64.decode(data.as_bytes()).map_err(|_| Skip::Encoding)?;
        let seen = usize::try_from(self.offset - offset).unwrap_or(usize::MAX).min(bytes.len());
        bytes.drain(..seen);
        // A farm may say any offset; a log that long is none.
        self.offset = self.offset.saturating_add(bytes.len() as u64);
        Ok((!bytes.is_empty()).then_some(Piece::Bytes(bytes)))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attempt = if self.of_none { Attempt::NONE } else { self.attempt };
        write!(f, "{attempt}:{}", self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(attempt: u32, offset: u64, text: &str) -> LogEvent {
        LogEvent::Log { attempt: Attempt(attempt), offset, data: BASE64.encode(text.as_bytes()) }
    }

    fn bytes(text: &str) -> Vec<Piece> {
        vec![Piece::Bytes(text.as_bytes().to_vec())]
    }

    #[test]
    fn bytes_that_come_again_after_a_broken_connection_are_told_once() {
        let mut cursor = Cursor::start(Attempt(1));
        assert_eq!(cursor.take(log(1, 0, "hello ")), Ok(bytes("hello ")));
        assert_eq!(cursor.take(log(1, 0, "hello ")), Ok(Vec::new()));
        assert_eq!(cursor.take(log(1, 3, "lo world")), Ok(bytes("world")));
        assert_eq!(cursor.to_string(), "1:11");
    }

    #[test]
    fn a_jump_is_refused_so_that_the_stream_is_read_again_and_given_up_only_then() {
        let mut cursor = Cursor::start(Attempt(1));
        let skipped = Err(Skip::Bytes { expected: 0, found: 5 });
        assert_eq!(cursor.take(log(1, 5, "x")), skipped);
        assert_eq!(cursor.take(LogEvent::End { attempt: Attempt(1), bytes: 5 }), skipped);
        assert_eq!(cursor.give_up(5), Piece::Gap { bytes: 5 });
        assert_eq!(cursor.take(log(1, 5, "x")), Ok(bytes("x")));
        assert_eq!(cursor.take(LogEvent::End { attempt: Attempt(1), bytes: 6 }), Ok(vec![Piece::End { attempt: Attempt(1) }]));
    }

    #[test]
    fn a_new_attempt_begins_at_its_first_byte_and_the_old_one_is_heard_no_more() {
        let mut cursor = Cursor::start(Attempt::NONE);
        assert_eq!(cursor.take(log(1, 0, "old")), Ok(bytes("old")));
        let worker: WorkerName = "macmini-02".parse().expect("a name");
        let begun = vec![Piece::Attempt { attempt: Attempt(2), worker: Some(worker.clone()) }];
        assert_eq!(cursor.take(LogEvent::Attempt { attempt: Attempt(2), worker }), Ok(begun));
        assert_eq!(cursor.take(log(1, 3, "late")), Ok(Vec::new()));
        assert_eq!(cursor.take(LogEvent::End { attempt: Attempt(1), bytes: 3 }), Ok(Vec::new()));
        assert_eq!(cursor.take(log(2, 0, "new")), Ok(bytes("new")));
    }

    #[test]
    fn a_gap_counts_only_what_was_not_seen() {
        let mut cursor = Cursor::start(Attempt(1));
        assert_eq!(cursor.take(log(1, 0, "ab")), Ok(bytes("ab")));
        assert_eq!(cursor.take(LogEvent::Gap { attempt: Attempt(1), from: 0, to: 10 }), Ok(vec![Piece::Gap { bytes: 8 }]));
        assert_eq!(cursor.take(LogEvent::Gap { attempt: Attempt(1), from: 0, to: 10 }), Ok(Vec::new()));
        assert_eq!(cursor.take(log(1, 10, "x")), Ok(bytes("x")));
    }

    #[test]
    fn the_log_of_a_set_that_no_attempt_produced_stands_for_the_last_attempt_s() {
        let mut cursor = Cursor::start(Attempt(2));
        assert_eq!(cursor.take(log(0, 0, "never ran\n")), Ok(bytes("never ran\n")));
        assert_eq!(cursor.to_string(), "0:10");
        assert_eq!(cursor.take(LogEvent::End { attempt: Attempt::NONE, bytes: 10 }), Ok(vec![Piece::End { attempt: Attempt(2) }]));
        let mut streamed = Cursor::start(Attempt(2));
        assert_eq!(streamed.take(log(2, 0, "half")), Ok(bytes("half")));
        assert_eq!(streamed.take(log(0, 0, "half, again")), Ok(Vec::new()));
    }

    #[test]
    fn an_offset_at_the_end_of_all_numbers_is_taken_as_it_comes() {
        let mut cursor = Cursor::start(Attempt(1));
        let gap = LogEvent::Gap { attempt: Attempt(1), from: 0, to: u64::MAX };
        assert_eq!(cursor.take(gap), Ok(vec![Piece::Gap { bytes: u64::MAX }]));
        assert_eq!(cursor.take(log(1, u64::MAX, "x")), Ok(bytes("x")));
        assert_eq!(cursor.to_string(), format!("1:{}", u64::MAX));
    }

    #[test]
    fn what_is_not_base64_is_refused() {
        let event = LogEvent::Log { attempt: Attempt(1), offset: 0, data: "***".to_owned() };
        assert_eq!(Cursor::start(Attempt(1)).take(event), Err(Skip::Encoding));
    }
}
