//! Folding events into the book.

use std::collections::{BTreeMap, BTreeSet};

use rch_scheduler::{AcceptedRun, Event, Selection, Stamp};
use rch_schemas::document::{Outcome, SelectionMode};
use rch_schemas::wire::http::Intake;
use rch_schemas::{Attempt, JobId, Reason, RunId, SessionId, Sha256, Tick, WorkerName};

use super::book::{AttemptRow, Book, JobRow, Place, RunRow, Selected, WorkerRow};

impl Book {
    pub(super) fn follow(&mut self, (now, stamp): (u64, &Stamp), index: u32, event: &Event) {
        self.now_ms = now;
        match event {
            Event::LedgerCreated { .. } | Event::LeaderStarted { .. } => {}
            Event::FarmConfigured { config } => self.config = (**config).clone(),
            Event::SessionStarted { worker, session, slots, .. } => {
                let row = self.worker(worker);
                row.replaced.extend(row.session.replace(session.clone()));
                (row.session_since_ms, row.slots, row.lost) = (now, *slots as usize, false);
            }
            Event::CapabilitiesChanged { worker, facts } => {
                let builds = facts.xcodes.iter().map(|xcode| xcode.build.clone()).collect();
                self.worker(worker).facts = Some((facts.digest(), builds));
            }
            Event::WorkerLost { worker } => {
                self.lost_now.push(worker.clone());
                self.worker(worker).lost = true;
            }
            Event::WorkerReturned { worker } => self.worker(worker).lost = false,
            Event::IntakeChanged { worker, intake, .. } => self.worker(worker).intake = *intake,
            Event::WorkerRemoved { worker, .. } => {
                self.config.inventory.remove(worker);
                self.worker(worker).intake = Intake::Open;
            }
            Event::RunAccepted { run } => self.accept(stamp, index, run),
            Event::FleetJudged { judgement } => {
                self.judgements.insert(judgement.sha256(), judgement.clone());
            }
            Event::WorkerSelected { selection } => self.select(selection),
            Event::SourceRestored { run_id } => self.restore(run_id),
            Event::CancelRequested { jobs, .. } => self.cancel(jobs),
            Event::JobEnded { job_id, outcome, .. } => self.end_job(stamp, job_id, *outcome),
            Event::RunEnded { run_id, .. } => {
                self.open.remove(run_id);
            }
            Event::RunForgotten { run_id } => {
                if let Some(run) = self.runs.remove(run_id) {
                    self.requests.remove(&run.request);
                    run.steps.iter().flatten().for_each(|job_id| drop(self.jobs.remove(job_id)));
                }
            }
            Event::AttemptOffered { job_id, attempt, worker, session } => {
                self.offer(stamp, (job_id, *attempt), worker, session);
            }
            Event::AttemptStarted { job_id, attempt, deadline, .. } => self.start(job_id, *attempt, *deadline),
            Event::AttemptRefused { job_id, attempt, code, not_before, missing, .. } => {
                self.refuse(stamp, (job_id, *attempt, *code), *not_before, missing);
            }
            Event::AttemptWithdrawn { job_id, attempt, .. } => drop(self.close(stamp, job_id, *attempt, None)),
            Event::AttemptInterrupted { job_id, attempt, code, .. } => drop(self.close(stamp, job_id, *attempt, Some(*code))),
            Event::AttemptLost { job_id, attempt } => {
                self.close(stamp, job_id, *attempt, Some(Reason::WorkerLost));
                self.change(job_id, |job| {
                    let worker = job.numbered(*attempt).map(|attempt| attempt.worker.clone());
                    job.lost_workers.extend(worker);
                });
            }
            Event::AttemptFinished { finished } => {
                self.close(stamp, &finished.job_id, finished.attempt, finished.outcome.failure_subkind);
            }
        }
    }

    fn worker(&mut self, name: &WorkerName) -> &mut WorkerRow {
        self.workers.entry(name.clone()).or_default()
    }

    fn change(&mut self, job_id: &JobId, change: impl FnOnce(&mut JobRow)) {
        if let Some(job) = self.jobs.get_mut(job_id) {
            change(job);
        }
    }

    fn accept(&mut self, stamp: &Stamp, index: u32, run: &AcceptedRun) {
        for (step, accepted) in run.steps.iter().enumerate() {
            for job in &accepted.jobs {
                let row = JobRow {
                    run_id: run.run_id.clone(),
                    step,
                    action: accepted.action,
                    destination: job.destination,
                    attempts: Vec::new(),
                    started: 0,
                    refusals: 0,
                    lost_workers: BTreeSet::new(),
                    cancelled: false,
                    outcome: None,
                    waiting_since: stamp.tick,
                    not_before: BTreeMap::new(),
                    overtaken: 0,
                };
                self.jobs.insert(job.job_id.clone(), row);
            }
        }
        let request = (run.requester.clone(), run.request_id.clone());
        self.requests.insert(request.clone(), run.run_id.clone());
        self.open.insert(run.run_id.clone());
        let row = RunRow {
            request,
            order: (stamp.seq.0, index),
            priority: run.options.priority,
            share: run.share,
            accepted: stamp.tick,
            label: run.options.supersede.clone(),
            steps: run.steps.iter().map(|step| step.jobs.iter().map(|job| job.job_id.clone()).collect()).collect(),
            queue_ms: u64::from(run.options.timeouts.queue_seconds) * 1_000,
            continue_on_failure: run.options.continue_on_failure,
            gap: None,
            adaptive: run.options.selection == SelectionMode::Adaptive,
            selections: BTreeMap::new(),
            keys: BTreeMap::new(),
        };
        self.runs.insert(run.run_id.clone(), row);
    }

