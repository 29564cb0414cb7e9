//! The ledger as it lies in the stream, read and judged from what the design promises (spec 2.1, 2.6) with none of the project's code.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::HEXLOWER;
use rch_local::Farm;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::runtime::Builder;

/// The stream.
const STREAM: &str = "RCH_LEDGER";

/// Every record, in order.
#[derive(Debug)]
pub(crate) struct Ledger {
    records: Vec<Value>,
}

/// What the ledger says of one job.
#[derive(Debug, Default)]
pub(crate) struct JobStory {
    /// Attempts that were started, in order.
    pub(crate) started: Vec<u64>,
    /// Attempts whose set was accepted.
    pub(crate) finished: Vec<u64>,
    /// Everything, a line each, for the words of a test that fails.
    pub(crate) told: Vec<String>,
    live: BTreeSet<u64>,
    ends: u32,
}

/// What the ledger says of one run.
#[derive(Debug)]
pub(crate) struct RunStory {
    /// Its jobs.
    pub(crate) jobs: Vec<String>,
    /// The exit code it ended with.
    pub(crate) exit_code: Option<i64>,
}

/// What the ledger says of everything.
#[derive(Debug, Default)]
pub(crate) struct Story {
    /// Leaders so far.
    pub(crate) terms: u64,
    /// By id.
    pub(crate) runs: BTreeMap<String, RunStory>,
    /// By id.
    pub(crate) jobs: BTreeMap<String, JobStory>,
    requests: BTreeSet<String>,
}

impl Ledger {
    /// Reads it from the farm's NATS server. The chain of digests must hold.
    pub(crate) fn read(farm: &Farm) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let payloads = runtime.block_on(async {
            let jetstream = async_nats::jetstream::new(async_nats::connect(farm.nats_url()).await.unwrap());
            let stream = jetstream.get_stream(STREAM).await.unwrap();
            let mut payloads = Vec::new();
            for seq in 1..=stream.get_info().await.unwrap().state.last_sequence {
                payloads.push(stream.get_raw_message(seq).await.unwrap().payload);
            }
            payloads
        });
        let mut previous = Value::Null;
        let mut records = Vec::new();
        for (payload, seq) in payloads.iter().zip(1..) {
            let record: Value = serde_json::from_slice(payload).unwrap();
            assert_eq!(record["previous_sha256"], previous, "record {seq} does not follow the one before");
            previous = HEXLOWER.encode(&Sha256::digest(payload)).into();
            records.push(record);
        }
        Self { records }
    }

    /// How often something happened, by the event's name.
    pub(crate) fn count(&self, kind: &str) -> usize {
        self.records.iter().flat_map(events_of).filter(|event| event["type"] == kind).count()
    }

    /// Tells what happened, and judges it on the way: one leader a term and none that goes on after its successor began, farm time that never goes
    /// back, attempts of a job one at a time and each started once, one accepted set and one end a job, nothing after the end, one run a request.
    pub(crate) fn story(&self) -> Story {
        let mut story = Story::default();
        let mut tick = 0;
        for (record, seq) in self.records.iter().zip(1..) {
            let begins = events_of(record).any(|event| event["type"] == "LeaderStarted");
            let (of, now) = (record["term"].as_u64().unwrap(), record["now"]["tick"].as_u64().unwrap());
            assert!(begins || of == story.terms, "record {seq} is of term {of}, and term {} has begun", story.terms);
            assert!(now >= tick, "record {seq} is of tick {now}, and one before it of {tick}");
            tick = now;
            for event in events_of(record) {
                if event["type"] == "LeaderStarted" {
                    story.terms += 1;
                    assert_eq!(event["term"], story.terms, "record {seq}");
                }
                story.take(event, seq);
            }
        }
        story
    }
}

fn events_of(record: &Value) -> impl Iterator<Item = &Value> {
    record["commands"].as_array().unwrap().iter().flat_map(|command| command["events"].as_array().unwrap())
}

impl Story {
    fn take(&mut self, event: &Value, seq: u64) {
        let kind = event["type"].as_str().unwrap();
        let id = |name: &str| event[name].as_str().unwrap().to_owned();
        let place = format!("record {seq}: {event}");
        if kind == "RunAccepted" {
            let run = &event["run"];
            assert!(self.requests.insert(run["request_id"].as_str().unwrap().to_owned()), "a second run of one request: {place}");
            let jobs = run["steps"].as_array().unwrap().iter().flat_map(|step| step["jobs"].as_array().unwrap());
            let jobs: Vec<String> = jobs.map(|job| job["job_id"].as_str().unwrap().to_owned()).collect();
            self.jobs.extend(jobs.iter().map(|job| (job.clone(), JobStory::default())));
            self.runs.insert(run["run_id"].as_str().unwrap().to_owned(), RunStory { jobs, exit_code: None });
        } else if kind == "RunEnded" {
            let run = self.runs.get_mut(&id("run_id")).unwrap_or_else(|| panic!("an unknown run ended: {place}"));
            assert_eq!(run.exit_code, None, "the run ended before: {place}");
            assert!(run.jobs.iter().all(|job| self.jobs[job].ends == 1), "the run ended before its jobs: {place}");
            run.exit_code = event["exit_code"].as_i64();
        } else if kind == "AttemptFinished" {
            let finished = &event["finished"];
            let job = self.job(finished["job_id"].as_str().unwrap(), &place);
            let attempt = finished["attempt"].as_u64().unwrap();
            assert!(job.live.remove(&attempt), "it was not running: {place}");
            job.finished.push(attempt);
            assert_eq!(job.finished.len(), 1, "a second set was accepted: {place}");
        } else if let Some(job) = event["job_id"].as_str() {
            self.job(job, &place).take(kind, event["attempt"].as_u64(), &place);
        }
    }

    fn job(&mut self, job: &str, place: &str) -> &mut JobStory {
        let job = self.jobs.get_mut(job).unwrap_or_else(|| panic!("an unknown job: {place}"));
        assert_eq!(job.ends, 0, "the job had ended: {place}");
        job.told.push(place.to_owned());
        job
    }
}

impl JobStory {
    fn take(&mut self, kind: &str, attempt: Option<u64>, place: &str) {
        match (kind, attempt) {
            ("AttemptStarted", Some(attempt)) => {
                assert!(self.live.is_empty(), "another attempt runs: {place}");
                assert!(self.started.last().is_none_or(|last| *last < attempt), "it was started before: {place}");
                self.started.push(attempt);
                self.live.insert(attempt);
            }
            ("AttemptInterrupted" | "AttemptLost", Some(attempt)) => {
                assert!(self.live.remove(&attempt), "it was not running: {place}");
            }
            ("AttemptRefused", Some(attempt)) => {
                self.live.remove(&attempt);
            }
            ("JobEnded", _) => {
                assert!(self.live.is_empty(), "it ended while an attempt ran: {place}");
                self.ends += 1;
            }
            _ => {}
        }
    }
}
