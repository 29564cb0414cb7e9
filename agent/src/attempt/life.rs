//! The life of an attempt as a transition table; every pair not listed is a bug.

use rch_schemas::document::PhaseTime;
use rch_schemas::wire::agent::Phase;

use crate::clock::Uptime;

/// Where an attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Go is persisted; nothing was done.
    Granted,
    /// In one of the phases that the farm is told.
    In(Phase),
    /// Its report is in the outbox; nothing of it runs.
    Reported,
}

/// What moves an attempt on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Chunks are looked for.
    FetchBegun,
    /// Every chunk is here.
    SourceFetched,
    /// The tree is there and has the right digest.
    SourceUnpacked,
    /// The destination can be named to the backend.
    DestinationReady,
    /// The backend is gone, however it ended.
    BackendEnded,
    /// Outcome and documents are made.
    ResultsCollected,
    /// The set is in the store and the report in the outbox.
    SetStored,
    /// It will not finish, and a report says why.
    GivenUp,
}

/// Where `step` leads from `stage`.
fn next(stage: Stage, step: Step) -> Option<Stage> {
    use Phase::{Collect, Execute, Fetch, Provision, Unpack, Upload};
    match (stage, step) {
        (Stage::Granted, Step::FetchBegun) => Some(Stage::In(Fetch)),
        (Stage::In(Fetch), Step::SourceFetched) => Some(Stage::In(Unpack)),
        (Stage::In(Unpack), Step::SourceUnpacked) => Some(Stage::In(Provision)),
        (Stage::In(Provision), Step::DestinationReady) => Some(Stage::In(Execute)),
        (Stage::In(Execute), Step::BackendEnded) => Some(Stage::In(Collect)),
        (Stage::In(Collect), Step::ResultsCollected) => Some(Stage::In(Upload)),
        (Stage::In(Upload), Step::SetStored) | (Stage::Granted | Stage::In(_), Step::GivenUp) => Some(Stage::Reported),
        (Stage::Granted | Stage::In(_) | Stage::Reported, _) => None,
    }
}

/// One attempt's way through the table, with the time each phase took.
#[derive(Debug)]
pub(crate) struct Life {
    stage: Stage,
    since: Uptime,
    phases: Vec<PhaseTime>,
    entered: Vec<(Phase, Uptime)>,
}

impl Life {
    /// An attempt that was just granted.
    pub(crate) fn new(now: Uptime) -> Self {
        Self { stage: Stage::Granted, since: now, phases: Vec::new(), entered: Vec::new() }
    }

    /// Takes a step and gives the phase the attempt is in now.
    pub(crate) fn step(&mut self, step: Step, now: Uptime) -> Option<Phase> {
        let from = self.stage;
        self.stage = next(from, step).unwrap_or_else(|| panic!("an attempt {from:?} cannot take the step {step:?}"));
        if let Stage::In(phase) = from {
            let duration_ms = now.millis().saturating_sub(self.since.millis());
            self.phases.push(PhaseTime { phase: phase.as_str().to_owned(), duration_ms });
        }
        self.since = now;
        match self.stage {
            Stage::In(phase) => {
                self.entered.push((phase, now));
                Some(phase)
            }
            Stage::Granted | Stage::Reported => None,
        }
    }

    /// Every phase so far, and when it began.
    pub(crate) fn entered(&self) -> &[(Phase, Uptime)] {
        &self.entered
    }

    /// The finished phases, in order.
    pub(crate) fn phases(&self) -> &[PhaseTime] {
        &self.phases
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [Step; 8] = [
        Step::FetchBegun,
        Step::SourceFetched,
        Step::SourceUnpacked,
        Step::DestinationReady,
        Step::BackendEnded,
        Step::ResultsCollected,
        Step::SetStored,
        Step::GivenUp,
    ];

    #[test]
    fn a_finished_attempt_went_through_every_phase_in_order_and_each_is_timed() {
        let mut life = Life::new(Uptime::from_millis(0));
        for (index, step) in STEPS[..7].iter().enumerate() {
            life.step(*step, Uptime::from_millis(10 * (index as u64 + 1)));
        }
        assert_eq!(life.stage, Stage::Reported);
        let phases: Vec<_> = life.phases().iter().map(|phase| (phase.phase.as_str(), phase.duration_ms)).collect();
        assert_eq!(phases, [("fetch", 10), ("unpack", 10), ("provision", 10), ("execute", 10), ("collect", 10), ("upload", 10)]);
    }

    #[test]
    fn an_attempt_can_be_given_up_anywhere_but_only_once() {
        for length in 0..7 {
            let mut stage = Stage::Granted;
            for step in &STEPS[..length] {
                stage = next(stage, *step).unwrap_or(stage);
            }
            assert_eq!(next(stage, Step::GivenUp), Some(Stage::Reported));
        }
        for step in STEPS {
            assert_eq!(next(Stage::Reported, step), None, "{step:?}");
        }
    }

    #[test]
    fn the_backend_never_runs_before_source_and_destination_are_there() {
        for stage in [Stage::Granted, Stage::In(Phase::Fetch), Stage::In(Phase::Unpack)] {
            for step in STEPS {
                assert_ne!(next(stage, step), Some(Stage::In(Phase::Execute)), "{stage:?} {step:?}");
            }
        }
    }
}
