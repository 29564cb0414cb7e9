//! Any sequence of commands keeps the promises.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rch_schemas::document::{Outcome, SelectionMode};
use rch_schemas::requirement::DestinationRequest;
use rch_schemas::wire::agent::ReportBody;
use rch_schemas::wire::http::{Intake, JobState, SubmitRun};
use rch_schemas::{Action, Attempt, JobId, Reason, Sha256, Tick, WorkerName};

use super::farm::{Farm, facts_with, request, worker};
use crate::{AttemptState, CommandBody, Event, Reply, SubmitRequest};

const WORKERS: [&str; 3] = ["mac-1", "mac-2", "mac-3"];

/// One move of the outside world; numbers pick among what is there.
#[derive(Debug, Clone)]
enum Move {
    Submit { id: u8, steps: u8, xcode: u8, matrix: Matrix },
    Claim { worker: usize, pick: usize, claim: u8 },
    Reclaim { worker: usize, of: Target },
    Finish { worker: usize, of: Target, outcome: u8 },
    Interrupt { worker: usize, of: Target },
    Refuse { worker: usize, of: Target, code: u8 },
    Cancel { run: usize },
    CancelJob { job: usize },
    Announce { worker: usize, xcode: u8, slots: u32 },
    Intake { worker: usize, open: bool },
    Pass { seconds: u16, heard: [bool; 3] },
    Deaf { deaf: bool },
    Restore { run: usize },
}

/// Which destinations a run has, and which of them each step names; whether it goes on after failures, and how its workers are chosen.
#[derive(Debug, Clone)]
struct Matrix {
    destinations: usize,
    /// For each step, a bit for each destination; none means that the step names none, and has all.
    own: [u8; 2],
    goes_on: bool,
    is_adaptive: bool,
}

impl Matrix {
    const ASKED: [&str; 3] = ["platform=iOS Simulator,name=iPhone 16,OS=latest", "generic/platform=iOS", "platform=macOS"];

    fn fill(&self, request: &mut SubmitRun) {
        let asked = |asked: &&str| DestinationRequest { asked: (*asked).to_owned(), ..DestinationRequest::default() };
        request.destinations = Self::ASKED[..self.destinations].iter().map(asked).collect();
        for (step, bits) in request.steps.iter_mut().zip(self.own) {
            let own: Vec<u32> = (0..3).filter(|index| bits & (1 << index) != 0).collect();
            step.destinations = (!own.is_empty()).then_some(own);
        }
        request.options.continue_on_failure = self.goes_on;
        if self.is_adaptive {
            request.options.selection = SelectionMode::Adaptive;
        }
    }
}

fn any_matrix() -> impl Strategy<Value = Matrix> {
    let some = (1..4_usize, prop::array::uniform2(0..8_u8), any::<bool>(), any::<bool>());
    some.prop_map(|(destinations, own, goes_on, is_adaptive)| Matrix { destinations, own, goes_on, is_adaptive })
}

/// An attempt that a worker speaks of.
#[derive(Debug, Clone)]
enum Target {
    /// One that it holds.
    Held(usize),
    /// Any job of the farm, under any number.
    Any { job: usize, attempt: u32 },
}

impl Target {
    fn find(&self, farm: &Farm, worker_index: usize) -> Option<(JobId, Attempt)> {
        match self {
            Self::Held(index) => farm.state.workers[&worker(WORKERS[worker_index])].held.iter().nth(*index).cloned(),
            Self::Any { job, attempt } => nth_job(farm, *job).map(|job| (job, Attempt(*attempt))),
        }
    }
}

fn any_target() -> impl Strategy<Value = Target> {
    prop_oneof![3 => (0..2_usize).prop_map(Target::Held), 1 => (0..6_usize, 1..4_u32).prop_map(|(job, attempt)| Target::Any { job, attempt })]
}

