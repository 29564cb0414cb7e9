//! What follows from the state by itself: jobs that are over, workers to choose, free slots to offer.
//!
//! Nothing is scanned: what changed is on the agenda, and who comes next for a worker is first in its line (`queue`).

mod slots;

use std::collections::BTreeSet;

use rch_schemas::document::{JobStatus, Outcome};
use rch_schemas::wire::http::JobState;
use rch_schemas::{Action, Reason, RetryClass, Sha256, Tick};

use crate::attempt::AttemptState;
use crate::cancel;
use crate::command::Stamp;
use crate::document::run_outcome;
use crate::event::Event;
use crate::job::Job;
use crate::observed::Observed;
use crate::quarantine;
use crate::queue::Agenda;
use crate::run::Run;
use crate::select::{Choice, Fleet, NoChoice, Sight, Want, choose, could_ever, hope};
use crate::state::State;

/// The next events that follow from the state; to be applied, noted on the agenda, and asked for again until there are none.
///
/// Only what is on the agenda is looked at. Whatever an event is returned for stays on it, so that nothing is overlooked when the caller
/// stops before it has applied them all.
pub fn settle(state: &State, observed: &Observed, stamp: &Stamp, agenda: &mut Agenda) -> Vec<Event> {
    let mut settling = Settling { state, observed, stamp, judged: BTreeSet::new() };
    let arrivals = agenda.runs(state, observed, stamp);
    let runs: Vec<_> = arrivals.iter().filter_map(|arrival| state.arrived(*arrival)).collect();
    let ended: Vec<_> = runs.iter().flat_map(|run| settling.end(run)).collect();
    if !ended.is_empty() {
        return ended;
    }
    let closed: Vec<_> =
        agenda.workers().filter_map(|name| state.workers.get(name)).flat_map(|worker| quarantine::follow(state, worker)).collect();
    if !closed.is_empty() {
        return closed;
    }
    let judged: Vec<_> = settling.judge_classes();
    if !judged.is_empty() {
        return judged;
    }
    let mut selected = Vec::new();
    for arrival in arrivals {
        let looked = state.arrived(arrival).map_or_else(Looked::default, |run| settling.select(run));
        if looked.events.is_empty() {
            let stands_at = state.arrived(arrival).into_iter().flat_map(|run| state.stands_at(run));
            agenda.looked_at(arrival, stands_at.cloned());
        }
        if looked.is_stuck {
            let again = state.arrived(arrival).into_iter().flat_map(|run| settling.turned_away_until(run));
            agenda.got_stuck(arrival, again);
        }
        selected.extend(looked.events);
    }
    if !selected.is_empty() {
        return selected;
    }
    settling.give_slots(agenda)
}

/// What a look at a run gave.
#[derive(Default)]
struct Looked {
    events: Vec<Event>,
    /// Whether a destination of it found no worker.
    is_stuck: bool,
}

struct Settling<'a> {
    state: &'a State,
    observed: &'a Observed,
    stamp: &'a Stamp,
    /// Judgements that are among the events already.
    judged: BTreeSet<Sha256>,
}

