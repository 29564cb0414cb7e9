//! One try at a job on one worker, and the table of its states.

use std::time::Duration;

use rch_schemas::wire::agent::Finished;
use rch_schemas::{Attempt, ClaimId, Reason, SessionId, Tick, Timestamp, WorkerName};
use serde::{Deserialize, Serialize};

/// An attempt: made by its offer, its number never used for another worker or session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// From 1.
    pub number: Attempt,
    /// The worker it was offered to.
    pub worker: WorkerName,
    /// The session it was offered to.
    pub session: SessionId,
    /// When it was offered.
    pub offered: Tick,
    /// When it was claimed, if it ever was.
    pub started: Option<Tick>,
    /// When it was over, if it is.
    pub ended: Option<Tick>,
    /// Where it is.
    pub state: AttemptState,
}

/// Where an attempt is. `Offered` and `Running` are the only states it leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum AttemptState {
    /// Waiting for a claim.
    Offered,
    /// Claimed.
    Running {
        /// The claim that was granted.
        claim_id: ClaimId,
        /// When, for people.
        started_at: Timestamp,
        /// When the coordinator fences it.
        deadline: Tick,
    },
    /// Its set is committed.
    Finished {
        /// What the agent reported.
        finished: Box<Finished>,
    },
    /// It ran and will not finish.
    Interrupted {
        /// Why.
        code: Reason,
        /// One line.
        detail: String,
    },
    /// Its worker was lost while it ran.
    Lost,
    /// The worker did not take it, or could not go on.
    Refused {
        /// Why.
        code: Reason,
        /// One line.
        detail: String,
    },
    /// The offer was taken back.
    Withdrawn {
        /// Why.
        detail: String,
    },
}

impl AttemptRecord {
    /// How long it ran, until `now` if it still does; zero when it was never claimed.
    pub fn ran(&self, now: Tick) -> Duration {
        self.started.map_or(Duration::ZERO, |started| self.ended.unwrap_or(now).since(started))
    }
}

impl AttemptState {
    /// Whether the attempt is offered or running: what a worker's state calls wanted.
    pub fn is_live(&self) -> bool {
        match self {
            Self::Offered | Self::Running { .. } => true,
            Self::Finished { .. } | Self::Interrupted { .. } | Self::Lost | Self::Refused { .. } | Self::Withdrawn { .. } => false,
        }
    }

    /// Whether the attempt may go from this state to `next`. Every pair not listed is an error.
    pub fn may_become(&self, next: &Self) -> bool {
        matches!(
            (self, next),
            (Self::Offered, Self::Running { .. } | Self::Refused { .. } | Self::Withdrawn { .. })
                | (Self::Running { .. }, Self::Finished { .. } | Self::Interrupted { .. } | Self::Lost | Self::Refused { .. })
        )
    }
}
