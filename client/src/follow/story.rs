//! A run as it is told: jobs in plan order, each from its start to its end.

use std::time::{Duration, Instant};

use rch_schemas::wire::http::{JobState, JobView, RunView};
use rch_schemas::{Action, JobId, Reason};

use super::cursor::{Cursor, Piece};
use super::job::JobStory;
use crate::cli::LogMode;
use crate::output::xcodebuild::{LogDigest, TreePaths};
use crate::output::{Label, Reporter, duration};

/// How a run is told.
#[derive(Debug, Clone)]
pub(crate) struct Telling {
    /// How much of the logs.
    pub(crate) log: LogMode,
    /// The tree's paths, when the tree is here.
    pub(crate) paths: TreePaths,
    /// The one job that is asked for; all when absent.
    pub(crate) only: Option<JobId>,
}

/// A log that is to be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WantedLog {
    /// The job.
    pub(crate) job_id: JobId,
    /// From where.
    pub(super) cursor: Cursor,
}

/// What was told of a run so far.
#[derive(Debug)]
pub(crate) struct Story {
    telling: Telling,
    run: RunView,
    jobs: Vec<JobStory>,
    started: Option<Instant>,
    began: Instant,
}

impl Story {
    /// Of this run, of which nothing was told yet.
    pub(crate) fn new(run: RunView, telling: Telling, now: Instant) -> Self {
        let several = run.plan.destinations.len() > 1;
        let job = |view: &JobView| {
            let step = run.plan.steps.iter().find(|step| step.index == view.step);
            let name = step.map_or_else(|| view.action.to_string(), |step| step.name.clone());
            let place = if several { format!(" on {}", place(&run, view)) } else { String::new() };
            JobStory::new(view.clone(), name, place, run.plan.project.clone(), LogDigest::new(telling.paths.clone()))
        };
        let jobs = run.jobs.iter().filter(|view| telling.only.as_ref().is_none_or(|only| *only == view.job_id)).map(job).collect();
        Self { jobs, telling, run, started: None, began: now }
    }

    /// The run as it was last heard.
    pub(crate) fn run(&self) -> &RunView {
        &self.run
    }

    /// From the beginning to the first job's start.
    pub(crate) fn waited(&self) -> Option<Duration> {
        self.started.map(|started| started.saturating_duration_since(self.began))
    }

    /// Takes the run's newest state.
    pub(crate) fn update(&mut self, run: RunView, now: Instant, reporter: &mut Reporter) {
        for view in &run.jobs {
            if view.state == JobState::Running || view.duration_ms > 0 {
                self.started.get_or_insert(now);
            }
            if let Some(job) = self.jobs.iter_mut().find(|job| job.view.job_id == view.job_id) {
                job.update(view.clone(), now, reporter);
            }
        }
        self.run = run;
    }

    /// Takes a part of a job's log.
    pub(crate) fn piece(&mut self, job_id: &JobId, piece: Piece, reporter: &mut Reporter) {
        let Some(index) = self.jobs.iter().position(|job| job.view.job_id == *job_id) else { return };
        let step = self.jobs[index].view.step;
        let beside = self.jobs.iter().filter(|job| job.view.step == step).count() > 1;
        let job = &mut self.jobs[index];
        let prefix = if beside { format!("[{}{}] ", job.name, job.place) } else { String::new() };
        job.piece(piece, self.telling.log, &prefix, reporter);
    }

    /// Tells what has ended, and says which logs are to be read now. Steps are told one after the other: the log of the next one is read
    /// when everything about the one before has been told, and nothing is lost by it, since a log can be read from its beginning at any time.
    pub(crate) fn advance(&mut self, now: Instant, reporter: &mut Reporter) -> Vec<WantedLog> {
        let mut wanted = Vec::new();
        let mut steps: Vec<u32> = self.jobs.iter().map(|job| job.view.step).collect();
        steps.dedup();
        for step in steps {
            let mode = self.telling.log;
            for index in 0..self.jobs.len() {
                let job = &mut self.jobs[index];
                if job.view.step != step || job.is_told {
                    continue;
                }
                if job.is_over(mode, now) {
                    job.is_told = true;
                    self.tell_end(index, reporter);
                } else {
                    wanted.extend(job.wants_log(mode).map(|cursor| WantedLog { job_id: job.view.job_id.clone(), cursor }));
                }
            }
            if self.jobs.iter().any(|job| job.view.step == step && !job.is_told) {
                break;
            }
        }
        wanted
    }

    /// Whether everything has ended and was told.
    pub(crate) fn is_over(&self) -> bool {
        let run_over = self.telling.only.is_some() || self.run.state.is_terminal();
        run_over && self.jobs.iter().all(|job| job.is_told)
    }

