//! Whether a record continues what was applied: same ledger, next sequence, digest of the record before.

use rch_schemas::{LedgerId, LedgerSeq, Sha256, Tick};
use serde::{Deserialize, Serialize};

use super::record::{LEDGER_VERSION, Record};

/// The end of what was applied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The ledger; absent before its first record.
    pub ledger_id: Option<LedgerId>,
    /// The last applied record; 0 before the first.
    pub seq: LedgerSeq,
    /// SHA-256 of its bytes.
    pub digest: Option<Sha256>,
    /// Its farm time.
    pub tick: Tick,
}

/// Why a record does not continue what was applied.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// A newer build wrote it.
    #[error("record {seq} of the ledger is of ledger version {found}, this build reads up to {LEDGER_VERSION}; use a newer one")]
    Newer {
        /// The record.
        seq: LedgerSeq,
        /// Its version.
        found: u32,
    },
    /// It holds what this build does not know, or is no record at all.
    #[error("record {seq} of the ledger cannot be read by this build; use the build that wrote it, or a newer one")]
    Unreadable {
        /// The record.
        seq: LedgerSeq,
        /// Where it is no record.
        source: serde_json::Error,
    },
    /// It is of another ledger.
    #[error("record {seq} is of ledger {found}, what was applied is of ledger {expected}: the stream is another ledger's")]
    OtherLedger {
        /// The record.
        seq: LedgerSeq,
        /// Its ledger.
        found: LedgerId,
        /// The ledger of those before it.
        expected: LedgerId,
    },
    /// It does not follow the record before it.
    #[error("record {seq} follows a record with digest {found}, but record {} that was applied has {expected}: the ledger was replaced or cut", seq.0 - 1)]
    Broken {
        /// The record.
        seq: LedgerSeq,
        /// The digest it names; `none` when it names none.
        found: String,
        /// The digest of the record before it.
        expected: String,
    },
}

/// What is read of any record, whatever its version.
#[derive(Deserialize)]
struct Versioned {
    ledger_version: u32,
}

impl Position {
    /// The record in `bytes`, if as record `seq.0 + 1` it continues this position.
    pub fn check_next(&self, bytes: &[u8]) -> Result<Record, ChainError> {
        let seq = self.next();
        let unreadable = |source| ChainError::Unreadable { seq, source };
        let versioned: Versioned = serde_json::from_slice(bytes).map_err(unreadable)?;
        if versioned.ledger_version > LEDGER_VERSION {
            return Err(ChainError::Newer { seq, found: versioned.ledger_version });
        }
        let record: Record = serde_json::from_slice(bytes).map_err(unreadable)?;
        if let Some(expected) = &self.ledger_id
            && *expected != record.ledger_id
        {
            return Err(ChainError::OtherLedger { seq, found: record.ledger_id, expected: expected.clone() });
        }
        if record.previous_sha256 != self.digest {
            let word = |digest: Option<Sha256>| digest.map_or_else(|| "none".to_owned(), |digest| digest.to_string());
            return Err(ChainError::Broken { seq, found: word(record.previous_sha256), expected: word(self.digest) });
        }
        Ok(record)
    }

    /// The sequence of the next record.
    pub fn next(&self) -> LedgerSeq {
        LedgerSeq(self.seq.0 + 1)
    }

    /// The position after `record`, whose bytes have this digest.
    #[must_use]
    pub fn after(&self, record: &Record, digest: Sha256) -> Self {
        Self { ledger_id: Some(record.ledger_id.clone()), seq: self.next(), digest: Some(digest), tick: record.now.tick }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use rch_schemas::Timestamp;

    use super::super::record::Now;
    use super::*;

    fn record(ledger: &str, previous: Option<Sha256>) -> Record {
        Record {
            ledger_version: LEDGER_VERSION,
            ledger_id: ledger.parse().unwrap(),
            record_id: "record-0001".parse().unwrap(),
            previous_sha256: previous,
            term: 1,
            build: "test".to_owned(),
            now: Now { tick: Tick(7), wall: Timestamp::from_unix_ms(0) },
            commands: Vec::new(),
        }
    }

    fn after(record: &Record) -> Position {
        Position::default().after(record, Sha256::of(record.to_bytes()))
    }

    #[test]
    fn each_record_names_the_one_before() {
        let first = record("ledger-0001", None);
        assert_eq!(Position::default().check_next(&first.to_bytes()).unwrap(), first);
        let position = after(&first);
        let second = record("ledger-0001", position.digest);
        assert_eq!(position.check_next(&second.to_bytes()).unwrap(), second);
        assert_eq!((position.seq, position.next(), position.tick), (LedgerSeq(1), LedgerSeq(2), Tick(7)));
    }

    #[test]
    fn a_record_of_another_history_is_refused() {
        let position = after(&record("ledger-0001", None));
        let stranger = record("ledger-0002", position.digest).to_bytes();
        assert!(matches!(position.check_next(&stranger), Err(ChainError::OtherLedger { .. })));
        for previous in [None, Some(Sha256::of("something else"))] {
            let error = position.check_next(&record("ledger-0001", previous).to_bytes()).unwrap_err();
            assert!(error.to_string().contains("record 1 that was applied"), "{error}");
        }
    }

    #[test]
    fn what_a_newer_build_wrote_is_refused_and_not_skipped() {
        let mut newer = record("ledger-0001", None);
        newer.ledger_version = LEDGER_VERSION + 1;
        assert!(
            matches!(Position::default().check_next(&newer.to_bytes()), Err(ChainError::Newer { found, .. }) if found == LEDGER_VERSION + 1)
        );
        let text = String::from_utf8(record("ledger-0001", None).to_bytes()).unwrap();
        let unknown_member = text.replace("\"term\":1", "\"term\":1,\"surprise\":1");
        let unknown_event = text.replace("\"commands\":[]", r#""commands":[{"actor":"a","events":[{"type":"Surprise"}]}]"#);
        for text in [unknown_member, unknown_event, "{}".to_owned()] {
            assert!(matches!(Position::default().check_next(text.as_bytes()), Err(ChainError::Unreadable { .. })), "{text}");
        }
    }
}
