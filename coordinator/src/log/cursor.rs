//! Where a reader of a log stands: `<attempt>:<offset>`.

use std::fmt;
use std::str::FromStr;

use rch_schemas::Attempt;

/// A place in a job's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The attempt whose log it is in.
    pub(crate) attempt: Attempt,
    /// Bytes of that log before the place.
    pub(crate) offset: u64,
}

/// The text is no cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a cursor: expected <attempt>:<offset>, such as 1:0")]
pub(crate) struct InvalidCursor(pub(crate) String);

impl Cursor {
    /// The beginning of the first attempt.
    pub(crate) const START: Self = Self { attempt: Attempt(1), offset: 0 };
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.attempt, self.offset)
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;
    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let invalid = || InvalidCursor(text.chars().take(80).collect());
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let (attempt, offset) = text.split_once(':').filter(|(attempt, offset)| digits(attempt) && digits(offset)).ok_or_else(invalid)?;
        let attempt = attempt.parse().map(Attempt).map_err(|_| invalid())?;
        Ok(Self { attempt, offset: offset.parse().map_err(|_| invalid())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_as_written() {
        let cursor = Cursor { attempt: Attempt(2), offset: 65_536 };
        assert_eq!(cursor.to_string(), "2:65536");
        assert_eq!("2:65536".parse(), Ok(cursor));
        assert_eq!(Cursor::START.to_string(), "1:0");
    }

    #[test]
    fn what_is_no_cursor_is_refused_in_words() {
        for text in ["", "1", ":", "1:", ":0", "1:-1", "+1:0", "1:0:0", " 1:0", "1:99999999999999999999", "4294967296:0"] {
            let error = text.parse::<Cursor>().expect_err(text).to_string();
            assert!(error.contains("<attempt>:<offset>"), "{error}");
        }
    }
}
