//! Why a job waits, behind whom, and for how long.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::http::RunningJob;
use crate::document::Priority;
use crate::id::{JobId, RunId, WorkerName};

/// Jobs, and workers, that are named where more than these would do.
pub const NAMED_MAX: usize = 5;

/// Why a job waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waiting {
    /// What it waits for.
    pub reason: WaitingReason,
    /// Why it has to; absent from a coordinator that does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<Because>,
    /// How many jobs are ahead of it for the same workers; absent where that means nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead: Option<u32>,
    /// One sentence for people.
    pub detail: String,
    /// The worker in whose line it stands; absent while none was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<WorkerName>,
    /// When it will probably start; absent when nothing is known of how long the jobs before it take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<WaitEstimate>,
    /// What the worker does meanwhile, a job a slot.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slots: Vec<RunningJob>,
    /// The jobs directly before it, the next one first; at most five.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jobs_ahead: Vec<JobAhead>,
    /// Workers that would do as well and have a free slot, which deterministic selection does not look at; at most five.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub idle: Vec<WorkerName>,
}

impl Waiting {
    /// A reason and its sentence, without a line to stand in.
    pub fn new(because: Because, detail: impl Into<String>) -> Self {
        Self {
            reason: because.reason(),
            because: Some(because),
            ahead: None,
            detail: detail.into(),
            worker: None,
            estimate: None,
            slots: Vec::new(),
            jobs_ahead: Vec::new(),
            idle: Vec::new(),
        }
    }

    /// Whether somebody who was told `told` learns something by this: times that pass are no news, nor is an estimate that moves as they do.
    pub fn is_news_after(&self, told: &Self) -> bool {
        let of = |waiting: &Self| {
            let ahead: Vec<_> = waiting.jobs_ahead.iter().map(|ahead| ahead.job_id.clone()).collect();
            let slots: Vec<_> = waiting.slots.iter().map(|slot| slot.job_id.clone()).collect();
            let minutes = waiting.estimate.as_ref().map(|estimate| estimate.wait_ms.div_ceil(60_000));
            (waiting.because, waiting.ahead, waiting.worker.clone(), ahead, slots, waiting.idle.clone(), minutes)
        };
        of(self) != of(told) || without_digits(&self.detail) != without_digits(&told.detail)
    }
}

/// A sentence without what a countdown changes in it. Names of workers keep their numbers by standing in members of their own.
fn without_digits(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// What a job waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitingReason {
    /// An earlier step of its run.
    Step,
    /// A matching worker, none of which takes jobs now.
    Worker,
    /// A free slot on its worker.
    Slot,
    /// The worker's claim of an offer.
    Claim,
    /// Source chunks that must be uploaded again.
    Source,
    /// A worker that refused asked to be tried later.
    Backoff,
}

/// Why a job has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// An earlier step of its run has not ended.
    StepBefore,
    /// Chunks of its source are missing.
    SourceMissing,
    /// It was offered, and is not claimed yet.
    Offered,
    /// No worker that would do takes jobs.
    NoWorker,
    /// Its worker is not connected.
    Offline,
    /// Its worker is silent.
    Silent,
    /// Its worker finishes what it began, and begins nothing.
    Draining,
    /// Its worker takes no job until a person decides.
    Quarantined,
    /// Its worker has changed; one is being chosen anew.
    Changed,
    /// Its worker refused, and is asked again later.
    BackingOff,
    /// All slots of its worker are taken, or go to jobs before it.
    Busy,
    /// Something that this reader does not know.
    #[serde(other)]
    Unknown,
}

impl Because {
    /// What is waited for.
    pub fn reason(self) -> WaitingReason {
        match self {
            Self::StepBefore => WaitingReason::Step,
            Self::SourceMissing => WaitingReason::Source,
            Self::Offered => WaitingReason::Claim,
            Self::NoWorker | Self::Offline | Self::Silent | Self::Draining | Self::Quarantined | Self::Changed | Self::Unknown => {
                WaitingReason::Worker
            }
            Self::BackingOff => WaitingReason::Backoff,
            Self::Busy => WaitingReason::Slot,
        }
    }
}

/// When a job will probably start: the line before it, played over the slots of its worker with durations that were measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaitEstimate {
    /// Milliseconds from now.
    pub wait_ms: u64,
    /// What the durations are of.
    pub basis: EstimateBasis,
    /// How many measured durations it rests on.
    pub samples: u32,
}

/// Which earlier jobs an estimate rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EstimateBasis {
    /// Of the waiting job's own project, scheme and action.
    OwnScheme,
    /// Each of the project, scheme and action of a job before it.
    Schemes,
    /// For some of the jobs before it, any of their action: their scheme was never measured.
    Actions,
}

/// A job that stands before another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobAhead {
    /// The job.
    pub job_id: JobId,
    /// Its run.
    pub run_id: RunId,
    /// Who asked for it.
    pub requester: String,
    /// The band it waits in.
    pub priority: Priority,
    /// Milliseconds it has waited.
    pub waited_ms: u64,
}
