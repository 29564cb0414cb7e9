//! Broken promises.

use std::fmt;

use crate::trace::Clock;

/// A broken promise, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which promise.
    pub promise: Promise,
    /// What happened.
    pub detail: String,
    /// When, in milliseconds.
    pub at_ms: u64,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}: {}", Clock(self.at_ms), self.promise, self.detail)
    }
}

/// What a farm promises, whatever goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Promise {
    /// A run that a client was told of is in the ledger, and so is every report that an agent has a receipt for.
    NothingAcceptedIsLost,
    /// A request makes one run, whoever repeats it, and its id is never used for another body.
    OneRunForARequest,
    /// A cancel that was confirmed is recorded, whoever leads next.
    CancelsAreKept,
    /// A run with a label takes the place of those before it in the very record that accepts it.
    OneRunALabel,
    /// No attempt starts twice, and none that the ledger did not start.
    StartsOnce,
    /// What counts is what the current attempt's own process said.
    NothingStaleIsAccepted,
    /// What is over stays over.
    TheEndIsTheEnd,
    /// Never more attempts on a worker than it has slots, by the ledger and by what agents ran.
    SlotsAreNotOversubscribed,
    /// A step begins when those before it are over, and not after one that failed.
    StepsAreInOrder,
    /// Attempts that ran are at most as many as the farm allows, and a job that cost two workers gets no third.
    AttemptsAreLimited,
    /// Refusals use up no attempt, and a failure that passes is tried again while attempts are left.
    EveryAttemptIsUsed,
    /// What runs is stopped for a cause: a cancel, a deadline, its own worker's end or silence.
    NothingIsKilledWithoutCause,
    /// A worker that is there and connected is not given up, nor the fleet at once.
    TheHeardAreNotLost,
    /// A lost worker holds nothing.
    TheLostAreFenced,
    /// What is not wanted any more stops soon.
    UnwantedWorkStops,
    /// A job that ran once runs again only under the same key, and a result belongs to the key it was made under.
    OneKeyForAJob,
    /// What somebody asks for is counted, so that a flood delays nobody but who made it.
    SharesAreKept,
    /// Drained workers get no new runs, quarantined ones none.
    IntakeIsRespected,
    /// Who refused is left alone for as long as it asked, and a job whose source is missing waits for it.
    RefusalsAreRespected,
    /// With a free slot, no waiting job is overtaken without bound.
    NobodyStarves,
    /// Of equal workers that have a slot, the one is chosen that the documented order names, by values that are true.
    TheBestOfEqualsIsChosen,
    /// Deadlines are kept: not missed, and not early.
    DeadlinesAreKept,
    /// Farm time never goes back and stands still while nobody leads.
    FarmTimeIsSteady,
    /// A replaced session never comes back.
    SessionsAreReplacedOnce,
    /// State is the fold of the ledger, from its first record and from its rows alike.
    StateIsTheLedger,
    /// A recorded decision is made again, byte for byte.
    DecisionsReplay,
    /// Every judgement of the fleet and every choice of a worker is made again from the ledger alone, byte for byte.
    ChoicesReplay,
    /// When everything is whole again, everything comes to its end.
    EverythingEnds,
    /// Nothing panics.
    NothingPanics,
}
