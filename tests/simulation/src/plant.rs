//! Bugs that are planted, one at a time, to see the checker find them.
//!
//! Each sits in a seam of the simulation: around the scheduler's functions ([`crate::brain`]), in the stand-in of coordinator, agent, ledger
//! or lease. The product has no switch for any of them.

use crate::violation::Promise;

macro_rules! plants {
    ($($name:ident: $breaks:literal => [$($promise:ident),+];)*) => {
        /// A bug.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Plant {
            $(#[doc = $breaks] $name,)*
        }

        impl Plant {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// What it breaks, in words.
            pub fn breaks(self) -> &'static str {
                match self { $(Self::$name => $breaks,)* }
            }

            /// The promises of which it must be found to break one.
            pub fn promises(self) -> &'static [Promise] {
                match self { $(Self::$name => &[$(Promise::$promise),+],)* }
            }
        }
    };
}

plants! {
    // The scheduler.
    SlotsIgnored: "offers do not count free slots" => [SlotsAreNotOversubscribed];
    LostNotFenced: "a lost worker's attempts stay as they are" => [TheLostAreFenced];
    RepeatMakesAnotherRun: "a repeated request makes another run" => [OneRunForARequest];
    ConflictMakesAnotherRun: "a request id is taken again for another body" => [OneRunForARequest];
    OlderRunGoesOn: "a run of a label does not stop those before it" => [OneRunALabel];
    AttemptsNotCounted: "interrupted jobs are tried without end" => [AttemptsAreLimited];
    ThirdWorker: "a job that cost two workers gets a third" => [AttemptsAreLimited];
    RefusalUsesUpAnAttempt: "a refusal after go counts as an attempt" => [EveryAttemptIsUsed];
    OtherKeyOnRetry: "a job that ran goes to a worker with another Xcode" => [OneKeyForAJob];
    ExclusionForgotten: "a worker that just refused a job is offered it again at once" => [RefusalsAreRespected];
    SourceGapForgotten: "a job is offered while its source is missing" => [RefusalsAreRespected];
    DrainIgnored: "a draining worker gets new runs" => [IntakeIsRespected];
    QuarantineIgnored: "a quarantined worker gets jobs" => [IntakeIsRespected];
    RemovedStillChosen: "a worker that was removed keeps its place in the inventory" => [IntakeIsRespected];
    NewestFirst: "the run that came last goes first" => [NobodyStarves];
    AllStepsAtOnce: "a step does not wait for the one before it" => [StepsAreInOrder];
    StaleResultAccepted: "what an earlier attempt reports is taken for the current one" => [NothingStaleIsAccepted, StartsOnce];
    ClaimAnsweredOnce: "a claim that is repeated because its answer was lost is stale" => [NothingIsKilledWithoutCause];
    ReplacedSessionReturns: "two machines of one name replace each other for ever" => [SessionsAreReplacedOnce];
    QueueDeadlineIgnored: "nobody looks at queue deadlines" => [DeadlinesAreKept, EverythingEnds];
    AttemptDeadlineIgnored: "nobody looks at the last deadline of attempts" => [DeadlinesAreKept, EverythingEnds];
    FleetLostAtOnce: "silence counts even when most of the fleet falls silent at once" => [TheHeardAreNotLost];
    EndedJobsEndAgain: "what an ended job's agent reports once more ends the job once more" => [NothingPanics, TheEndIsTheEnd];
    MissingOnce: "one heartbeat without an attempt ends it, even one from before its claim" => [NothingIsKilledWithoutCause];
    SharesForgotten: "every run of a requester starts at the same virtual time" => [SharesAreKept];
    AgeIgnored: "a job never leaves its band, however long it waits" => [NobodyStarves];
    FreeWorkerPreferred: "a choice among equals goes by who holds less at the moment, which no record tells" => [ChoicesReplay];
    AnyoneOfEquals: "whichever of equal workers comes last by name is chosen" => [TheBestOfEqualsIsChosen];
    LoadMadeUp: "what is recorded of a worker's load is not what it has" => [TheBestOfEqualsIsChosen];
    EndNotNoted: "the end of a job puts nothing on the agenda" => [NothingPanics, EverythingEnds];
    // The leader.
    EffectsBeforeTheRecord: "answers and offers leave before the record is acknowledged" =>
        [NothingAcceptedIsLost, StartsOnce, NothingIsKilledWithoutCause, CancelsAreKept];
    UnknownAppendForgotten: "an append without an answer counts as failed, and its changes stay in memory" =>
        [StateIsTheLedger, NothingPanics, NothingAcceptedIsLost];
    DecidedOutside: "the leader changes what was decided before it records it" => [DecisionsReplay];
    CancelOnlyInMemory: "a cancel is not recorded" => [CancelsAreKept, StateIsTheLedger, DecisionsReplay];
    ReceiptWithoutRecord: "the report of an end is answered and dropped" => [NothingAcceptedIsLost];
    ReportNumbersOutliveSessions: "reports are counted by worker, not by session" => [NothingAcceptedIsLost];
    NoGraceAfterElection: "a new leader counts silence from before it" => [TheHeardAreNotLost];
    DeafnessUnnoticed: "a leader that hears nobody counts silence" => [TheHeardAreNotLost];
    CancelledStillWanted: "a cancelled attempt is still called wanted" => [UnwantedWorkStops];
    TimeFromTheWall: "deadlines are taken from the wall clock" => [FarmTimeIsSteady, TheHeardAreNotLost, DeadlinesAreKept];
    TimeGoesOnWithoutLeader: "farm time runs while nobody leads" => [FarmTimeIsSteady];
    // Ledger and lease.
    ExpectedSequenceUnchecked: "a record lands wherever the ledger ends" => [StateIsTheLedger];
    LeaseNeverEnds: "a dead leader keeps the lease" => [EverythingEnds];
    // The agent.
    OlderStateBelieved: "a state older than one that was seen is believed" => [NothingIsKilledWithoutCause];
    StateOlderThanGoBelieved: "an attempt is killed by a state from before its go" => [NothingIsKilledWithoutCause];
    StartsWithoutGo: "an offer is taken for a right" => [StartsOnce];
    ClaimsNotTold: "heartbeats do not name attempts that were asked for" => [NothingIsKilledWithoutCause];
    ReportsSentOnce: "a report is forgotten when it was sent" => [NothingIsKilledWithoutCause, EverythingEnds];
    OutboxNotOnDisk: "reports die with the agent's process" => [NothingIsKilledWithoutCause];
    ToolchainNotReadAgain: "the agent trusts what it read minutes ago" => [OneKeyForAJob];
    StatesIgnored: "the agent never looks at what is wanted" => [UnwantedWorkStops, EverythingEnds];
}
