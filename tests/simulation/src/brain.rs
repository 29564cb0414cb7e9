//! The scheduler as the simulated coordinators call it: the real one, and around it the bugs that are planted there.

use std::collections::BTreeSet;

use rch_scheduler::{
    Agenda, AttemptState, Command, CommandBody, Decision, Event, Judgement, Observed, Reply, Share, Stamp, State, StateRows, Touched,
    apply, decide, settle,
};
use rch_schemas::wire::WireError;
use rch_schemas::wire::agent::ReportBody;
use rch_schemas::wire::http::Intake;
use rch_schemas::{LedgerSeq, Reason, RequestId, Tick};

use crate::plant::Plant;

/// The scheduler, possibly with a bug around it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Brain {
    pub(crate) plant: Option<Plant>,
}

impl Brain {
    pub(crate) fn decide(self, state: &State, observed: &Observed, command: &Command) -> Decision {
        match self.plant {
            None => decide(state, observed, command),
            Some(plant) => decide_with(plant, state, observed, command),
        }
    }

    pub(crate) fn settle(self, state: &State, observed: &Observed, stamp: &Stamp, agenda: &mut Agenda) -> Vec<Event> {
        match self.plant.and_then(|plant| seen_by_settle(plant, state)) {
            Some(seen) => settle(&from_rows(&seen), observed, stamp, &mut Agenda::everything()),
            None if self.plant == Some(Plant::FreeWorkerPreferred) => prefer_free(state, settle(state, observed, stamp, agenda)),
            None => self.planted_choice(settle(state, observed, stamp, agenda), state),
        }
    }

    /// A choice among equals that goes wrong, with the offer that follows it.
    fn planted_choice(self, mut events: Vec<Event>, state: &State) -> Vec<Event> {
        let [Event::WorkerSelected { selection }, Event::AttemptOffered { worker, session, .. }] = events.as_mut_slice() else {
            return events;
        };
        if self.plant == Some(Plant::LoadMadeUp) {
            selection.metrics.iter_mut().for_each(|metrics| metrics.running += 1);
        }
        if self.plant == Some(Plant::AnyoneOfEquals)
            && let Some(last) = selection.metrics.last().and_then(|metrics| state.workers.get(&metrics.worker))
            && let Some((facts, running)) = last.facts.as_ref().zip(last.session.as_ref())
        {
            (selection.worker, selection.capabilities_sha256) = (last.name.clone(), facts.0);
            (*worker, *session) = (last.name.clone(), running.id.clone());
        }
        events
    }

    pub(crate) fn apply(self, state: &mut State, stamp: &Stamp, index: u32, event: &Event) -> Touched {
        let kept = if let Event::WorkerRemoved { worker, .. } = event { state.config.inventory.get(worker).cloned() } else { None };
        let touched = apply(state, stamp, index, event);
        if self.plant == Some(Plant::RemovedStillChosen)
            && let Event::WorkerRemoved { worker, .. } = event
            && let Some(entry) = kept
        {
            state.config.inventory.insert(worker.clone(), entry);
            state.config.removed.clear();
        }
        if self.plant == Some(Plant::RefusalUsesUpAnAttempt)
            && let Event::AttemptRefused { job_id, .. } = event
            && let Some(job) = state.jobs.get_mut(job_id)
        {
            job.started += u32::from(job.current().is_some_and(|attempt| attempt.started.is_some()));
        }
        touched
    }

    pub(crate) fn note(self, agenda: &mut Agenda, state: &State, (event, touched): (&Event, &Touched)) {
        if self.plant != Some(Plant::EndNotNoted) || !matches!(event, Event::JobEnded { .. }) {
            agenda.note(state, touched);
        }
    }
}

/// The state from its rows: what a coordinator starts from.
pub(crate) fn from_rows(state: &State) -> State {
    State::from_rows(rows(state))
}

fn rows(state: &State) -> StateRows {
    StateRows {
        ledger_id: state.ledger_id.clone(),
        term: state.term,
        config: state.config.clone(),
        fleet_version: state.fleet_version,
        workers: state.workers.values().cloned().collect(),
        runs: state.runs.values().cloned().collect(),
        jobs: state.jobs.values().cloned().collect(),
        judgements: state.judgements().cloned().collect(),
    }
}

