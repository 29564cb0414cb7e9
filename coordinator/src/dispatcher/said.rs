//! What was told of waits, held against what became of them.
//!
//! In memory of the leader alone: what another leader told nobody can hold against this one, and what was told to nobody is measured by nobody.

use std::collections::HashMap;
use std::time::Duration;

use rch_scheduler::{Board, Event, State};
use rch_schemas::wire::http::JobState;
use rch_schemas::{JobId, Tick};

use crate::ledger::RecordedCommand;
use crate::metrics;

/// The first estimate of each job that waits, as of when it was told.
#[derive(Debug, Default)]
pub(super) struct Said(HashMap<JobId, (Tick, Duration)>);

impl Said {
    /// Notes what a board tells that was not told before, and forgets whoever waits no longer without having started.
    pub(super) fn note(&mut self, board: &Board, state: &State) {
        let waits = |job_id: &JobId| state.jobs.get(job_id).is_some_and(|job| job.state() == JobState::Queued);
        self.0.retain(|job_id, _| waits(job_id));
        for (job_id, estimate) in board.estimates() {
            if !self.0.contains_key(job_id) {
                self.0.insert(job_id.clone(), (board.now(), Duration::from_millis(estimate.wait_ms)));
            }
        }
    }

    /// Measures the waits of jobs that started with these commands, at `now`, and how wrong it was what was told of them.
    pub(super) fn compare(&mut self, commands: &[RecordedCommand], state: &State, now: Tick) {
        for event in commands.iter().flat_map(|command| &command.events) {
            let Event::AttemptStarted { job_id, .. } = event else { continue };
            let Some(job) = state.jobs.get(job_id) else { continue };
            if job.attempts.iter().filter(|attempt| attempt.started.is_some()).count() == 1 {
                let waited = rch_scheduler::waited(job, now);
                ::metrics::histogram!(metrics::QUEUE_WAIT_SECONDS).record(waited.as_secs_f64());
            }
            if let Some(error) = self.error(job_id, now) {
                ::metrics::histogram!(metrics::WAIT_ESTIMATE_ERROR_SECONDS).record(error.as_secs_f64());
            }
        }
    }

    /// The difference between what was told of a job that starts now and what became of it; `None` when nothing was.
    fn error(&mut self, job_id: &JobId, now: Tick) -> Option<Duration> {
        let (told_at, estimate) = self.0.remove(job_id)?;
        Some(now.since(told_at).abs_diff(estimate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_that_of_the_first_estimate_in_either_direction_and_told_once() {
        let job: JobId = "job-0000001".parse().expect("an id");
        let error = |now: u64| {
            let mut said = Said(HashMap::from([(job.clone(), (Tick(1_000), Duration::from_mins(1)))]));
            (said.error(&job, Tick(now)), said.error(&job, Tick(now)))
        };
        assert_eq!(error(91_000), (Some(Duration::from_secs(30)), None));
        assert_eq!(error(31_000), (Some(Duration::from_secs(30)), None));
    }
}
