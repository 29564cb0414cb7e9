//! What time alone brings about.

use std::collections::BTreeSet;
use std::time::Duration;

use rch_schemas::document::Outcome;
use rch_schemas::wire::http::{JobState, Liveness};
use rch_schemas::{Reason, Tick, WorkerName};

use crate::attempt::{AttemptRecord, AttemptState};
use crate::cancel::withdrawal;
use crate::command::Stamp;
use crate::event::Event;
use crate::fleet::fence;
use crate::job::Job;
use crate::observed::{HEARTBEATS_WITHOUT_ATTEMPT, Observed};
use crate::quarantine;
use crate::queue::Arrival;
use crate::state::State;
use crate::worker::{Worker, liveness, silence};

/// How much longer many that are silent together are waited for before they are lost all the same.
const TOGETHER_WITHIN: Duration = Duration::from_mins(10);

/// Workers that are silent long enough to be lost, and are not lost because they are so many at once; each for ten minutes at most.
pub fn silent_together<'a>(state: &'a State, observed: &Observed, now: Tick) -> Vec<&'a WorkerName> {
    let too_long = Duration::from_millis(state.config.lost_after_ms);
    match silent_for(state, observed, now, too_long) {
        Silent::Few(_) => Vec::new(),
        Silent::Many(silent) => silent,
    }
}

/// Workers that were heard once, are not lost, and have been silent for so long.
enum Silent<'a> {
    Few(Vec<&'a WorkerName>),
    /// More than a third, and at least three: then it is more likely that the leader is deaf than that the fleet is dead.
    Many(Vec<&'a WorkerName>),
}

fn silent_for<'a>(state: &'a State, observed: &Observed, now: Tick, limit: Duration) -> Silent<'a> {
    let enrolled = |worker: &&Worker| state.config.inventory.contains_key(&worker.name);
    let heard: Vec<_> = state.workers.values().filter(enrolled).filter(|worker| worker.session.is_some() && !worker.lost).collect();
    let is_silent = |worker: &&&Worker| silence(worker, observed, now).is_some_and(|silence| silence >= limit);
    let silent: Vec<_> = heard.iter().filter(is_silent).map(|worker| &worker.name).collect();
    if silent.len() >= 3 && silent.len() * 3 > heard.len() { Silent::Many(silent) } else { Silent::Few(silent) }
}

/// Looks at the deadlines that have passed, and at every worker; never at every job.
pub(crate) fn expire(state: &State, observed: &Observed, stamp: &Stamp) -> Vec<Event> {
    let clock = Clock { state, observed, stamp };
    let lost = clock.newly_lost();
    let mut events = Vec::new();
    for worker in state.workers.values() {
        if lost.contains(&&worker.name) {
            events.extend(clock.lose(worker));
        } else if worker.lost && clock.is_heard(worker) {
            events.push(Event::WorkerReturned { worker: worker.name.clone() });
        }
    }
    let held_by_lost = |job: &Job| job.live().is_some_and(|attempt| lost.contains(&&attempt.worker));
    for run in clock.concerned().into_iter().filter_map(|arrival| state.arrived(arrival)) {
        let gap_over = run.source_gap.as_ref().is_some_and(|gap| gap.deadline <= stamp.tick);
        for job in state.jobs_of(run).filter(|job| job.outcome().is_none() && !held_by_lost(job)) {
            let gap_over = gap_over && job.state() == JobState::Queued;
            let waits_for_a_step = state.jobs_of(run).any(|other| other.step < job.step && other.outcome().is_none());
            if gap_over {
                events.extend(source_missing(job));
            } else if !waits_for_a_step {
                // Waiting for a worker begins when the step before is over.
                events.extend(clock.expire_job(job));
            }
        }
    }
    events.extend(clock.forgotten());
    // What closes a worker takes its offers back, as much of the above may do, too; it has time until the next tick.
    if events.is_empty() { quarantine::duplicates(state, observed, stamp) } else { events }
}

struct Clock<'a> {
    state: &'a State,
    observed: &'a Observed,
    stamp: &'a Stamp,
}

