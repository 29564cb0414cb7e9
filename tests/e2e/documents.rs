//! Every document of every run against its committed schema. The harness checks what each test of this suite leaves, prints and is answered; here it
//! is shown that this covers the documents that exist, and what lies in the store beside.

use std::path::Path;

use rch_local::{AgentPlan, FarmPlan};
use rch_xcode_sim::Machine;
use serde_json::Value;

use crate::harness::{Api, Objects, PROGRAM, Project, check_all, check_folder, rch, start_farm};

/// What a farm writes in the minimal profile, and a client says.
const WRITTEN: [&str; 16] = [
    "attestation",
    "capabilities",
    "cli_event",
    "destination",
    "farm",
    "invocation",
    "job",
    "manifest",
    "metrics",
    "recipe",
    "run_plan",
    "run_summary",
    "source_manifest",
    "summary",
    "toolchain",
    "worker_selection",
];
/// What the farm itself needs to find a set: no document of the contract.
const POINTER: &str = "set.json";

#[test]
fn whatever_way_runs_end_their_documents_are_what_the_schemas_say() {
    let agent = AgentPlan::simulated("macmini-01", Machine::xcode_16_2()).setting("kill_grace_seconds", 1);
    let farm = start_farm(FarmPlan::new(Path::new(PROGRAM)).agent(agent));
    let api = Api::of(&farm);
    let (good, broken, slow) = (Project::sample(), Project::sample(), Project::sample().simulate(&[("HANG", "build")]));
    broken.append("Sources/Feed/FeedView.swift", "struct Unbalanced {");
    let slow = slow.configure("[timeouts]\noverall_seconds = 1");

    let mut ids = check_all(&api.get("/v1/farm").unwrap(), "the farm");
    let ends: [(&Project, &[&str], i32); 5] = [
        (&good, &["xcode", "verify"], 0),
        (&broken, &["xcode", "verify"], 50),
        (&slow, &["xcode", "verify"], 40),
        (&good, &["xcode", "verify", "--xcode", "15.0"], 91),
        (&good, &["xcode", "verify", "--dry-run"], 0),
    ];
    for (project, words, code) in ends {
        let outcome = rch(&farm, project.path(), words).expect(code);
        ids.extend(outcome.lines.iter().flat_map(|line| check_all(line, "a line")));
        let Some(run) = outcome.result()["run_id"].as_str() else { continue };
        ids.extend(check_folder(&outcome.artifacts()));
        ids.extend(answers(&api, run));
    }
    ids.extend(stored(&Objects::of(&farm)));

    let expected: Vec<String> = WRITTEN.iter().map(|name| format!("rch-xcode/{name}@1")).collect();
    let missing: Vec<&String> = expected.iter().filter(|id| !ids.contains(*id)).collect();
    assert!(missing.is_empty(), "no run left {missing:?}; there were {ids:?}");
}

/// What the coordinator answers about a run; [`Api::get`] checks each answer.
fn answers(api: &Api, run: &str) -> Vec<String> {
    let view = api.get(&format!("/v1/runs/{run}")).unwrap();
    let mut found = vec![view.clone()];
    found.extend(api.get(&format!("/v1/runs/{run}/evidence")));
    for job in view["jobs"].as_array().unwrap() {
        let id = job["job_id"].as_str().unwrap();
        found.push(api.get(&format!("/v1/jobs/{id}")).unwrap());
        found.extend(api.get(&format!("/v1/jobs/{id}/artifacts")));
        found.extend(api.get(&format!("/v1/jobs/{id}/recipe/result.xcresult")));
    }
    found.iter().flat_map(|value| check_all(value, run)).collect()
}

/// What lies in the store: objects have no names that tell, so each that is JSON is looked at.
fn stored(objects: &Objects) -> Vec<String> {
    let mut ids = Vec::new();
    for key in objects.keys("").into_iter().filter(|key| !key.ends_with(POINTER)) {
        let Ok(document) = serde_json::from_slice::<Value>(&objects.get(&key)) else { continue };
        let found = check_all(&document, &key);
        let is_ours = Path::new(&key).extension().is_some_and(|end| end == "json");
        assert!(!is_ours || !found.is_empty(), "{key} is no document: {document}");
        ids.extend(found);
    }
    ids
}
