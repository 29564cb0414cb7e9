//! `--dry-run`: who would run it and why, the job keys, what would be uploaded. Executes nothing.

use std::collections::HashSet;

use rch_schemas::document::{Verdict, WorkerSelection};
use rch_schemas::wire::http::SelectionPreview;
use rch_schemas::{Reason, Sha256};
use serde_json::json;

use super::selection;
use crate::error::CommandError;
use crate::farm::FarmClient;
use crate::output::{Ending, Label, Reporter, Why, bytes, count, grouped};
use crate::plan::{Plan, Step};
use crate::source::Source;
use crate::submit::Submission;

/// Asks the farm what would happen, and tells it.
pub(super) async fn run(
    client: &FarmClient,
    reporter: &mut Reporter,
    submission: &Submission,
    (plan, source): (&Plan, &Source),
) -> Result<Ending, CommandError> {
    for path in source.packed().tree().untracked() {
        reporter.fact(&Label::Untracked, path);
    }
    let preview = client.preview(submission.body()).await?;
    for evidence in &preview.selections {
        selection::tell(reporter, evidence);
        reporter.details(excluded(evidence));
    }
    for line in jobs(plan, &preview) {
        reporter.fact(&Label::Job, &line);
    }
    reporter.fact(&Label::Uploading, &format!("nothing now; {}", missing(source, &preview.missing)));
    for problem in &preview.problems {
        reporter.fact(&Label::Error, told(problem));
    }
    let untracked: Vec<&str> = source.packed().tree().untracked().collect();
    let document = json!({
        "preview": preview,
        "steps": plan.steps.iter().map(|step| step_document(plan, step)).collect::<Vec<_>>(),
        "source_sha256": source.packed().sha256(),
        "untracked": untracked,
    });
    let ending = match preview.problems.first() {
        None => Ending::success("nothing stands in the way; nothing was run"),
        Some(problem) => Ending::because(Why::Reason(reason(problem)), told(problem)),
    };
    Ok(ending.with_document(document))
}

fn step_document(plan: &Plan, step: &Step) -> serde_json::Value {
    json!({
        "name": step.name,
        "argv": step.classified.sanitized_argv,
        "destinations": plan.asked(step).collect::<Vec<_>>(),
        "directory": step.directory,
        "allow_empty": step.allow_empty,
    })
}

/// A problem without its code, which stands beside it.
fn told(problem: &str) -> &str {
    problem.strip_prefix(&format!("{}: ", reason(problem))).unwrap_or(problem)
}

/// The code that a problem begins with. Without one it is about workers: everything else is refused before.
fn reason(problem: &str) -> Reason {
    let code = problem.split(':').next().unwrap_or_default();
    Reason::ALL.iter().copied().find(|reason| reason.code() == code).unwrap_or(Reason::NoWorkers)
}

/// Why the others will not do: `macmini-02  excluded  draining since 08:50`.
fn excluded(evidence: &WorkerSelection) -> Vec<String> {
    let Some(judgement) = &evidence.judgement else { return Vec::new() };
    let found = |verdict: &Verdict| format!("{}: required {}, found {}", verdict.code.sentence(), verdict.required, verdict.found);
    let ranked = (1..).zip(judgement.ranked()).filter(|(_, (name, _))| **name != evidence.selected_worker);
    let candidates = ranked.map(|(rank, (name, row)): (u32, _)| {
        let passed = evidence.passed_over.iter().find(|passed| passed.workers.contains(name)).and_then(|passed| passed.verdicts.first());
        match passed {
            Some(verdict) => format!("{name}  passed over  {}; would rank {rank}", found(verdict)),
            None => format!("{name}  rank {rank}, priority {}", row.priority),
        }
    });
    let excluded = judgement.workers.iter().filter(|row| !row.is_candidate()).filter_map(|row| {
        let would = row.counterfactual.as_ref().map(|would| format!("; {would}")).unwrap_or_default();
        let more = if row.others.is_empty() { String::new() } else { format!(" and {} more", grouped(row.others.len() as u64)) };
        Some(format!("{}{more}  excluded  {}{would}", row.worker, found(row.verdicts.first()?)))
    });
    candidates.chain(excluded).collect()
}

/// `test, key 4be0..91c2`.
fn jobs(plan: &Plan, preview: &SelectionPreview) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, step) in plan.steps.iter().enumerate() {
        for (at, destination) in step.destinations.iter().filter_map(|at| Some((*at, plan.destinations.get(*at)?))) {
            let key = preview.job_keys.get(index).and_then(|keys| keys.get(at)).copied().flatten();
            let key = key.map_or_else(|| "no key: no worker would run it".to_owned(), |key| format!("key {}", key.0.short()));
            let place = if plan.destinations.len() > 1 { format!(" on {}", destination.asked) } else { String::new() };
            lines.push(format!("{}{place}, {key}", step.name));
        }
    }
    lines
}

/// `would be 17.9 MiB, 101 of 101 chunks`, before compression.
fn missing(source: &Source, missing: &[Sha256]) -> String {
    let wanted: HashSet<&Sha256> = missing.iter().collect();
    let chunks = source.packed().chunks();
    let size: u64 = chunks.iter().filter(|chunk| wanted.contains(&chunk.sha256)).map(|chunk| u64::from(chunk.size)).sum();
    let of = count(chunks.len() as u64, "chunk");
    format!("would be {}, {} of {of}, before compression", bytes(size), grouped(wanted.len() as u64))
}
