//! From a packed tree to a recorded run.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rch_schemas::protocol::ProtocolRange;
use rch_schemas::wire::http::{RunAccepted, SubmitRun, SubmitStep};
use rch_schemas::{RequestId, Sha256};

use crate::clock;
use crate::config::{Merged, Settings, effective};
use crate::environment::Environment;
use crate::error::CommandError;
use crate::farm::{Backoff, FarmClient, SubmitAnswer};
use crate::plan::{Plan, Step};
use crate::source::{Source, SourceError};

/// How long a farm may be too busy, or its answer unknown, before we give up.
const PATIENCE: Duration = Duration::from_mins(1);
/// Uploads for one submission. Each is followed by the same request; more than a few mean that the store loses what it gets.
const UPLOADS_MAX: u32 = 5;

/// Whether the client stays to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It follows.
    Follows,
    /// It leaves once the run is recorded.
    Leaves,
}

/// The request for a run.
pub(crate) fn request(
    request_id: RequestId,
    plan: &Plan,
    source: &Source,
    (merged, environment): (&Merged, &Environment),
    presence: Presence,
) -> SubmitRun {
    let mut options = Settings::new(merged).run_options(&plan.project, environment);
    options.env.extend(plan.env.clone());
    options.cache.clean = plan.is_clean();
    SubmitRun {
        rch_version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: ProtocolRange::OURS,
        project: plan.project.clone(),
        recipe: source.packed().recipe(clock::requested_at(&request_id)),
        destinations: plan.destinations.clone(),
        steps: plan.steps.iter().map(|step| submitted(plan, step)).collect(),
        options,
        effective_config: effective(merged),
        detach: presence == Presence::Leaves,
        request_id,
    }
}

fn submitted(plan: &Plan, step: &Step) -> SubmitStep {
    SubmitStep {
        name: step.name.clone(),
        argv: step.argv.clone(),
        destinations: plan.own_destinations(step),
        directory: step.directory.clone(),
        allow_empty: step.allow_empty,
    }
}

/// What the farm said to a request.
#[derive(Debug)]
pub(crate) enum Submitted {
    /// The run is recorded.
    Accepted(Box<RunAccepted>),
    /// These chunks are missing; the same request is to be made again after they were sent.
    Missing(Vec<Sha256>),
}

/// One submission: the same bytes until the farm has recorded them.
#[derive(Debug)]
pub(crate) struct Submission {
    body: Vec<u8>,
    uploads: u32,
    sent: BTreeSet<Sha256>,
}

impl Submission {
    /// Of this request.
    pub(crate) fn new(request: &SubmitRun) -> Self {
        let body = serde_json::to_vec(request).expect("a request of strings and numbers serializes");
        Self { body, uploads: 0, sent: BTreeSet::new() }
    }

    /// The request's bytes.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Asks once; repeats the same request while the farm is too busy or its answer was lost.
    pub(crate) async fn ask(&mut self, client: &FarmClient) -> Result<Submitted, CommandError> {
        let (started, mut backoff) = (Instant::now(), Backoff::default());
        let answer = loop {
            match client.submit(&self.body).await {
                Ok(answer) => break answer,
                Err(error) if error.is_passing() && started.elapsed() < PATIENCE => {
                    tokio::time::sleep(backoff.next(error.retry_after())).await;
                }
                Err(error) => return Err(error.into()),
            }
        };
        match answer {
            SubmitAnswer::Accepted(accepted) => Ok(Submitted::Accepted(accepted)),
            SubmitAnswer::SourceMissing(missing) => self.note(missing),
        }
    }

    fn note(&mut self, missing: Vec<Sha256>) -> Result<Submitted, CommandError> {
        self.uploads += 1;
        if self.uploads > UPLOADS_MAX {
            let again = missing.iter().filter(|sha256| self.sent.contains(sha256)).count();
            return Err(SourceError::NotKept { uploads: UPLOADS_MAX, again }.into());
        }
        self.sent.extend(&missing);
        Ok(Submitted::Missing(missing))
    }
}