impl<'a> Clock<'a> {
    /// Workers that were silent too long; of many at once only those that were waited for long enough.
    fn newly_lost(&self) -> Vec<&'a WorkerName> {
        let Self { state, observed, stamp } = *self;
        let limit = Duration::from_millis(state.config.lost_after_ms);
        let waited_for = |name: &&WorkerName| {
            let worker = state.workers.get(*name);
            worker.and_then(|worker| silence(worker, observed, stamp.tick)).is_some_and(|silence| silence >= limit + TOGETHER_WITHIN)
        };
        match silent_for(state, observed, stamp.tick, limit) {
            Silent::Few(silent) => silent,
            Silent::Many(silent) => silent.into_iter().filter(waited_for).collect(),
        }
    }

    /// Runs that time may have done something to: their own deadlines, the silence of a worker they are offered to, an agent that no longer
    /// names what it should hold.
    fn concerned(&self) -> BTreeSet<Arrival> {
        let Self { state, observed, stamp } = self;
        let online = |worker: &Worker| liveness(worker, observed, &state.config, stamp.tick) == Liveness::Online;
        let silent = state.workers.values().filter(|worker| !worker.held.is_empty() && !online(worker)).flat_map(|worker| &worker.held);
        let missing = observed.workers.values().flat_map(|row| row.missing.keys());
        let held = silent.chain(missing).filter_map(|(job_id, _)| state.job_and_run(job_id)).map(|(_, run)| run.accepted);
        state.index.due(stamp.tick).chain(held).collect()
    }

    fn is_heard(&self, worker: &Worker) -> bool {
        let limit = Duration::from_millis(self.state.config.suspect_after_ms);
        let since_lost_heard = self.observed.workers.get(&worker.name).is_some_and(|row| row.heard_at.is_some());
        since_lost_heard && silence(worker, self.observed, self.stamp.tick).is_some_and(|silence| silence < limit)
    }

    /// A lost worker's running attempts are fenced, its offers taken back.
    fn lose(&self, worker: &Worker) -> Vec<Event> {
        let lost = Event::WorkerLost { worker: worker.name.clone() };
        [lost].into_iter().chain(fence(self.state, worker, "the worker was lost")).collect()
    }

    fn expire_job(&self, job: &Job) -> Vec<Event> {
        match job.live() {
            Some(attempt) => self.expire_attempt(job, attempt).into_iter().collect(),
            None if job.queue_deadline <= self.stamp.tick => vec![Event::JobEnded {
                job_id: job.job_id.clone(),
                outcome: Outcome::because(Reason::TimeoutQueue),
                human_summary: format!("{} found no free worker within timeouts.queue_seconds", job.action),
            }],
            None => Vec::new(),
        }
    }

    fn expire_attempt(&self, job: &Job, attempt: &AttemptRecord) -> Option<Event> {
        let interrupted = |code, detail: &str| Event::AttemptInterrupted {
            job_id: job.job_id.clone(),
            attempt: attempt.number,
            code,
            detail: detail.to_owned(),
        };
        match &attempt.state {
            AttemptState::Offered => {
                let worker = self.state.workers.get(&attempt.worker)?;
                let claim_within = Duration::from_millis(self.state.config.claim_within_ms);
                if liveness(worker, self.observed, &self.state.config, self.stamp.tick) != Liveness::Online {
                    withdrawal(job, "the worker fell silent")
                } else if self.stamp.tick.since(attempt.offered) >= claim_within {
                    withdrawal(job, "the worker did not claim it in time")
                } else {
                    None
                }
            }
            AttemptState::Running { deadline, .. } if *deadline <= self.stamp.tick => {
                Some(interrupted(Reason::TimeoutDeadline, "the coordinator's deadline for the attempt passed"))
            }
            AttemptState::Running { .. } => {
                let row = self.observed.workers.get(&attempt.worker)?;
                let missing = row.missing.get(&(job.job_id.clone(), attempt.number)).copied().unwrap_or_default();
                // Heartbeats from before the claim may arrive after it, all at once; until a newer one has come they say nothing.
                let newer = Duration::from_millis(self.state.config.suspect_after_ms);
                let settled = row.heard_at.zip(attempt.started).is_some_and(|(heard, started)| heard.since(started) >= newer);
                (settled && missing >= HEARTBEATS_WITHOUT_ATTEMPT)
                    .then(|| interrupted(Reason::Interrupted, "its agent no longer holds the attempt"))
            }
            AttemptState::Finished { .. }
            | AttemptState::Interrupted { .. }
            | AttemptState::Lost
            | AttemptState::Refused { .. }
            | AttemptState::Withdrawn { .. } => None,
        }
    }

    fn forgotten(&self) -> impl Iterator<Item = Event> {
        let keep = Duration::from_millis(self.state.config.keep_ended_ms);
        self.state.index.ended_before(self.stamp.tick, keep).map(|run_id| Event::RunForgotten { run_id: run_id.clone() })
    }
}

fn source_missing(job: &Job) -> Vec<Event> {
    let ended = Event::JobEnded {
        job_id: job.job_id.clone(),
        outcome: Outcome::because(Reason::SourceMissing),
        human_summary: "chunks of the source are missing in the store, and nobody uploaded them again in time".to_owned(),
    };
    withdrawal(job, "chunks of the source are missing").into_iter().chain([ended]).collect()
}