fn any_move() -> impl Strategy<Value = Move> {
    let (worker, pick) = (0..WORKERS.len(), 0..6_usize);
    prop_oneof![
        4 => (any::<u8>(), 0..5_u8, 0..3_u8, any_matrix()).prop_map(|(id, steps, xcode, matrix)| Move::Submit { id, steps, xcode, matrix }),
        8 => (worker.clone(), 0..2_usize, 0..2_u8).prop_map(|(worker, pick, claim)| Move::Claim { worker, pick, claim }),
        1 => (worker.clone(), any_target()).prop_map(|(worker, of)| Move::Reclaim { worker, of }),
        5 => (worker.clone(), any_target(), 0..5_u8).prop_map(|(worker, of, outcome)| Move::Finish { worker, of, outcome }),
        3 => (worker.clone(), any_target()).prop_map(|(worker, of)| Move::Interrupt { worker, of }),
        2 => (worker.clone(), any_target(), 0..4_u8).prop_map(|(worker, of, code)| Move::Refuse { worker, of, code }),
        1 => pick.clone().prop_map(|run| Move::Cancel { run }),
        1 => pick.clone().prop_map(|job| Move::CancelJob { job }),
        2 => (worker.clone(), 0..2_u8, 1..3_u32).prop_map(|(worker, xcode, slots)| Move::Announce { worker, xcode, slots }),
        1 => (worker, any::<bool>()).prop_map(|(worker, open)| Move::Intake { worker, open }),
        3 => (1..90_u16, any::<[bool; 3]>()).prop_map(|(seconds, heard)| Move::Pass { seconds, heard }),
        1 => any::<bool>().prop_map(|deaf| Move::Deaf { deaf }),
        1 => pick.prop_map(|run| Move::Restore { run }),
    ]
}

fn nth_job(farm: &Farm, index: usize) -> Option<JobId> {
    farm.state.jobs.keys().rev().nth(index).cloned()
}

fn nth_run(farm: &Farm, index: usize) -> Option<rch_schemas::RunId> {
    farm.state.runs.keys().rev().nth(index).cloned()
}

fn facts(worker: usize, xcode: u8, slots: u32) -> rch_schemas::capabilities::Facts {
    let (version, build) = [("16.2", "16C5032a"), ("16.4", "16F6")][usize::from(xcode)];
    facts_with(WORKERS[worker], version, build, slots)
}

/// Submits it, and holds the accepted run against what was asked.
fn submit(farm: &mut Farm, request: SubmitRequest) {
    let asked = request.request.clone();
    let Reply::Run(run_id) = farm.ask(CommandBody::Submit(Box::new(request))) else { return };
    let run = farm.run(&run_id);
    for (step, row) in asked.steps.iter().zip(&run.steps) {
        let wanted = step.destinations.clone().unwrap_or_else(|| (0..).take(asked.destinations.len()).collect());
        let planned: Vec<u32> = row.jobs.iter().map(|job| farm.state.jobs[job].destination).collect();
        assert_eq!(planned, wanted, "a step has the jobs it asked for");
    }
}

