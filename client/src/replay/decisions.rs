//! Which decisions are looked at, and what became of them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rch_scheduler::{ChainError, DECISION_VERSION, Decided, Event, Reader, Replayed};
use rch_schemas::document::{DecisionKind, Replay, ReplayDifference, ReplayOutcome, ReplayedDecision, SchemaId, SchemaVersion};
use rch_schemas::{LedgerSeq, RunId, Timestamp};

use super::error::ReplayError;
use crate::clock;

/// Decisions that are told one by one.
const DECISIONS_MAX: usize = 1_000;

/// Which decisions are decided again; everything when nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Those of one run.
    pub(crate) run: Option<RunId>,
    /// Of it, those of one destination.
    pub(crate) destination: Option<u32>,
    /// None before.
    pub(crate) since: Option<Timestamp>,
    /// None after.
    pub(crate) until: Option<Timestamp>,
}

/// A ledger that is being read.
#[derive(Debug, Default)]
pub(crate) struct Decisions {
    reader: Reader,
    found: Found,
}

/// What was found on the way.
#[derive(Debug, Default)]
struct Found {
    wanted: Wanted,
    same: u64,
    other_version: u64,
    differing: u64,
    decisions: Vec<ReplayedDecision>,
    run_is_over: bool,
}

impl Decisions {
    /// Nothing read yet.
    pub(crate) fn new(wanted: Wanted) -> Self {
        Self { found: Found { wanted, ..Found::default() }, ..Self::default() }
    }

    /// Whether nothing that is wanted can follow.
    pub(crate) fn is_complete(&self) -> bool {
        self.found.run_is_over
    }

    /// How many records were read.
    pub(crate) fn records(&self) -> u64 {
        self.reader.position().seq.0
    }

    /// Reads the next record of what `place` names.
    pub(crate) fn read(&mut self, bytes: &[u8], place: &str) -> Result<(), ReplayError> {
        let Self { reader, found } = self;
        let next = reader.position().next();
        let place = place.to_owned();
        // Whoever changed a record can name it in the next one just as well; what then cannot be folded is no bug of this program.
        match catch_unwind(AssertUnwindSafe(|| reader.read(bytes, |decided| found.visit(decided)))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(ChainError::Unreadable { source, .. })) if next == LedgerSeq(1) => {
                Err(ReplayError::NoLedger { place, found: source.to_string() })
            }
            Ok(Err(ChainError::Broken { .. })) if next == LedgerSeq(1) => Err(ReplayError::NoBeginning { place }),
            Ok(Err(source)) => Err(ReplayError::Chain { place, source }),
            Err(panic) => {
                let words = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
                Err(ReplayError::Impossible { place, seq: next.0, why: words.unwrap_or("no reason is known").to_owned() })
            }
        }
    }

    /// What came of it.
    pub(crate) fn finish(self) -> Replay {
        let position = self.reader.position();
        let Found { same, other_version, differing, decisions, .. } = self.found;
        Replay {
            schema_version: SchemaVersion::default(),
            schema_id: SchemaId::default(),
            created_at: clock::now(),
            ledger_id: position.ledger_id.clone(),
            records: position.seq.0,
            decision_version: DECISION_VERSION,
            same,
            other_version,
            differing,
            decisions,
        }
    }
}

impl Found {
    fn visit(&mut self, decided: Decided<'_>) {
        if let (Event::RunEnded { run_id, .. }, Some(wanted)) = (decided.event, &self.wanted.run) {
            self.run_is_over |= run_id == wanted;
        }
        let at = decided.stamp.wall;
        if self.wanted.since.is_some_and(|since| at < since) || self.wanted.until.is_some_and(|until| at > until) {
            return;
        }
        match (&self.wanted.run, decided.event) {
            (None, _) => self.decide_again(decided),
            (Some(run_id), Event::WorkerSelected { selection }) if selection.run_id == *run_id => {
                if self.wanted.destination.is_some_and(|destination| destination != selection.destination) {
                    return;
                }
                // What a choice rests on may have been judged for another run; the state is still the one that was judged.
                if let Some(judgement) = decided.judgement() {
                    self.decide_again(Decided { event: &judgement, ..decided });
                }
                self.decide_again(decided);
            }
            (Some(_), _) => {}
        }
    }

    fn decide_again(&mut self, decided: Decided<'_>) {
        let Some(replayed) = decided.again() else { return };
        let (outcome, difference) = match replayed {
            Replayed::Same => (ReplayOutcome::Same, None),
            Replayed::OtherVersion { .. } => (ReplayOutcome::OtherVersion, None),
            Replayed::Differs(found) => {
                let difference = ReplayDifference { member: found.member, recorded: found.recorded, decided: found.decided };
                (ReplayOutcome::Differs, Some(difference))
            }
        };
        let counter = match outcome {
            ReplayOutcome::Same => &mut self.same,
            ReplayOutcome::OtherVersion => &mut self.other_version,
            ReplayOutcome::Differs => &mut self.differing,
        };
        *counter += 1;
        let is_told = self.wanted.run.is_some() || outcome != ReplayOutcome::Same;
        if is_told && self.decisions.len() < DECISIONS_MAX {
            self.decisions.extend(row(decided, outcome).map(|row| ReplayedDecision { difference, ..row }));
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "only these are decisions that can be made again")]
fn row(decided: Decided<'_>, outcome: ReplayOutcome) -> Option<ReplayedDecision> {
    let blank = |kind, decision_version| ReplayedDecision {
        ledger_seq: decided.stamp.seq,
        at: decided.stamp.wall,
        kind,
        run_id: None,
        destination: None,
        worker: None,
        decision_version,
        outcome,
        difference: None,
    };
    match decided.event {
        Event::FleetJudged { judgement } => Some(blank(DecisionKind::Judgement, judgement.fleet().decision_version)),
        Event::WorkerSelected { selection } => Some(ReplayedDecision {
            run_id: Some(selection.run_id.clone()),
            destination: Some(selection.destination),
            worker: Some(selection.worker.clone()),
            ..blank(DecisionKind::Selection, selection.decision_version)
        }),
        _ => None,
    }
}
