//! What the documents of a run and its sets prove of each other. Nobody signed plan and summary: they can refute, and prove nothing.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use rch_schemas::document::{JobStatus, RunPlan, RunSummary};
use rch_schemas::seal::Attestation;
use rch_schemas::{JobId, Reason, RunId, Sha256};

use super::audit::{Audited, Claim, read};

/// The steps of a run.
pub(super) const PLAN: &str = "run_plan.json";
/// How a run ended.
pub(super) const SUMMARY: &str = "run_summary.json";
/// Why which worker was chosen.
const SELECTION: &str = "selection";
/// The length of the ids that a coordinator makes.
const ID_CHARS: usize = 26;

/// A job as the documents name it.
#[derive(Debug, Default)]
struct Named {
    action: String,
    /// The manifest of its set, as the summary has it.
    manifest: Option<Sha256>,
    /// It never ran, says the summary: its set holds nothing, and may be written after the others were fetched.
    never_ran: bool,
}

/// Whether `directory` holds documents of a run.
pub(super) fn is_run(directory: &Path) -> bool {
    [PLAN, SUMMARY].iter().any(|name| directory.join(name).exists())
}

/// Everything that can be said of the run in `directory`, where these sets were found.
pub(crate) fn audit_run(directory: &Path, sets: &[Audited]) -> Vec<Claim> {
    let sets: Vec<&Audited> = sets.iter().filter(|set| set.directory.starts_with(directory)).collect();
    let (mut claims, mut ids, mut jobs) = (Vec::new(), own_id(directory).into_iter().collect(), BTreeMap::new());
    documents(directory, &mut claims, &mut ids, &mut jobs);
    let first = ids.first().cloned();
    for (whence, id) in &ids {
        if let Some((other, expected)) = first.as_ref().filter(|(_, first)| first != id) {
            claims.push(mismatch(format!("{whence} is the run {id}, {other} the run {expected}")));
        }
    }
    for set in &sets {
        let Some(signed) = &set.signed else { continue };
        if let Some((whence, expected)) = first.as_ref().filter(|(_, id)| *id != signed.run_id) {
            claims.push(mismatch(format!("the set of job {} is of the run {}, {whence} the run {expected}", signed.job_id, signed.run_id)));
        }
        claims.extend(place(&set.directory, signed, &jobs));
    }
    for (job, named) in &jobs {
        if !sets.iter().filter_map(|set| set.signed.as_ref()).any(|signed| signed.job_id == *job) {
            // Fetching one job, or a run that goes on, leaves others out; a run without any proof at all is another matter.
            let is_left_out = !sets.is_empty() && !directory.join(&named.action).join(job.as_str()).exists();
            let text = format!("no signed set of {} {job} is here, and the run has that job; `rch fetch` gets it", named.action);
            claims.push(if named.never_ran || is_left_out { Claim::open(text) } else { Claim::refuted(Reason::SignatureInvalid, text) });
        }
    }
    claims
}

/// The id that the directory is named by, in the form that coordinators give it: any other name is its owner's choice.
fn own_id(directory: &Path) -> Option<(&'static str, RunId)> {
    let name = directory.file_name().and_then(OsStr::to_str)?;
    let is_id = name.len() == ID_CHARS && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    Some(("the directory's name", name.parse().ok().filter(|_| is_id)?))
}

fn documents(directory: &Path, claims: &mut Vec<Claim>, ids: &mut Vec<(&'static str, RunId)>, jobs: &mut BTreeMap<JobId, Named>) {
    let unsigned = |name: &str| Claim::open(format!("what {name} says beyond its sets: nobody signed it"));
    match document::<RunPlan>(directory, PLAN) {
        Some(Ok(plan)) => {
            claims.push(unsigned(PLAN));
            ids.push((PLAN, plan.run_id));
            for step in plan.steps {
                let named = |action| Named { action, ..Named::default() };
                jobs.extend(step.jobs.into_iter().map(|job| (job.job_id, named(step.action.to_string()))));
            }
        }
        Some(Err(claim)) => claims.push(claim),
        None => claims.push(Claim::open(format!("that these are all sets of the run: there is no {PLAN}"))),
    }
    match document::<RunSummary>(directory, SUMMARY) {
        Some(Ok(summary)) => {
            claims.push(unsigned(SUMMARY));
            ids.push((SUMMARY, summary.run_id));
            for job in summary.jobs {
                let never_ran = matches!(job.outcome.status, JobStatus::Skipped | JobStatus::Rejected);
                jobs.insert(job.job_id, Named { action: job.action.to_string(), manifest: job.manifest_sha256, never_ran });
            }
        }
        Some(Err(claim)) => claims.push(claim),
        None => claims.push(Claim::open(format!("how the run ended: there is no {SUMMARY}"))),
    }
    if directory.join(SELECTION).exists() {
        claims.push(Claim::open(format!("what is in {SELECTION}/: it is compared with nothing here")));
    }
}

fn document<T: serde::de::DeserializeOwned>(directory: &Path, name: &str) -> Option<Result<T, Claim>> {
    fs::symlink_metadata(directory.join(name)).ok()?;
    Some(read(directory, name).map(|(_, document)| document))
}

/// Whether a set is where its job belongs, and the one that the summary means.
fn place(directory: &Path, signed: &Attestation, jobs: &BTreeMap<JobId, Named>) -> Option<Claim> {
    if jobs.is_empty() {
        return None;
    }
    let job = &signed.job_id;
    let Some(named) = jobs.get(job) else {
        return Some(mismatch(format!("the run has no job {job}, and a set of it is here")));
    };
    let other = directory.file_name().and_then(OsStr::to_str).filter(|name| *name != job.as_str());
    if let Some(other) = other.filter(|name| jobs.keys().any(|job| job.as_str() == *name)) {
        return Some(mismatch(format!("where the set of job {other} belongs is that of job {job}")));
    }
    let expected = named.manifest.filter(|expected| *expected != signed.manifest_sha256)?;
    let (expected, found) = (expected.short(), signed.manifest_sha256.short());
    Some(mismatch(format!("{SUMMARY} names the manifest {expected} of job {job}, signed is {found}")))
}

fn mismatch(text: String) -> Claim {
    Claim::refuted(Reason::IntegrityMismatch, text)
}