    /// A choice of a worker that its judgement does not know is none: what rests on it is found wanting.
    fn select(&mut self, selection: &Selection) {
        let Some(judgement) = self.judgements.get(&selection.judgement_sha256) else { return };
        let Some(resolution) = judgement.resolution_of(&selection.worker) else { return };
        let selected = Selected { selection: selection.clone(), judgement: judgement.clone(), resolution: resolution.clone() };
        if let Some(run) = self.runs.get_mut(&selection.run_id) {
            run.selections.insert(selection.destination, selected);
        }
    }

    fn restore(&mut self, run_id: &RunId) {
        let Some(run) = self.runs.get_mut(run_id) else { return };
        run.gap = None;
        for job_id in run.steps.concat() {
            self.change(&job_id, |job| job.not_before.clear());
        }
    }

    /// The next step's jobs wait from here on.
    fn end_job(&mut self, stamp: &Stamp, job_id: &JobId, outcome: Outcome) {
        self.change(job_id, |job| job.outcome = Some(outcome));
        let Some((job, run)) = self.job(job_id) else { return };
        for next in run.steps.get(job.step + 1).cloned().unwrap_or_default() {
            self.change(&next, |job| job.waiting_since = stamp.tick);
        }
    }

    fn cancel(&mut self, jobs: &[JobId]) {
        for job_id in jobs {
            self.change(job_id, |job| job.cancelled = true);
            let live = self.jobs.get(job_id).and_then(|job| job.live()).map(|live| (job_id.clone(), live.number));
            self.unwanted_since.extend(live.map(|live| (live, self.now_ms)));
        }
    }

    fn offer(&mut self, stamp: &Stamp, (job_id, number): (&JobId, Attempt), worker: &WorkerName, session: &SessionId) {
        self.worker(worker).held.insert((job_id.clone(), number));
        let run = self.jobs.get(job_id).and_then(|job| self.runs.get(&job.run_id));
        let overtaken: Vec<_> = run
            .map_or_else(Vec::new, |run| self.overtaken_by(run, worker, stamp.tick).map(|(overtaken, _, _)| overtaken.clone()).collect());
        for job_id in &overtaken {
            self.change(job_id, |job| job.overtaken += 1);
        }
        let (worker, session) = (worker.clone(), session.clone());
        self.change(job_id, |job| {
            job.overtaken = 0;
            job.attempts.push(AttemptRow { number, worker, session, offered: stamp.tick, started: false, place: Place::Offered });
        });
    }

    fn refuse(&mut self, stamp: &Stamp, (job_id, number, code): (&JobId, Attempt, Reason), not_before: Tick, missing: &[Sha256]) {
        let ran = self.close(stamp, job_id, number, Some(code));
        let worker = self.jobs.get(job_id).and_then(|job| job.numbered(number)).map(|attempt| attempt.worker.clone());
        self.change(job_id, |job| {
            job.refusals += 1;
            job.started -= u32::from(ran);
            job.not_before.extend(worker.map(|worker| (worker, not_before)));
        });
        let gap = Tick(stamp.tick.0 + self.config.source_within_ms);
        if let Some(run) = self.jobs.get(job_id).and_then(|job| self.runs.get_mut(&job.run_id)).filter(|_| !missing.is_empty()) {
            run.gap = Some(gap);
        }
    }

    fn start(&mut self, job_id: &JobId, number: Attempt, deadline: Tick) {
        self.change(job_id, |job| {
            job.started += 1;
            if let Some(attempt) = job.attempts.iter_mut().find(|attempt| attempt.number == number) {
                (attempt.started, attempt.place) = (true, Place::Running { deadline });
            }
        });
        let Some(job) = self.jobs.get(job_id) else { return };
        let Some(run) = self.runs.get_mut(&job.run_id) else { return };
        if let Some(selection) = run.selections.get(&job.destination) {
            let key = (selection.resolution.toolchain.clone(), selection.resolution.resolved.clone());
            run.keys.entry(job.destination).or_insert(key);
        }
    }

    /// Ends an attempt; says whether it ran.
    fn close(&mut self, stamp: &Stamp, job_id: &JobId, number: Attempt, code: Option<Reason>) -> bool {
        self.unwanted_since.entry((job_id.clone(), number)).or_insert(self.now_ms);
        for worker in self.workers.values_mut() {
            worker.held.remove(&(job_id.clone(), number));
        }
        let Some(job) = self.jobs.get_mut(job_id) else { return false };
        let Some(attempt) = job.attempts.iter_mut().find(|attempt| attempt.number == number) else { return false };
        let ran = matches!(attempt.place, Place::Running { .. });
        attempt.place = Place::Over { code };
        if ran {
            job.waiting_since = stamp.tick;
        }
        ran
    }
}