    /// Whether an error at this place of the tree was shown while the job ran.
    pub(crate) fn has_shown(&self, job_id: &JobId, path: &str, line: Option<u32>) -> bool {
        let job = self.jobs.iter().find(|job| job.view.job_id == *job_id);
        self.telling.log == LogMode::Short && job.is_some_and(|job| job.digest.has_shown(path, line))
    }

    fn tell_end(&mut self, index: usize, reporter: &mut Reporter) {
        let mode = self.telling.log;
        reporter.live(None);
        self.jobs[index].tell_log_end(mode, reporter);
        if self.jobs[index].log_broke_off(mode) {
            let text = format!("the log of {} breaks off here; build.log of its artifacts says what there is", self.jobs[index].name);
            reporter.fact(&Label::Notice, &text);
        }
        let (label, text) = self.ending(&self.jobs[index]);
        reporter.fact(&label, &text);
    }

    /// How a job ended: `build in 9.4 s: 2 errors in 1 file`.
    fn ending(&self, job: &JobStory) -> (Label, String) {
        let name = format!("{}{}", job.name, job.place);
        let timed = match job.view.duration_ms {
            0 => name.clone(),
            milliseconds => format!("{name} in {}", duration(Duration::from_millis(milliseconds))),
        };
        let summary = job.view.human_summary.as_deref().map(|text| in_short(text, job.view.action)).filter(|text| !text.is_empty());
        let sentence = job.view.outcome.and_then(|outcome| outcome.failure_subkind).map(|reason| reason.sentence().to_owned());
        let because = |reason: Option<String>| reason.map_or_else(|| timed.clone(), |reason| format!("{timed}: {reason}"));
        match job.view.state {
            JobState::Succeeded => (Label::Succeeded, timed),
            // What tests say in the log are failures to count in the result, not errors of the build.
            JobState::Failed if is_of_tests(&job.view) => (Label::Failed, because(summary.or(sentence))),
            // What was shown in full is counted, not said again.
            JobState::Failed if self.telling.log == LogMode::Short => {
                (Label::Failed, because(job.digest.errors_counted().or(summary).or(sentence)))
            }
            JobState::Failed => (Label::Failed, because(job.digest.errors().or(summary).or(sentence))),
            JobState::Cancelled => (Label::Cancelled, timed),
            JobState::Skipped => {
                (Label::Skipped, format!("{name}, {}", self.why_skipped(job).or(summary).unwrap_or_else(|| "not tried".to_owned())))
            }
            JobState::Rejected => (Label::Rejected, because(self.why_rejected(job).or(summary).or(sentence))),
            JobState::Queued | JobState::Running => (Label::Notice, timed),
        }
    }

    fn why_skipped(&self, job: &JobStory) -> Option<String> {
        let first =
            self.jobs.iter().find(|other| matches!(other.view.state, JobState::Failed | JobState::Rejected | JobState::Cancelled))?;
        let became = match first.view.state {
            JobState::Rejected => "was rejected",
            JobState::Cancelled => "was cancelled",
            JobState::Failed | JobState::Queued | JobState::Running | JobState::Succeeded | JobState::Skipped => "failed",
        };
        (first.view.job_id != job.view.job_id).then(|| format!("because {} {became}", first.name))
    }

    fn why_rejected(&self, job: &JobStory) -> Option<String> {
        let planned = self.run.plan.steps.iter().flat_map(|step| &step.jobs);
        planned.into_iter().find(|planned| planned.job_id == job.view.job_id)?.rejected.clone()
    }
}

/// Whether a job failed in its tests.
fn is_of_tests(view: &JobView) -> bool {
    let reason = view.outcome.and_then(|outcome| outcome.failure_subkind);
    matches!(reason, Some(Reason::TestFailed | Reason::TestCrash | Reason::NoTestsRun))
}

/// A job's summary without what the label and the step's name say already: `1 of 16 tests failed` of `test failed: 1 of 16 tests failed`.
fn in_short(summary: &str, action: Action) -> String {
    summary.strip_prefix(&format!("{action} failed: ")).unwrap_or(summary).to_owned()
}

/// A destination for people, as resolved when it is.
fn place(run: &RunView, view: &JobView) -> String {
    let planned = run.plan.destinations.iter().find(|destination| destination.index == view.destination);
    let resolved = view.resolved.as_ref().or_else(|| planned?.resolved.as_ref());
    match (resolved, planned) {
        (Some(resolved), _) => resolved.describe(),
        (None, Some(planned)) => planned.asked.asked.clone(),
        (None, None) => format!("destination {}", view.destination),
    }
}
