//! How long jobs take: measured durations of those that ended, by what they were.
//!
//! An index over the rows of ended jobs and nothing beside them: the state from its rows has the same one.

use std::collections::BTreeMap;
use std::time::Duration;

use rch_schemas::document::JobStatus;
use rch_schemas::{Action, FailureKind, JobId, Tick, TreeDirectory};

use crate::attempt::AttemptState;
use crate::job::{Job, JobPhase};
use crate::run::{Run, Step};
use crate::state::State;

/// Jobs of a kind that an estimate looks at, the newest: more would be slow to notice that a project has grown.
const SAMPLES_MAX: usize = 32;

/// Jobs that take about as long as one another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kind {
    pub(crate) action: Action,
    project: String,
    /// Workspace, project, or the directory of a package.
    container: String,
    scheme: String,
}

impl Kind {
    /// The kind of a job of this step.
    pub(crate) fn of(run: &Run, step: &Step) -> Self {
        let value = |flag: &str| {
            let place = step.argv.iter().position(|word| word == flag)?;
            step.argv.get(place + 1).cloned()
        };
        let directory = || step.directory.as_ref().map_or_else(String::new, |directory: &TreeDirectory| directory.as_str().to_owned());
        Self {
            action: step.action,
            project: run.project.clone(),
            container: value("-workspace").or_else(|| value("-project")).unwrap_or_else(directory),
            scheme: value("-scheme").unwrap_or_default(),
        }
    }
}

/// What is known of how long something takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Measured {
    /// Milliseconds, sorted; at least one.
    sorted: Vec<u64>,
}

impl Measured {
    fn new(mut sorted: Vec<u64>) -> Option<Self> {
        sorted.sort_unstable();
        (!sorted.is_empty()).then_some(Self { sorted })
    }

    /// How many were measured.
    pub(crate) fn samples(&self) -> u32 {
        u32::try_from(self.sorted.len()).expect("at most 32 are looked at")
    }

    /// Half of them took no longer, in milliseconds.
    pub(crate) fn median(&self) -> u64 {
        middle(&self.sorted).expect("there is at least one")
    }

    /// What one that has taken so long already still takes, in milliseconds: by those alone that took longer. `None` when none did.
    pub(crate) fn left(&self, elapsed: Duration) -> Option<u64> {
        let elapsed = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let longer = self.sorted.partition_point(|sample| *sample <= elapsed);
        middle(&self.sorted[longer..]).map(|total| total - elapsed)
    }
}

fn middle(sorted: &[u64]) -> Option<u64> {
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

/// How long jobs held their slots, in milliseconds, by kind and then by when they ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Durations {
    kinds: BTreeMap<Kind, BTreeMap<(Tick, JobId), u64>>,
}

impl Durations {
    /// The newest jobs of a kind.
    pub(crate) fn of(&self, kind: &Kind) -> Option<Measured> {
        let newest = self.kinds.get(kind)?.values().rev().take(SAMPLES_MAX);
        Measured::new(newest.copied().collect())
    }

    /// The newest jobs of any kind with this action.
    pub(crate) fn of_action(&self, action: Action) -> Option<Measured> {
        let kinds = self.kinds.iter().filter(|(kind, _)| kind.action == action);
        let mut newest: Vec<_> = kinds.flat_map(|(_, samples)| samples.iter().rev().take(SAMPLES_MAX)).collect();
        newest.sort_unstable_by(|one, other| other.0.cmp(one.0));
        Measured::new(newest.into_iter().take(SAMPLES_MAX).map(|(_, sample)| *sample).collect())
    }

    /// The newest jobs, at most `limit`, that ended at `since` or later; newest first.
    pub(crate) fn ended(&self, since: Tick, limit: usize) -> Vec<&JobId> {
        let newest = self.kinds.values().flat_map(|samples| samples.keys().rev().take(limit).take_while(|(ended, _)| *ended >= since));
        let mut newest: Vec<_> = newest.collect();
        newest.sort_unstable_by(|one, other| other.cmp(one));
        newest.into_iter().take(limit).map(|(_, job_id)| job_id).collect()
    }
}

/// Where a job stands in the index: when xcodebuild came to an end of its own in it, whichever.
fn sample(job: &Job) -> Option<(Tick, u64)> {
    let JobPhase::Ended { outcome, .. } = &job.phase else { return None };
    let told = outcome.status == JobStatus::Success || outcome.failure_kind == Some(FailureKind::Xcodebuild);
    let attempt = job.current().filter(|attempt| told && matches!(attempt.state, AttemptState::Finished { .. }))?;
    let ended = attempt.ended?;
    Some((ended, u64::try_from(attempt.ran(ended).as_millis()).unwrap_or(u64::MAX)))
}

impl State {
    /// Notes how long a job took that has just ended.
    pub(crate) fn measure(&mut self, job_id: &JobId) {
        let Self { durations, runs, jobs, .. } = self;
        let Some((kind, ended, sample)) = measured(runs, jobs, job_id) else { return };
        durations.kinds.entry(kind).or_default().insert((ended, job_id.clone()), sample);
    }

    /// Forgets how long a job took, before its rows go.
    pub(crate) fn unmeasure(&mut self, job_id: &JobId) {
        let Self { durations, runs, jobs, .. } = self;
        let Some((kind, ended, _)) = measured(runs, jobs, job_id) else { return };
        let Some(samples) = durations.kinds.get_mut(&kind) else { return };
        samples.remove(&(ended, job_id.clone()));
        if samples.is_empty() {
            durations.kinds.remove(&kind);
        }
    }
}

fn measured(runs: &BTreeMap<rch_schemas::RunId, Run>, jobs: &BTreeMap<JobId, Job>, job_id: &JobId) -> Option<(Kind, Tick, u64)> {
    let job = jobs.get(job_id)?;
    let (ended, sample) = sample(job)?;
    let run = runs.get(&job.run_id)?;
    Some((Kind::of(run, run.steps.get(job.step as usize)?), ended, sample))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn what_is_left_is_told_by_those_alone_that_took_longer() {
        let measured = Measured::new(vec![300, 100, 200, 900]).unwrap();
        assert_eq!((measured.samples(), measured.median()), (4, 200));
        let left = |elapsed| measured.left(Duration::from_millis(elapsed));
        assert_eq!([left(0), left(150), left(299), left(300)], [Some(200), Some(150), Some(1), Some(600)]);
        assert_eq!((left(900), left(u64::MAX)), (None, None));
        assert_eq!(Measured::new(Vec::new()), None);
    }
}