impl Settling<'_> {
    /// Jobs of a run that are over, then the run itself.
    fn end(&self, run: &Run) -> Vec<Event> {
        let jobs: Vec<_> = self.state.jobs_of(run).collect();
        let over: Vec<_> = jobs
            .iter()
            .filter(|job| job.state() == JobState::Queued)
            .filter_map(|job| rejection(run, job).or_else(|| self.verdict(run, job)).or_else(|| skip(run, job, &jobs)))
            .collect();
        if !over.is_empty() || jobs.iter().any(|job| job.outcome().is_none()) {
            return over;
        }
        let (ended, exit_code) = run_outcome(jobs.iter().copied());
        vec![Event::RunEnded { run_id: run.run_id.clone(), state: ended, exit_code, human_summary: run_summary_line(&jobs) }]
    }

    /// What the last attempt of a waiting job means for it: over, or another try.
    fn verdict(&self, run: &Run, job: &Job) -> Option<Event> {
        if job.live().is_some() {
            return None;
        }
        if job.cancel_requested {
            return Some(cancel::ended(run, job));
        }
        let config = &self.state.config;
        let attempt = job.current()?;
        let (reason, detail) = match &attempt.state {
            AttemptState::Interrupted { code, detail } => {
                let again = code.retry_class() != RetryClass::Never && job.started < config.max_attempts;
                (!again).then(|| (*code, detail.clone()))?
            }
            AttemptState::Lost => {
                let again = job.started < config.max_attempts && job.workers_lost().count() < 2 && self.has_another(run, job);
                (!again).then(|| (Reason::WorkerLost, format!("{} was lost while it ran {}", attempt.worker, job.action)))?
            }
            AttemptState::Refused { code: Reason::SourceMissing, detail } => {
                let over = run.source_gaps > 1 || job.refusals >= config.max_refusals;
                over.then(|| (Reason::SourceMissing, detail.clone()))?
            }
            AttemptState::Refused { code, detail } => {
                let again = code.retry_class() != RetryClass::Never && job.refusals < config.max_refusals;
                (!again).then(|| (*code, detail.clone()))?
            }
            AttemptState::Offered | AttemptState::Running { .. } | AttemptState::Finished { .. } | AttemptState::Withdrawn { .. } => {
                return None;
            }
        };
        Some(ended(job, Outcome::because(reason), detail))
    }

    /// Whether a worker other than those the job cost gives the same key, now or when it is back or open again.
    fn has_another(&self, run: &Run, job: &Job) -> bool {
        let lost: BTreeSet<_> = job.workers_lost().collect();
        could_ever(&self.fleet(), Want { run, destination: job.destination, revision: run.revision + 1 })
            .iter()
            .any(|worker| !lost.contains(worker))
    }

    /// Chooses workers for the destinations of a run that need one; while its source is missing, nobody could start it.
    fn select(&mut self, run: &Run) -> Looked {
        let mut looked = Looked::default();
        if run.source_gap.is_some() {
            return looked;
        }
        for (index, _) in (0..).zip(&run.destinations) {
            let waiting: Vec<_> = self.state.jobs_of(run).filter(|job| job.destination == index && job.outcome().is_none()).collect();
            if waiting.is_empty() || waiting.iter().any(|job| job.live().is_some()) {
                continue;
            }
            if run.line_class(index).is_some() {
                // It is chosen for when somebody has a slot for it; here only whether that can ever be.
                let hope = hope(&self.fleet(), Want { run, destination: index, revision: run.revision + 1 });
                looked.events.extend(hope.err().map_or_else(Vec::new, |none| nobody(none, waiting)));
                continue;
            }
            if !self.needs_selection(run, index, &waiting) {
                continue;
            }
            let earlier = looked.events.iter().filter(|event| matches!(event, Event::WorkerSelected { .. })).count();
            let revision = run.revision + 1 + u32::try_from(earlier).expect("a run has few destinations");
            let events = self.select_one(Want { run, destination: index, revision }, waiting);
            looked.is_stuck |= events.is_empty();
            looked.events.extend(events);
        }
        looked
    }

    fn select_one(&mut self, want: Want<'_>, waiting: Vec<&Job>) -> Vec<Event> {
        match choose(&self.fleet(), want) {
            Ok(choice) => self.record(want.run, choice),
            Err(none) => nobody(none, waiting),
        }
    }

    /// Whether a destination has no worker yet, or one that has just refused, is gone, closed, or no longer what it was chosen as.
    fn needs_selection(&self, run: &Run, destination: u32, waiting: &[&Job]) -> bool {
        let row = &run.destinations[destination as usize];
        let Some(made) = &row.selection else { return true };
        if waiting.iter().any(|job| job.refused_by(&made.selection.worker, self.stamp.tick).is_some()) {
            return true;
        }
        let Some(worker) = self.state.workers.get(&made.selection.worker) else { return true };
        let known = self.state.config.inventory.contains_key(&worker.name);
        let changed = worker.facts.as_ref().is_none_or(|(digest, _)| *digest != made.selection.capabilities_sha256);
        let closed = waiting.first().is_some_and(|job| !worker.takes(self.state, run, job));
        !known || worker.lost || closed || changed
    }

    fn record(&mut self, run: &Run, choice: Choice) -> Vec<Event> {
        let resolution = choice.judgement.resolution_of(&choice.made.selection.worker);
        let same = |old: &crate::run::MadeSelection| {
            let same_key = self.state.resolution(old).zip(resolution).is_some_and(|(old, new)| old.has_key_of(new));
            let (old, new) = (&old.selection, &choice.made.selection);
            same_key && old.worker == new.worker && old.capabilities_sha256 == new.capabilities_sha256
        };
        if run.selection(choice.made.selection.destination).is_some_and(same) {
            return Vec::new();
        }
        let judged = choice.judged_now && self.judged.insert(choice.judgement.sha256());
        let judgement = judged.then_some(Event::FleetJudged { judgement: choice.judgement });
        judgement.into_iter().chain([Event::WorkerSelected { selection: Box::new(choice.made.selection) }]).collect()
    }

    /// When the workers that turned a run away may be asked again.
    fn turned_away_until(&self, run: &Run) -> Vec<Tick> {
        let now = self.stamp.tick;
        let waiting = self.state.jobs_of(run).filter(|job| job.outcome().is_none());
        waiting.flat_map(|job| job.not_before.values().copied()).filter(|until| *until > now).collect()
    }

    fn fleet(&self) -> Fleet<'_> {
        Fleet { state: self.state, sight: Sight::Heard(self.observed), stamp: self.stamp }
    }
}