/// What a buggy `settle` believes the state to be; `None` when the bug is elsewhere.
#[expect(clippy::wildcard_enum_match_arm, reason = "most bugs are elsewhere")]
fn seen_by_settle(plant: Plant, state: &State) -> Option<State> {
    let seen = || state.clone();
    Some(match plant {
        Plant::SlotsIgnored => changed(seen(), |state| {
            for session in state.workers.values_mut().filter_map(|worker| worker.session.as_mut()) {
                session.slots += 2;
            }
        }),
        Plant::AttemptsNotCounted => changed(seen(), |state| state.jobs.values_mut().for_each(|job| job.started = 0)),
        Plant::ThirdWorker => changed(seen(), |state| {
            for job in state.jobs.values_mut() {
                job.started = 0;
                for attempt in job.attempts.iter_mut().filter(|attempt| attempt.state == AttemptState::Lost) {
                    attempt.state = AttemptState::Interrupted { code: Reason::WorkerLost, detail: String::new() };
                }
            }
        }),
        Plant::OtherKeyOnRetry => changed(seen(), |state| {
            for destination in state.runs.values_mut().flat_map(|run| &mut run.destinations) {
                destination.started = false;
            }
        }),
        Plant::ExclusionForgotten => changed(seen(), |state| state.jobs.values_mut().for_each(|job| job.not_before.clear())),
        Plant::SourceGapForgotten => changed(seen(), |state| state.runs.values_mut().for_each(|run| run.source_gap = None)),
        Plant::DrainIgnored => opened(seen(), Intake::Draining),
        Plant::QuarantineIgnored => opened(seen(), Intake::Quarantined),
        Plant::NewestFirst => {
            let mut rows = rows(state);
            for run in &mut rows.runs {
                (run.accepted.0, run.share.start) = (LedgerSeq(u64::MAX - run.accepted.0.0), u64::MAX - run.share.start);
            }
            State::from_rows(rows)
        }
        Plant::AgeIgnored => changed(seen(), |state| state.config.queue.age_ms = u64::MAX),
        Plant::AllStepsAtOnce => changed(seen(), |state| {
            for run in state.runs.values_mut() {
                let all: Vec<_> = run.jobs().cloned().collect();
                run.steps.iter_mut().for_each(|step| step.jobs.clear());
                run.steps[0].jobs = all;
            }
        }),
        _ => return None,
    })
}

/// Among workers that give the same key, the one that holds least is taken.
fn prefer_free(state: &State, mut events: Vec<Event>) -> Vec<Event> {
    let judged: Vec<Judgement> = events
        .iter()
        .filter_map(|event| if let Event::FleetJudged { judgement } = event { Some(judgement.clone()) } else { None })
        .collect();
    for event in &mut events {
        let Event::WorkerSelected { selection } = event else { continue };
        let known = state.judgements().chain(&judged).find(|judgement| judgement.sha256() == selection.judgement_sha256);
        let candidates = known.map(Judgement::candidates).unwrap_or_default();
        let chosen = candidates.iter().find(|candidate| candidate.worker == selection.worker);
        let equals = candidates.iter().filter(|candidate| chosen.is_some_and(|chosen| chosen.resolution == candidate.resolution));
        let free = equals.filter_map(|candidate| state.workers.get(&candidate.worker)).min_by_key(|worker| worker.held.len());
        if let Some((worker, (capabilities_sha256, _))) = free.and_then(|worker| Some((worker, worker.facts.as_ref()?))) {
            (selection.worker, selection.capabilities_sha256) = (worker.name.clone(), *capabilities_sha256);
        }
    }
    events
}

fn changed(mut state: State, change: impl FnOnce(&mut State)) -> State {
    change(&mut state);
    state
}

fn opened(state: State, closed: Intake) -> State {
    changed(state, |state| {
        state.workers.values_mut().filter(|worker| worker.intake == closed).for_each(|worker| worker.intake = Intake::Open);
    })
}

fn decide_with(plant: Plant, state: &State, observed: &Observed, command: &Command) -> Decision {
    match (plant, &command.body) {
        (Plant::LostNotFenced, CommandBody::Tick) => {
            without(decide(state, observed, command), |event| matches!(event, Event::AttemptLost { .. }))
        }
        (Plant::QueueDeadlineIgnored, CommandBody::Tick) => without(
            decide(state, observed, command),
            |event| matches!(event, Event::JobEnded { outcome, .. } if outcome.failure_subkind == Some(Reason::TimeoutQueue)),
        ),
        (Plant::AttemptDeadlineIgnored, CommandBody::Tick) => without(decide(state, observed, command), |event| {
            matches!(event, Event::AttemptInterrupted { code: Reason::TimeoutDeadline, .. })
        }),
        (Plant::MissingOnce, CommandBody::Tick) => {
            let mut observed = observed.clone();
            observed.workers.values_mut().flat_map(|row| row.missing.values_mut()).for_each(|missing| *missing += 2);
            let hasty = changed(state.clone(), |state| {
                let attempts = state.jobs.values_mut().flat_map(|job| &mut job.attempts);
                attempts.filter(|attempt| attempt.started.is_some()).for_each(|attempt| attempt.started = Some(Tick(0)));
            });
            decide(&hasty, &observed, command)
        }
        (Plant::FleetLostAtOnce, CommandBody::Tick) => lose_one_by_one(state, observed, command),
        (Plant::SharesForgotten, CommandBody::Submit(_)) => {
            let mut decision = decide(state, observed, command);
            for event in &mut decision.events {
                if let Event::RunAccepted { run } = event {
                    run.share = Share { start: 0, finish: run.share.finish - run.share.start };
                }
            }
            decision
        }
        (Plant::RepeatMakesAnotherRun, CommandBody::Submit(_)) => submit_as_new(state, observed, command),
        (Plant::OlderRunGoesOn, CommandBody::Submit(_)) => {
            without(decide(state, observed, command), |event| !matches!(event, Event::RunAccepted { .. }))
        }
        (Plant::ConflictMakesAnotherRun, CommandBody::Submit(_)) => match decide(state, observed, command) {
            Decision { reply: Reply::Refused(problem), .. } if problem.code == Reason::Conflict => submit_as_new(state, observed, command),
            decision => decision,
        },
        (Plant::ReplacedSessionReturns, CommandBody::Report { .. }) => {
            let forgetful = changed(state.clone(), |state| state.workers.values_mut().for_each(|worker| worker.replaced.clear()));
            decide(&forgetful, observed, command)
        }
        (Plant::ClaimAnsweredOnce, CommandBody::Report { report, .. }) if matches!(report.body, ReportBody::Claim { .. }) => {
            match decide(state, observed, command) {
                Decision { events, reply: Reply::Receipt(Some(_)) } if events.is_empty() => {
                    Decision { events, reply: Reply::NotAccepted(WireError::new(Reason::Stale, "claimed already")) }
                }
                decision => decision,
            }
        }
        (Plant::EndedJobsEndAgain, CommandBody::Report { report, .. }) => {
            let mut decision = decide(state, observed, command);
            let ReportBody::Finished(finished) = &report.body else { return decision };
            if let Some(job) = state.jobs.get(&finished.job_id).filter(|job| job.outcome().is_some()) {
                let (job_id, human_summary) = (job.job_id.clone(), finished.human_summary.clone());
                decision.events.push(Event::JobEnded { job_id, outcome: finished.outcome, human_summary });
            }
            decision
        }
        (Plant::StaleResultAccepted, CommandBody::Report { report, .. }) => accept_stale(state, &report.body)
            .map_or_else(|| decide(state, observed, command), |events| Decision { events, reply: Reply::Receipt(None) }),
        _ => decide(state, observed, command),
    }
}

