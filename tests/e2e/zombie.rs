//! An agent that was given up and does not know it: what it uploads and reports after its successor was committed changes nothing.

use std::fs;
use std::path::Path;

use rch_local::{AgentPlan, Farm, FarmPlan};
use rch_schemas::seal::{Attestation, SigningKey};
use rch_schemas::{Attempt, Sha256};
use rch_xcode_sim::Machine;
use serde_json::{Value, json};

use crate::harness::{Api, Nats, Objects, PROGRAM, Project, rch, start, start_farm};

const WORKER: &str = "macmini-01";
const REPORTS: &str = "rch.v1.report.macmini-01";

/// The session an agent is in, by its next heartbeat.
fn session(nats: &Nats) -> String {
    nats.next("rch.v1.heartbeat.macmini-01")["payload"]["session"].as_str().unwrap().to_owned()
}

/// The set of attempt 1, as its agent would have stored it: the successor's files under its own number, its own log, signed with its own key.
fn store_late_set(farm: &Farm, job: &str) -> Attestation {
    let objects = Objects::of(farm);
    let (late, successor) = (format!("attempts/{job}/1/set"), format!("attempts/{job}/2/set"));
    for key in objects.keys(&successor) {
        objects.put(&key.replace(&successor, &late), objects.get(&key));
    }
    let manifest = json!({ "late": true }).to_string();
    objects.put(&format!("{late}/manifest.json"), manifest.clone().into_bytes());

    let seed = fs::read_to_string(farm.directory().join("agents").join(WORKER).join("agent.key")).unwrap();
    let mut attestation: Attestation = serde_json::from_slice(&objects.get(&format!("{successor}/attestation.json"))).unwrap();
    attestation.attempt = Attempt(1);
    attestation.manifest_sha256 = Sha256::of(&manifest);
    let attestation = attestation.signed(&SigningKey::from_seed_hex(&seed).unwrap());
    objects.put(&format!("{late}/attestation.json"), serde_json::to_vec(&attestation).unwrap());
    attestation
}

/// The report that attempt 1 finished.
fn late_report(session: &str, attestation: &Attestation) -> Value {
    let body = json!({
        "kind": "finished", "job_id": attestation.job_id, "attempt": 1, "outcome": { "status": "success", "exit_code": 0 },
        "human_summary": "late", "manifest_sha256": attestation.manifest_sha256, "attestation": attestation,
        "artifact_profile": "minimal", "duration_ms": 1, "log_bytes": 0, "log_sha256": Sha256::of(""), "upload_ms": 1,
    });
    let report = json!({ "session": session, "number": 900, "body": body });
    json!({ "protocol_version": 1, "op": "report", "request_id": format!("late-{session}"), "payload": report })
}

#[test]
fn a_late_report_and_upload_of_a_fenced_attempt_change_nothing() {
    let agent = AgentPlan::simulated(WORKER, Machine::xcode_16_2()).setting("kill_grace_seconds", 1);
    let mut farm = start_farm(FarmPlan::new(Path::new(PROGRAM)).agent(agent));
    let (api, nats) = (Api::of(&farm), Nats::of(&farm));
    let fenced = session(&nats);
    let project = Project::sample().simulate(&[("BUILD_SECONDS", "2")]);
    let mut running = start(&farm, project.path(), &["xcode", "run", "--action", "build"]);
    let run = running.run_id();
    api.wait_for_running(&run);

    farm.agent(WORKER).kill();
    farm.start_agent(WORKER).unwrap();
    let outcome = running.wait().expect(0);
    let committed = outcome.document("build", "summary.json");
    assert_eq!(committed["attempt"], 2);
    let job = committed["job_id"].as_str().unwrap().to_owned();
    let before = (api.get(&format!("/v1/jobs/{job}")).unwrap(), api.bytes(&format!("/v1/jobs/{job}/artifacts/manifest.json")).unwrap());

    let attestation = store_late_set(&farm, &job);
    let current = session(&nats);
    assert_ne!(current, fenced);
    for session in [fenced, current] {
        let answer = nats.request(REPORTS, &late_report(&session, &attestation));
        assert_eq!((&answer["ok"], &answer["error"]["code"]), (&false.into(), &"STALE".into()), "{answer}");
    }

    let after = (api.get(&format!("/v1/jobs/{job}")).unwrap(), api.bytes(&format!("/v1/jobs/{job}/artifacts/manifest.json")).unwrap());
    assert!(before == after, "expected {before:?}, found {after:?}");
    fs::remove_dir_all(outcome.artifacts()).unwrap();
    let fetched = rch(&farm, project.path(), &["fetch", &run]).expect(0);
    assert_eq!(fetched.document("build", "summary.json")["attempt"], 2);
}
