//! Why a job is not running, in one code and one sentence.

use rch_schemas::Tick;
use rch_schemas::wire::http::{Because, Intake, JobState, Liveness, Waiting};

use crate::attempt::AttemptState;
use crate::job::Job;
use crate::run::Run;
use crate::worker::Worker;

/// What a job's waiting depends on beside itself.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// Its run.
    pub run: &'a Run,
    /// The worker that was chosen for it, as far as it is known, and whether it is heard.
    pub worker: Option<(&'a Worker, Liveness)>,
    /// Farm time; absent where nobody knows it.
    pub now: Option<Tick>,
}

/// Why a job is not running; `None` when it is or has ended. `jobs` are those of its run. Says nothing of the line it stands in.
pub fn reason<'a>(job: &Job, jobs: impl Iterator<Item = &'a Job>, around: &Around<'_>) -> Option<Waiting> {
    if job.state() != JobState::Queued {
        return None;
    }
    let made = around.run.bound_to(job.destination);
    let (mut comes_later, mut has_run_there) = (false, false);
    for other in jobs {
        comes_later |= other.step < job.step && other.outcome().is_none();
        let beside = other.destination == job.destination;
        has_run_there |= beside && made.is_some_and(|made| other.has_run_on(&made.selection.worker));
    }
    if comes_later {
        return Some(Waiting::new(Because::StepBefore, "an earlier step has not ended"));
    }
    if let Some(gap) = &around.run.source_gap {
        let chunks = if gap.missing.len() == 1 { "1 chunk".to_owned() } else { format!("{} chunks", gap.missing.len()) };
        return Some(Waiting::new(Because::SourceMissing, format!("{chunks} of the source must be uploaded again")));
    }
    if let Some(offered) = job.live().filter(|record| record.state == AttemptState::Offered) {
        let text = format!("offered to {}, which has not claimed it yet", offered.worker);
        return Some(Waiting { worker: Some(offered.worker.clone()), ..Waiting::new(Because::Offered, text) });
    }
    if around.run.line_class(job.destination).is_some() {
        return Some(Waiting::new(Because::Busy, "the first worker that matches and has a free slot takes it"));
    }
    let Some(made) = made else {
        return Some(Waiting::new(Because::NoWorker, "no worker that matches takes jobs now"));
    };
    let name = &made.selection.worker;
    let Some((worker, liveness)) = around.worker else {
        return Some(Waiting::new(Because::Changed, format!("{name} was chosen, and is no longer known")));
    };
    let intake = if has_run_there && worker.intake == Intake::Draining { Intake::Open } else { worker.intake };
    let (because, text) = at_worker(job, (worker, liveness, intake), around.now);
    Some(Waiting { worker: Some(name.clone()), ..Waiting::new(because, text) })
}

/// `intake` is the worker's, as it is for this job: one that drains goes on with runs it has begun.
fn at_worker(job: &Job, (worker, liveness, intake): (&Worker, Liveness, Intake), now: Option<Tick>) -> (Because, String) {
    let name = &worker.name;
    match liveness {
        Liveness::Unknown | Liveness::Lost => return (Because::Offline, format!("{name} was chosen, and is not connected")),
        Liveness::Suspect => return (Because::Silent, format!("{name} was chosen, and is silent")),
        Liveness::Online => {}
    }
    match intake {
        Intake::Open => {}
        Intake::Draining => return (Because::Draining, format!("{name} was chosen, and is draining")),
        Intake::Quarantined => return (Because::Quarantined, format!("{name} was chosen, and is quarantined")),
    }
    let not_before = job.not_before.get(name).zip(now).filter(|(until, now)| *until > now);
    if let Some((until, now)) = not_before {
        let seconds = until.since(now).as_secs() + 1;
        return (Because::BackingOff, format!("{name} refused, and is asked again in {seconds} s"));
    }
    let slots = worker.session.as_ref().map_or(0, |session| session.slots);
    (Because::Busy, format!("{name} has {} of {slots} slots taken", worker.held.len()))
}
