//! What is said when a run has ended: failures first, then proof, place and exit code.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rch_schemas::document::Summary;
use rch_schemas::wire::http::{JobState, JobView, RunView};
use rch_schemas::{JobId, Reason};

use crate::download::{Collected, DownloadError, Place};
use crate::follow::Story;
use crate::output::xcodebuild::{is_error_of_all, plain_block};
use crate::output::{Ending, Label, Reporter, Style, Why, bytes, duration};

/// The largest source file a line is shown from.
const SOURCE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// What the times of a run are made of.
pub(super) struct Times {
    /// What was asked for: `verify`.
    pub(super) title: String,
    /// Everything, bundling included.
    pub(super) total: Duration,
    /// Sending chunks.
    pub(super) upload: Duration,
    /// From the beginning to the first job's start, when that was seen.
    pub(super) wait: Option<Duration>,
}

/// What is said of artifacts that are here.
pub(super) struct Here<'a> {
    /// Where they are, as a person would type it.
    pub(super) directory: String,
    /// How the run ended, when this is its end.
    pub(super) exit_code: u8,
    /// Where the first error stands.
    pub(super) first_error: Option<String>,
    /// What the run is called in `rch fetch`.
    pub(super) id: &'a str,
}

/// `Succeeded  verify in 1m 37s: upload 1.4 s, wait 0.3 s, build 48.2 s, test 46.9 s`. A run that failed has said so job by job.
pub(super) fn tell_run(reporter: &mut Reporter, run: &RunView, times: &Times) {
    if run.exit_code != Some(0) {
        return;
    }
    let mut parts = Vec::new();
    if !times.upload.is_zero() {
        parts.push(format!("upload {}", duration(times.upload)));
    }
    parts.extend(times.wait.map(|waited| format!("wait {}", duration(waited))));
    for step in &run.plan.steps {
        // Jobs of a step run side by side: the longest is the step's time.
        let longest = run.jobs.iter().filter(|job| job.step == step.index).map(|job| job.duration_ms).max().unwrap_or(0);
        parts.push(format!("{} {}", step.name, duration(Duration::from_millis(longest))));
    }
    reporter.gap();
    reporter.fact(&Label::Succeeded, &format!("{} in {}: {}", times.title, duration(times.total), parts.join(", ")));
}

/// Failing tests first, then errors: those that were not shown while the jobs ran.
pub(super) fn tell_failures(reporter: &mut Reporter, story: &Story, collected: &Collected, root: Option<&Path>) {
    for job in story.run().jobs.iter().filter(|job| job.state == JobState::Failed) {
        let Some(summary) = collected.summary(&job.job_id) else { continue };
        let blocks = blocks(summary, |path, line| story.has_shown(&job.job_id, path, line), root);
        if blocks.is_empty() {
            continue;
        }
        reporter.gap();
        for block in &blocks {
            reporter.block(&Label::Error, block);
        }
        reporter.gap();
    }
}

fn blocks(summary: &Summary, has_shown: impl Fn(&str, Option<u32>) -> bool, root: Option<&Path>) -> Vec<Vec<String>> {
    let tests = summary.failing_tests.iter().filter_map(|test| {
        let message = format!("{}: {}", test.id, test.message);
        match &test.path {
            Some(path) if has_shown(path, test.line) => None,
            Some(path) => Some(plain_block(path, (test.line, None), &message, source_line(root, path, test.line).as_deref())),
            None => Some(vec![format!("error: {message}")]),
        }
    });
    let errors = summary.first_errors.iter().filter(|error| !has_shown(&error.path, Some(error.line))).map(|error| {
        let source = source_line(root, &error.path, Some(error.line));
        plain_block(&error.path, (Some(error.line), error.column), &error.message, source.as_deref())
    });
    tests.chain(errors).collect()
}

/// A line of a file of the tree. The path comes from a log: it is looked at only when it stays in the tree.
fn source_line(root: Option<&Path>, path: &str, line: Option<u32>) -> Option<String> {
    rch_bundle::name::check(path).ok()?;
    let file = root?.join(path);
    let real = file.canonicalize().ok()?;
    let metadata = real.metadata().ok()?;
    if !real.starts_with(root?.canonicalize().ok()?) || !metadata.is_file() || metadata.len() > SOURCE_BYTES_MAX {
        return None;
    }
    let index = usize::try_from(line?).ok()?.checked_sub(1)?;
    fs::read_to_string(real).ok()?.lines().nth(index).map(str::to_owned)
}