#[expect(clippy::too_many_lines, reason = "one arm for each move")]
fn perform(farm: &mut Farm, step: &Move) {
    match step {
        Move::Submit { id, steps, xcode, matrix } => {
            let built = ["build-for-testing", "test-without-building"];
            let steps = [&["build"][..], &["build", "test"], &["test"], &["build -toolchain x", "test"], &built][usize::from(*steps)];
            let mut request = request(&format!("request-{id:04}"), steps);
            request.request.options.xcode = [None, Some("16.2"), Some("99")][usize::from(*xcode)].map(|xcode| xcode.parse().unwrap());
            matrix.fill(&mut request.request);
            request.body_sha256 = Sha256::of_canonical(&request.request).unwrap();
            submit(farm, request);
        }
        Move::Claim { worker, pick, claim } => {
            if let Some((job, attempt)) = farm.offers(WORKERS[*worker]).get(*pick).cloned() {
                farm.claim_as(WORKERS[*worker], &job, attempt, &format!("claim-0000{claim}"));
                let second = farm.claim_as(WORKERS[*worker], &job, attempt, "claim-other-1");
                assert!(matches!(second, Reply::NotAccepted(_)), "two claims of one attempt were granted");
            }
        }
        Move::Reclaim { worker, of } => {
            if let Some((job_id, attempt)) = of.find(farm, *worker) {
                let was_live = farm.state.jobs[&job_id].live().is_some_and(|live| live.number == attempt && live.state.is_live());
                let reply = farm.claim_as(WORKERS[*worker], &job_id, attempt, "claim-other-1");
                assert!(was_live || matches!(reply, Reply::NotAccepted(_)), "a claim of a dead attempt was granted");
            }
        }
        Move::Finish { worker, of, outcome } => {
            let outcomes =
                [None, Some(Reason::Compile), Some(Reason::SimulatorBoot), Some(Reason::TimeoutOverall), Some(Reason::TestFailed)];
            let outcome = outcomes[usize::from(*outcome)].map_or(Outcome::SUCCESS, Outcome::because);
            if let Some((job_id, attempt)) = of.find(farm, *worker) {
                farm.finish(WORKERS[*worker], &job_id, attempt, outcome);
            }
        }
        Move::Interrupt { worker, of } => {
            if let Some((job_id, attempt)) = of.find(farm, *worker) {
                let (code, detail) = (Reason::Interrupted, "gone".to_owned());
                farm.report(WORKERS[*worker], ReportBody::Interrupted { job_id, attempt, code, detail });
            }
        }
        Move::Refuse { worker, of, code } => {
            let code = [Reason::Busy, Reason::ToolchainChanged, Reason::SourceMissing, Reason::ProtocolError][usize::from(*code)];
            if let Some((job_id, attempt)) = of.find(farm, *worker) {
                let missing = (code == Reason::SourceMissing).then(|| rch_schemas::Sha256::of("chunk")).into_iter().collect();
                let (detail, retry_after_seconds) = ("no".to_owned(), Some(1));
                farm.report(WORKERS[*worker], ReportBody::Refused { job_id, attempt, code, detail, retry_after_seconds, missing });
            }
        }
        Move::Cancel { run } => {
            if let Some(run_id) = nth_run(farm, *run) {
                farm.ask(CommandBody::CancelRun { run_id });
            }
        }
        Move::CancelJob { job } => {
            if let Some(job_id) = nth_job(farm, *job) {
                farm.ask(CommandBody::CancelJob { job_id });
            }
        }
        Move::Announce { worker, xcode, slots } => farm.announce(WORKERS[*worker], &facts(*worker, *xcode, *slots)),
        Move::Intake { worker: index, open } => {
            let intake = if *open { Intake::Open } else { Intake::Draining };
            farm.ask(CommandBody::SetIntake { worker: worker(WORKERS[*index]), intake, reason: "why".to_owned() });
        }
        Move::Pass { seconds, heard } => {
            farm.tick += u64::from(*seconds) * 1_000;
            for (name, _) in WORKERS.iter().zip(heard).filter(|(_, heard)| **heard) {
                farm.hear(name);
            }
            farm.ask(CommandBody::Tick);
        }
        Move::Deaf { deaf } => farm.observed.hearing_since = (!deaf).then_some(Tick(farm.tick)),
        Move::Restore { run } => {
            if let Some(run_id) = nth_run(farm, *run) {
                farm.ask(CommandBody::SourceRestored { run_id });
            }
        }
    }
}

/// What must hold of the state at every moment.
fn assert_sound(farm: &Farm) {
    for worker in farm.state.workers.values() {
        let live: BTreeSet<_> = farm
            .state
            .jobs
            .values()
            .filter_map(|job| job.live().map(|attempt| (job, attempt)))
            .filter(|(_, attempt)| attempt.worker == worker.name)
            .map(|(job, attempt)| (job.job_id.clone(), attempt.number))
            .collect();
        assert_eq!(live, worker.held, "what a worker holds is what is live there");
    }
    for job in farm.state.jobs.values() {
        let numbers: Vec<_> = job.attempts.iter().map(|attempt| attempt.number.0).collect();
        assert_eq!(numbers, (1..=u32::try_from(numbers.len()).unwrap()).collect::<Vec<_>>(), "attempts are numbered without gaps");
        assert!(job.started <= farm.state.config.max_attempts);
        assert!(job.outcome().is_none() || job.live().is_none(), "an ended job has no live attempt");
        let runs = job.live().is_some_and(|attempt| attempt.state != AttemptState::Offered);
        assert_eq!(job.state() == JobState::Running, runs, "a job runs exactly while an attempt of it does");
    }
    for run in farm.state.runs.values() {
        for job in farm.state.jobs_of(run) {
            let key = run.selection(job.destination).and(job.job_key);
            let document = crate::job_document(&farm.state, run, job, Attempt(1)).filter(|_| key.is_some() && job.outcome().is_none());
            assert_eq!(
                document.map(|document| document.job_key_inputs.key()),
                key.filter(|_| job.outcome().is_none()),
                "keys are of the inputs"
            );
            let beside = farm.state.jobs_of(run).filter(|other| other.step < job.step);
            let early = job.started > 0 && beside.into_iter().any(|other| other.outcome().is_none());
            assert!(!early, "a step starts when the one before is over");
        }
        let over = farm.state.jobs_of(run).all(|job| job.outcome().is_some());
        assert_eq!(over, run.ended.is_some(), "a run ends with its last job");
    }
}

