//! The output of an attempt on its way: raw bytes, with what they are in the message's headers.

use std::collections::BTreeMap;

use crate::digest::Sha256;
use crate::id::{Attempt, InvalidId};

/// Largest chunk of log in one message, in bytes.
pub const OUTPUT_CHUNK_MAX: usize = 64 * 1024;

/// What a message of the output stream holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputKind {
    /// Bytes of the log.
    Log,
    /// A structured event, one JSON document.
    Event,
    /// The end: no bytes; offset and digest are the totals.
    End,
}

impl OutputKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Event => "event",
            Self::End => "end",
        }
    }
}

/// The headers of a message of the output stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputHeader {
    /// What the body is.
    pub kind: OutputKind,
    /// The attempt that printed it.
    pub attempt: Attempt,
    /// From 0, without gaps, over all kinds.
    pub sequence: u64,
    /// Offset of the body's first byte in the log as printed.
    pub offset: u64,
    /// SHA-256 of all log bytes up to and with this body.
    pub running_sha256: Sha256,
}

impl OutputHeader {
    /// Name and value of each header.
    pub fn pairs(&self) -> [(&'static str, String); 5] {
        [
            ("Rch-Kind", self.kind.as_str().to_owned()),
            ("Rch-Attempt", self.attempt.to_string()),
            ("Rch-Seq", self.sequence.to_string()),
            ("Rch-Offset", self.offset.to_string()),
            ("Rch-Sha256", self.running_sha256.to_string()),
        ]
    }

    /// The header read from name and value pairs.
    pub fn parse(pairs: &BTreeMap<String, String>) -> Result<Self, InvalidId> {
        let text = |name: &'static str| pairs.get(name).map(String::as_str).unwrap_or_default();
        let number = |name: &'static str| text(name).parse::<u64>().map_err(|_| InvalidId::new(name, "a number", text(name)));
        let kind = [OutputKind::Log, OutputKind::Event, OutputKind::End]
            .into_iter()
            .find(|kind| kind.as_str() == text("Rch-Kind"))
            .ok_or_else(|| InvalidId::new("Rch-Kind", "log, event or end", text("Rch-Kind")))?;
        let attempt = u32::try_from(number("Rch-Attempt")?).map_err(|_| InvalidId::new("Rch-Attempt", "a number", text("Rch-Attempt")))?;
        Ok(Self {
            kind,
            attempt: Attempt(attempt),
            sequence: number("Rch-Seq")?,
            offset: number("Rch-Offset")?,
            running_sha256: text("Rch-Sha256").parse()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_read_back_as_written() {
        let header =
            OutputHeader { kind: OutputKind::Log, attempt: Attempt(2), sequence: 7, offset: 65_536, running_sha256: Sha256::of("log") };
        let pairs = header.pairs().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        assert_eq!(OutputHeader::parse(&pairs), Ok(header));
    }

    #[test]
    fn a_foreign_message_is_refused() {
        assert!(OutputHeader::parse(&BTreeMap::new()).is_err());
    }
}
