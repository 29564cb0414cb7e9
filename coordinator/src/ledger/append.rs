//! An append whose outcome is known in the end.
//!
//! An append that errors or times out landed about as often as not. So the same bytes are offered again under the same expected sequence until
//! the log says what happened: at most one copy can take that place, and whichever does is the same record. Only a record of somebody else's
//! in that place, or the end of the lease, ends the attempt otherwise.

use std::time::Duration;

use bytes::Bytes;
use rch_schemas::{LedgerSeq, Sha256};

use super::log::{Log, LogError, Publish};
use crate::metrics;

/// Between two tries at first; doubled each time.
const PAUSE_MIN: Duration = Duration::from_millis(20);
/// Between two tries at most.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Why a record is not, or not known to be, in the ledger.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppendError {
    #[error("another leader appended record {seq}")]
    Overtaken { seq: LedgerSeq },
    #[error("it is not known whether record {seq} was appended, and the lease has ended")]
    Unsettled { seq: LedgerSeq, source: LogError },
    #[error("the ledger ends before record {expected}, which this coordinator applied")]
    Shorter { expected: LedgerSeq },
}

/// Appends `bytes` after `expected`. Returns when the record is in the ledger, when it never will be, or when `may_go_on`, asked after each
/// try that was not acknowledged, says that this coordinator no longer leads.
///
/// # Cancel safety
/// None: whoever drops it does not know what is in the ledger.
pub(crate) async fn append<L: Log>(log: &L, bytes: Bytes, expected: LedgerSeq, may_go_on: impl Fn() -> bool) -> Result<(), AppendError> {
    let seq = LedgerSeq(expected.0 + 1);
    let ours = Sha256::of(&bytes);
    let mut pause = PAUSE_MIN;
    loop {
        let error = match log.publish(bytes.clone(), expected).await {
            Publish::Landed => return Ok(()),
            Publish::WrongSequence => LogError("it does not end where it was expected to".to_owned()),
            Publish::Unknown(error) => error,
        };
        ::metrics::counter!(metrics::APPENDS_UNKNOWN).increment(1);
        tracing::warn!(ledger_seq = seq.0, %error, "append not acknowledged, reading the ledger");
        let may_go_on = may_go_on();
        let error = match who_is_at(log, seq, ours).await {
            Ok(Found::Ours) => return Ok(()),
            Ok(Found::Other) => return Err(AppendError::Overtaken { seq }),
            Ok(Found::Cut) => return Err(AppendError::Shorter { expected }),
            Ok(Found::Nothing) => error,
            Err(unreadable) => unreadable,
        };
        if !may_go_on {
            return Err(AppendError::Unsettled { seq, source: error });
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

enum Found {
    Ours,
    Other,
    Nothing,
    Cut,
}

async fn who_is_at<L: Log>(log: &L, seq: LedgerSeq, ours: Sha256) -> Result<Found, LogError> {
    if let Some(bytes) = log.read(seq).await? {
        return Ok(if Sha256::of(&bytes) == ours { Found::Ours } else { Found::Other });
    }
    let last = log.last().await?;
    Ok(if last.0 + 1 < seq.0 { Found::Cut } else { Found::Nothing })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::sync::Mutex;

    use super::*;

    /// What the stand-in does with one publish.
    #[derive(Clone, Copy)]
    enum Fate {
        Acknowledged,
        LandsWithoutAnswer,
        Vanishes,
        OtherWinsFirst,
    }

    #[derive(Default)]
    struct Memory {
        records: Vec<Bytes>,
        fates: Vec<Fate>,
    }

    struct Script(Mutex<Memory>);

    impl Script {
        fn new(fates: &[Fate]) -> Self {
            Self(Mutex::new(Memory { records: Vec::new(), fates: fates.to_vec() }))
        }

        fn records(&self) -> usize {
            self.0.lock().unwrap().records.len()
        }
    }

    impl Log for Script {
        async fn publish(&self, bytes: Bytes, expected: LedgerSeq) -> Publish {
            let mut memory = self.0.lock().unwrap();
            let fate = if memory.fates.is_empty() { Fate::Acknowledged } else { memory.fates.remove(0) };
            if matches!(fate, Fate::OtherWinsFirst) {
                memory.records.push(Bytes::from_static(b"another leader"));
            }
            if matches!(fate, Fate::Vanishes) {
                return Publish::Unknown(LogError("cut".to_owned()));
            }
            if memory.records.len() as u64 != expected.0 {
                return Publish::WrongSequence;
            }
            memory.records.push(bytes);
            match fate {
                Fate::LandsWithoutAnswer => Publish::Unknown(LogError("no answer".to_owned())),
                Fate::Acknowledged | Fate::Vanishes | Fate::OtherWinsFirst => Publish::Landed,
            }
        }

        async fn read(&self, seq: LedgerSeq) -> Result<Option<Bytes>, LogError> {
            let index = usize::try_from(seq.0 - 1).unwrap();
            Ok(self.0.lock().unwrap().records.get(index).cloned())
        }

        async fn last(&self) -> Result<LedgerSeq, LogError> {
            Ok(LedgerSeq(self.records() as u64))
        }
    }

    async fn run(script: &Script, expected: u64) -> Result<(), AppendError> {
        append(script, Bytes::from_static(b"ours"), LedgerSeq(expected), || true).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_that_landed_without_an_answer_is_recognised_and_not_repeated() {
        let script = Script::new(&[Fate::LandsWithoutAnswer]);
        run(&script, 0).await.unwrap();
        assert_eq!(script.records(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_that_did_not_land_is_appended_again_once() {
        let script = Script::new(&[Fate::Vanishes, Fate::Vanishes, Fate::LandsWithoutAnswer]);
        run(&script, 0).await.unwrap();
        assert_eq!(script.records(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_of_another_leader_in_its_place_ends_the_term() {
        let script = Script::new(&[Fate::Vanishes, Fate::OtherWinsFirst]);
        assert!(matches!(run(&script, 0).await, Err(AppendError::Overtaken { seq: LedgerSeq(1) })));
        assert_eq!(script.records(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_ledger_that_lost_its_end_is_not_written_to() {
        let script = Script::new(&[]);
        assert!(matches!(run(&script, 5).await, Err(AppendError::Shorter { expected: LedgerSeq(5) })));
        assert_eq!(script.records(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_lease_an_unknown_outcome_stays_unknown() {
        let script = Script::new(&[Fate::Vanishes]);
        let outcome = append(&script, Bytes::from_static(b"ours"), LedgerSeq(0), || false).await;
        assert!(matches!(outcome, Err(AppendError::Unsettled { .. })));
    }
}