/// The workers of a test without building and of the build for it, when they are not the same.
fn tests_elsewhere(farm: &Farm, job_id: &JobId) -> Option<(WorkerName, WorkerName)> {
    let (job, run) = farm.state.job_and_run(job_id)?;
    let ran = job.last_started().filter(|_| job.action == Action::TestWithoutBuilding)?;
    let builds = farm.state.jobs_of(run).filter(|other| other.action == Action::BuildForTesting && other.destination == job.destination);
    let built = builds.filter(|build| build.outcome() == Some(Outcome::SUCCESS)).last()?.last_started()?;
    (built.worker != ran.worker).then(|| (built.worker.clone(), ran.worker.clone()))
}

/// What must hold of the whole history: the events alone.
fn assert_history(farm: &Farm, slots_at_offer: &[(usize, u32)]) {
    let mut started = BTreeSet::new();
    let mut ended = BTreeSet::new();
    for event in farm.ledger.iter().flat_map(|record| &record.events) {
        if let Event::AttemptStarted { job_id, .. } = event {
            assert_eq!(tests_elsewhere(farm, job_id), None, "tests run where their products are");
        }
        if let Event::AttemptStarted { job_id, attempt, .. } = event {
            assert!(started.insert((job_id.clone(), *attempt)), "{job_id} attempt {attempt} started twice");
            assert!(!ended.contains(job_id), "{job_id} started after its end");
        }
        if let Event::JobEnded { job_id, .. } = event {
            assert!(ended.insert(job_id.clone()), "{job_id} ended twice");
        }
    }
    for (held, slots) in slots_at_offer {
        assert!(*held <= *slots as usize, "{held} attempts were held in {slots} slots");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_commands_breaks_a_promise(moves in prop::collection::vec(any_move(), 1..60)) {
        let mut farm = Farm::with(&WORKERS);
        let mut terminal = BTreeMap::new();
        for step in &moves {
            let before: BTreeMap<_, _> = farm.state.workers.iter().map(|(name, worker)| (name.clone(), worker.held.len())).collect();
            perform(&mut farm, step);
            assert_sound(&farm);
            // A restart with fewer slots may leave more held than fit; a new offer never does.
            let grown: Vec<_> = farm
                .state
                .workers
                .values()
                .filter(|worker| worker.held.len() > before[&worker.name])
                .map(|worker| (worker.held.len(), worker.session.as_ref().unwrap().slots))
                .collect();
            assert_history(&farm, &grown);
            for job in farm.state.jobs.values() {
                if let Some(outcome) = job.outcome() {
                    let known = *terminal.entry(job.job_id.clone()).or_insert(outcome);
                    prop_assert_eq!(known, outcome, "a terminal outcome never changes");
                }
            }
        }
        farm.assert_recovers();
    }

    #[test]
    fn nothing_that_moves_changes_a_deterministic_choice(
        rows in prop::collection::vec((any::<u32>(), any::<u32>(), any::<u64>(), any::<bool>()), 3),
        queued in prop::collection::vec(0..4_usize, 3),
    ) {
        let choose = |rows: &[(u32, u32, u64, bool)], queued: &[usize]| {
            let mut farm = Farm::with(&WORKERS);
            for (name, (slots_free, load, disk, warm)) in WORKERS.iter().zip(rows) {
                let row = farm.observed.workers.get_mut(&worker(name)).unwrap();
                (row.slots_free, row.load_hundredths, row.disk_free_bytes) = (*slots_free, *load, *disk);
                row.warm_namespaces.extend(warm.then(|| "SampleApp".parse().unwrap()));
            }
            for (name, jobs) in WORKERS.iter().zip(queued) {
                for number in 0..*jobs {
                    let mut busy = request(&format!("request-{name}-{number}"), &["build"]);
                    busy.request.options.worker = Some(worker(name));
                    farm.submit_request(busy);
                }
            }
            let run_id = farm.submit("request-01", &["build"]);
            let made = farm.run(&run_id).selection(0).unwrap().selection.clone();
            (made.worker, made.passed_over, made.metrics, made.mode)
        };
        prop_assert_eq!(choose(&rows, &queued), choose(&[(0, 0, 0, false); 3], &[0; 3]));
    }
}