/// What follows when no worker was found for jobs: nothing while they can wait for one.
fn nobody(none: NoChoice, waiting: Vec<&Job>) -> Vec<Event> {
    match none {
        NoChoice::Wait(_) => Vec::new(),
        NoChoice::Never(code, detail) => {
            // The steps after it are skipped as after any failure.
            let first = waiting.iter().map(|job| job.step).min();
            let first = waiting.into_iter().filter(|job| Some(job.step) == first);
            first.map(|job| ended(job, Outcome::because(code), detail.clone())).collect()
        }
    }
}

fn rejection(run: &Run, job: &Job) -> Option<Event> {
    let rejected = run.rejection(job)?;
    Some(ended(job, Outcome::because(Reason::ArgumentDenied), format!("{}: {}", rejected.argument, rejected.reason)))
}

/// A job is not tried after a failed step, nor beside a refused one, unless the run goes on after failures.
fn skip(run: &Run, job: &Job, jobs: &[&Job]) -> Option<Event> {
    if run.options.continue_on_failure {
        return None;
    }
    if let Some(refused) = jobs.iter().find(|other| run.rejection(other).is_some()) {
        return Some(ended(job, Outcome::SKIPPED, format!("{} was skipped, because {} was refused", job.action, named(run, refused, job))));
    }
    let failed = |other: &&&Job| other.step < job.step && other.outcome().is_some_and(|outcome| outcome.status != JobStatus::Success);
    let cause = jobs.iter().find(failed)?;
    let word = if cause.state() == JobState::Cancelled { "was cancelled" } else { "failed" };
    Some(ended(job, Outcome::SKIPPED, format!("{} was skipped, because {} {word}", job.action, named(run, cause, job))))
}

/// A job as a reason for what becomes of `other`: with its destination where the action alone would not tell them apart.
fn named(run: &Run, job: &Job, other: &Job) -> String {
    let destination = run.destinations.get(job.destination as usize).filter(|_| job.action == other.action);
    destination.map_or_else(|| job.action.to_string(), |destination| format!("{} on {}", job.action, destination.asked.asked))
}

fn ended(job: &Job, outcome: Outcome, human_summary: String) -> Event {
    Event::JobEnded { job_id: job.job_id.clone(), outcome, human_summary }
}

/// One line for a run: the first thing that went wrong, else what succeeded.
fn run_summary_line(jobs: &[&Job]) -> String {
    let wrong =
        jobs.iter().find(|job| job.outcome().is_some_and(|outcome| !matches!(outcome.status, JobStatus::Success | JobStatus::Skipped)));
    if let Some(job) = wrong
        && let crate::job::JobPhase::Ended { human_summary, .. } = &job.phase
    {
        return human_summary.clone();
    }
    let actions: Vec<_> = jobs.iter().map(|job| Action::as_str(job.action)).collect();
    format!("{} succeeded", actions.join(", "))
}