fn without(mut decision: Decision, forgotten: impl Fn(&Event) -> bool) -> Decision {
    decision.events.retain(|event| !forgotten(event));
    decision
}

/// The guard against a silent fleet never sees more than one silent worker.
fn lose_one_by_one(state: &State, observed: &Observed, command: &Command) -> Decision {
    let mut decision = decide(state, observed, command);
    let limit = state.config.lost_after_ms;
    let now = command.stamp.tick;
    for name in state.workers.keys() {
        let mut others = observed.clone();
        others.workers.iter_mut().filter(|(other, _)| *other != name).for_each(|(_, row)| row.heard_at = Some(now));
        for other in state.workers.keys().filter(|other| *other != name) {
            others.workers.entry(other.clone()).or_default().heard_at = Some(now);
        }
        let heard = observed.workers.get(name).and_then(|row| row.heard_at).unwrap_or(Tick(0));
        let silent = observed.hearing_since.is_some_and(|since| now.0 - heard.max(since).0 >= limit);
        let known: BTreeSet<_> = decision.events.iter().filter_map(subject).collect();
        let alone = if silent { decide(state, &others, command).events } else { Vec::new() };
        let new = alone.into_iter().filter(|event| subject(event).is_some_and(|subject| !known.contains(&subject)));
        decision.events.extend(new);
    }
    decision
}

/// Whom the loss of a worker concerns: itself, and what it held.
#[expect(clippy::wildcard_enum_match_arm, reason = "the loss of a worker makes these events")]
fn subject(event: &Event) -> Option<String> {
    match event {
        Event::WorkerLost { worker } => Some(worker.to_string()),
        Event::AttemptLost { job_id, .. } | Event::AttemptWithdrawn { job_id, .. } | Event::AttemptInterrupted { job_id, .. } => {
            Some(job_id.to_string())
        }
        _ => None,
    }
}

/// The request is not recognised: decided under an id nobody has used, and recorded under its own.
fn submit_as_new(state: &State, observed: &Observed, command: &Command) -> Decision {
    let CommandBody::Submit(submitted) = &command.body else { return decide(state, observed, command) };
    let mut other = submitted.clone();
    let fresh: RequestId = format!("request-other-{}", command.stamp.seq.0).parse().expect("an id");
    other.request.request_id = fresh;
    let mut decision = decide(state, observed, &Command { body: CommandBody::Submit(other), ..command.clone() });
    for event in &mut decision.events {
        if let Event::RunAccepted { run } = event {
            run.request_id = submitted.request.request_id.clone();
        }
    }
    decision
}

/// The number of the attempt is not looked at.
fn accept_stale(state: &State, body: &ReportBody) -> Option<Vec<Event>> {
    let ReportBody::Finished(finished) = body else { return None };
    let job = state.jobs.get(&finished.job_id)?;
    let live = job.live().filter(|live| matches!(live.state, AttemptState::Running { .. }) && live.number != finished.attempt)?;
    let mut taken = finished.clone();
    taken.attempt = live.number;
    let ended = Event::JobEnded { job_id: job.job_id.clone(), outcome: taken.outcome, human_summary: taken.human_summary.clone() };
    Some(vec![Event::AttemptFinished { finished: taken }, ended])
}