/// `Verified …` and `Artifacts …`. Of a run that failed, its first error says more than its proof; that its set was forged or damaged would
/// be its end.
pub(super) fn tell_artifacts(reporter: &mut Reporter, collected: &Collected, here: &Here<'_>) {
    if let Some(text) = collected.verified().filter(|_| here.exit_code == 0 || reporter.style() == Style::Json) {
        reporter.fact(&Label::Verified, &text);
    }
    let more = match (&here.first_error, collected.bytes()) {
        (Some(place), _) => format!(" (first error: {place})"),
        (None, 0) => String::new(),
        (None, size) => format!(", {}", bytes(size)),
    };
    reporter.fact(&Label::Artifacts, &format!("{}{more}", here.directory));
    for (path, sizes) in collected.stays() {
        let size = bytes(sizes.iter().sum());
        let what =
            if sizes.len() == 1 { format!("{path}, {size}, stays") } else { format!("{path} of {} jobs, {size}, stay", sizes.len()) };
        reporter.detail(&format!("{what} on the farm: rch fetch {}", here.id));
    }
}

/// `build.log:1843`: where the first failed job's first error stands in its log on this disk.
pub(super) fn first_error(run: &RunView, collected: &Collected, place: &Place) -> Option<String> {
    let job = run.jobs.iter().find(|job| job.state == JobState::Failed)?;
    let summary = collected.summary(&job.job_id)?;
    let log = fs::read(place.job(job).join("build.log")).ok()?;
    let log = String::from_utf8_lossy(&log);
    let index = match summary.first_errors.first() {
        Some(error) => {
            let wanted = format!("{}:{}:", error.path, error.line);
            log.lines().position(|line| line.contains(&wanted) && line.contains("error: "))?
        }
        // Of a test that failed, what the log holds besides is no reason.
        None if !summary.failing_tests.is_empty() => return None,
        // An error without a place stands in the log alone.
        None => log.lines().position(is_error_of_all)?,
    };
    Some(format!("build.log:{}", index + 1))
}

/// Says every failure of a download but the worst, which is the command's end.
pub(super) fn worst(collected: &mut Collected, reporter: &mut Reporter) -> Option<DownloadError> {
    let mut failures = std::mem::take(&mut collected.failures);
    // A forged signature weighs more than a damaged file, and that more than a file that could not be had.
    failures.sort_by_key(|failure| std::cmp::Reverse(failure.why().exit_code()));
    let mut failures = failures.into_iter();
    let worst = failures.next();
    let others: Vec<String> = failures.map(|failure| failure.to_string()).collect();
    reporter.facts(&Label::Error, &others);
    worst
}

/// How a command ends that waited for this run, or for one job of it.
pub(super) fn ending(run: &RunView, only: Option<&JobId>) -> Ending {
    let of_interest: Vec<&JobView> = run.jobs.iter().filter(|job| only.is_none_or(|only| *only == job.job_id)).collect();
    let telling = [JobState::Rejected, JobState::Cancelled, JobState::Failed];
    let decisive = telling.iter().find_map(|state| of_interest.iter().find(|job| job.state == *state));
    let outcome = decisive.and_then(|job| job.outcome);
    let reason = outcome.and_then(|outcome| outcome.failure_subkind);
    let by_job = outcome.map_or(0, |outcome| outcome.exit_code);
    let exit_code = if only.is_some() { by_job } else { run.exit_code.unwrap_or(by_job) };
    let message = decisive.and_then(|job| job.human_summary.clone()).or_else(|| reason.map(|reason| reason.sentence().to_owned()));
    let document = serde_json::to_value(run).expect("a run serializes");
    Ending {
        exit_code,
        why: (exit_code != 0).then(|| Why::Reason(reason.unwrap_or(Reason::Internal))),
        message: message.unwrap_or_else(|| if exit_code == 0 { "succeeded" } else { "did not succeed" }.to_owned()),
        run_id: Some(run.plan.run_id.clone()),
        document: Some(document),
    }
}
