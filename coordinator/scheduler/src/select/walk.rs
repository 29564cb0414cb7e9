//! What of a run itself excludes workers that its class does not: the key it is bound to, products, refusals, the size of its source.

use std::time::Duration;

use rch_schemas::document::{JobStatus, Resolution, Verdict};
use rch_schemas::{Action, Reason, WorkerName};

use super::judge::verdict;
use super::moment::Fleet;
use crate::job::Job;
use crate::run::Run;

/// What binds a destination of a run.
pub(super) struct Bonds<'a> {
    fleet: &'a Fleet<'a>,
    source_bytes: u64,
    /// What a job of it ran with: from then on only workers that give the same job key will do.
    key: Option<Resolution>,
    /// The worker whose products its tests need.
    builder: Option<&'a WorkerName>,
    /// Jobs that have not ended.
    jobs: Vec<&'a Job>,
}

impl<'a> Bonds<'a> {
    pub(super) fn of(fleet: &'a Fleet<'a>, run: &'a Run, destination: u32) -> Self {
        let jobs: Vec<_> = fleet.state.jobs_of(run).filter(|job| job.destination == destination).collect();
        let row = &run.destinations[destination as usize];
        let made = row.selection.as_ref().filter(|_| row.started);
        Self {
            fleet,
            source_bytes: run.recipe.bytes,
            key: made.and_then(|made| fleet.state.resolution(made)).cloned(),
            builder: builder(run, &jobs),
            jobs: jobs.into_iter().filter(|job| job.outcome().is_none()).collect(),
        }
    }

    /// What will never be otherwise for this run.
    pub(super) fn lasting(&self, worker: &WorkerName, resolution: &Resolution) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        let facts = self.fleet.state.workers.get(worker).and_then(|row| row.facts.as_ref());
        let most = facts.map_or(0, |(_, facts)| facts.limits.max_upload_bytes);
        if most != 0 && self.source_bytes > most {
            let required = format!("{} bytes of source", self.source_bytes);
            verdicts.push(verdict(Reason::LimitExceeded, &required, &format!("at most {most}")));
        }
        if let Some(key) = self.key.as_ref().filter(|key| !key.has_key_of(resolution)) {
            verdicts.push(verdict(Reason::OtherKey, &describe(key), &describe(resolution)));
        }
        if let Some(builder) = self.builder.filter(|builder| *builder != worker) {
            verdicts.push(verdict(Reason::ProductsElsewhere, builder.as_str(), "another worker"));
        }
        verdicts
    }

    /// How long a worker that refused a job of this destination wants to be left alone with it.
    pub(super) fn rests_until(&self, worker: &WorkerName) -> Option<Duration> {
        let now = self.fleet.stamp.tick;
        let until = self.jobs.iter().filter_map(|job| job.not_before.get(worker)).filter(|until| **until > now).max()?;
        Some(until.since(now))
    }

    /// A worker that has just refused a job of this destination is not asked again while another would do.
    pub(super) fn refusal(&self, worker: &WorkerName) -> Option<Verdict> {
        let (code, detail) = self.jobs.iter().find_map(|job| job.refused_by(worker, self.fleet.stamp.tick))?;
        Some(verdict(code, "a worker that takes the job", detail))
    }
}

/// What was built for testing lies on the worker that built it, apart for each directory: where such tests are still to run, no other will do.
fn builder<'a>(run: &Run, jobs: &[&'a Job]) -> Option<&'a WorkerName> {
    let directory = |job: &Job| run.steps.get(job.step as usize).and_then(|step| step.directory.as_ref());
    let builder_for = |tests: &Job| {
        let builds = jobs.iter().filter(|job| job.action == Action::BuildForTesting && job.step < tests.step);
        let mut same = builds.rev().filter(|job| directory(job) == directory(tests));
        let built = same.find(|job| job.outcome().is_some_and(|outcome| outcome.status == JobStatus::Success))?;
        built.current().map(|attempt| &attempt.worker)
    };
    let mut tests = jobs.iter().filter(|job| job.action == Action::TestWithoutBuilding && job.outcome().is_none());
    tests.find_map(|tests| builder_for(tests))
}

fn describe(resolution: &Resolution) -> String {
    let tools = &resolution.toolchain;
    format!("Xcode {}, macOS {}, {}", tools.xcode_build, tools.macos_build, resolution.resolved.describe())
}
