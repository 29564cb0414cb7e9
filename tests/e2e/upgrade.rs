//! A fleet that is upgraded piece by piece: old and new agents and coordinators side by side, and every run on one that speaks its version.

use std::fs;
use std::path::Path;

use rch_local::{AgentPlan, Farm, FarmPlan};
use rch_schemas::protocol::{Dialect, Feature, ProtocolRange};
use rch_xcode_sim::Machine;
use serde_json::{Value, json};

use crate::harness::{Api, Double, Nats, PROGRAM, Project, rch, rch_at, start, start_farm, wait_until};

const FIRST: &str = "macmini-01";
const SECOND: &str = "macmini-02";
const BUILD: [&str; 4] = ["xcode", "run", "--action", "build"];
/// What today's agents can do.
const FEATURES: [&str; 5] =
    [Feature::TAIL, Feature::ATTESTATION_SIGNING, Feature::EPHEMERAL_SIMULATORS, Feature::STEP_DIRECTORY, Feature::ALLOW_EMPTY];

/// A farm of two Macs that differ in nothing but their name.
fn farm() -> Farm {
    let agents = [FIRST, SECOND].map(|name| AgentPlan::simulated(name, Machine::xcode_16_2()).setting("kill_grace_seconds", 1));
    start_farm(agents.into_iter().fold(FarmPlan::new(Path::new(PROGRAM)), FarmPlan::agent))
}

fn speaking(min: u32, max: u32, features: &[&str]) -> Vec<u8> {
    let features = features.iter().map(|name| Feature::named(name)).collect();
    serde_json::to_vec(&Dialect { protocol: ProtocolRange { min, max }, features }).unwrap()
}

/// Replaces the coordinator by one that speaks these versions.
fn upgrade_farm(farm: &mut Farm, min: u32, max: u32) {
    fs::write(farm.directory().join("coordinator.dialect.json"), speaking(min, max, &[])).unwrap();
    farm.coordinator().stop();
    farm.start_coordinator().unwrap();
    for name in [FIRST, SECOND] {
        wait_for(farm, name, |worker| worker["liveness"] == "online");
    }
}

/// Replaces an agent by one that speaks these versions and has these features.
fn upgrade_agent(farm: &mut Farm, name: &str, (min, max): (u32, u32), features: &[&str]) {
    let path = farm.directory().join("agents").join(name).join("agent.dialect.json");
    fs::write(path, speaking(min, max, features)).unwrap();
    farm.agent(name).stop();
    farm.start_agent(name).unwrap();
    // The one before may still count as online.
    wait_for(farm, name, |worker| worker["protocol"] == json!({ "min": min, "max": max }));
}

fn wait_for(farm: &Farm, name: &str, wanted: impl Fn(&Value) -> bool) {
    let api = Api::of(farm);
    wait_until("a worker as wanted", || {
        let workers = api.get("/v1/workers").unwrap_or_default();
        workers.as_array().is_some_and(|workers| workers.iter().any(|worker| worker["worker"] == name && wanted(worker)))
    });
}

/// A client of another time: what today's `rch` sends, with other versions.
struct Client {
    body: Value,
    asked: u32,
}

impl Client {
    fn new(farm: &Farm) -> Self {
        let (double, project) = (Double::of(farm, |_| ()), Project::sample());
        rch_at(farm, double.url(), project.path(), &BUILD).expect(0);
        Self { body: serde_json::from_slice(&double.asked("POST /v1/runs")[0]).unwrap(), asked: 0 }
    }

    /// Submits a build, on a named worker or any, and waits for its end: the run, and its evidence when there is one.
    fn build(&mut self, farm: &Farm, (min, max): (u32, u32), worker: Option<&str>) -> (Value, Value) {
        self.asked += 1;
        self.body["request_id"] = format!("e2e-upgrade-{}", self.asked).into();
        self.body["protocol"] = json!({ "min": min, "max": max });
        match worker {
            Some(worker) => self.body["options"]["worker"] = worker.into(),
            None => drop(self.body["options"].as_object_mut().unwrap().remove("worker")),
        }
        let api = Api::of(farm);
        let accepted = api.post("/v1/runs", &self.body);
        assert_eq!(accepted.status, 202, "{accepted:?}");
        let run_id = accepted.body["run_id"].as_str().unwrap();
        let run = api.wait_for_run(run_id, |run| !run["exit_code"].is_null());
        let evidence = api.get(&format!("/v1/runs/{run_id}/evidence")).unwrap_or_default();
        (run, evidence[0].clone())
    }
}

/// The version a run was fixed to and who ran it, as each document of it says.
fn ran(farm: &Farm, (run, evidence): &(Value, Value)) -> (u64, String) {
    assert_eq!(run["exit_code"], 0, "{run}");
    let job = run["jobs"][0]["job_id"].as_str().unwrap();
    let api = Api::of(farm);
    let read = |path: &str| api.get(&format!("/v1/jobs/{job}/artifacts/{path}")).unwrap();
    let version = run["plan"]["protocol_version"].as_u64().unwrap();
    for document in [read("job.json"), read("attestation.json"), evidence.clone()] {
        assert_eq!(document["protocol_version"], version, "{document}");
    }
    (version, read("summary.json")["worker"].as_str().unwrap().to_owned())
}

fn considered<'a>(evidence: &'a Value, name: &str) -> &'a Value {
    let rows = evidence["judgement"]["workers"].as_array().unwrap();
    let is_of = |row: &&Value| row["worker"] == name || row["others"].as_array().is_some_and(|others| others.contains(&name.into()));
    rows.iter().find(is_of).unwrap()
}

#[test]
fn a_fleet_is_upgraded_mac_by_mac_and_every_run_lands_on_one_that_speaks_its_version() {
    let mut farm = farm();
    let mut client = Client::new(&farm);
    // An old farm, with a new agent that still speaks its version, and one that does not.
    upgrade_agent(&mut farm, FIRST, (1, 2), &FEATURES);
    assert_eq!(ran(&farm, &client.build(&farm, (1, 2), None)), (1, FIRST.to_owned()));
    upgrade_agent(&mut farm, FIRST, (2, 3), &FEATURES);
    let elsewhere = client.build(&farm, (1, 3), None);
    assert_eq!(ran(&farm, &elsewhere), (1, SECOND.to_owned()));
    let left_out = considered(&elsewhere.1, FIRST);
    assert_eq!((&left_out["protocol"], &left_out["verdicts"][0]["code"]), (&json!({ "min": 2, "max": 3 }), &"PROTOCOL_DRIFT".into()));
    assert_eq!(left_out["verdicts"][0]["required"], "protocol 1");
    // Asked for by name it is an error at once, not a wait.
    let (run, _) = client.build(&farm, (1, 3), Some(FIRST));
    assert_eq!((&run["exit_code"], &run["jobs"][0]["outcome"]["failure_subkind"]), (&91.into(), &"PROTOCOL_DRIFT".into()), "{run}");

    // A new farm, an agent of each time: each is used in its own version, and who does not care gets the newest.
    upgrade_farm(&mut farm, 1, 2);
    assert_eq!(ran(&farm, &client.build(&farm, (1, 3), None)), (2, FIRST.to_owned()));
    assert_eq!(ran(&farm, &client.build(&farm, (1, 3), Some(SECOND))), (1, SECOND.to_owned()));
    assert_eq!(ran(&farm, &client.build(&farm, (1, 1), None)), (1, SECOND.to_owned()), "an old client");
    let project = Project::sample();
    rch(&farm, project.path(), &BUILD).expect(0);

    // The last agent follows, and then the farm leaves the old version behind: so does a client that has only that.
    upgrade_agent(&mut farm, SECOND, (1, 3), &FEATURES);
    assert_eq!(ran(&farm, &client.build(&farm, (1, 3), Some(SECOND))), (2, SECOND.to_owned()));
    upgrade_farm(&mut farm, 2, 3);
    assert_eq!(ran(&farm, &client.build(&farm, (1, 3), None)), (3, FIRST.to_owned()));
    assert_eq!(rch(&farm, project.path(), &BUILD).expect(91).reason(), "UNSUPPORTED_PROTOCOL");
}

#[test]
fn a_job_that_waits_for_a_mac_leaves_it_when_its_agent_comes_back_in_another_version() {
    let mut farm = farm();
    let project = Project::sample().simulate(&[("BUILD_SECONDS", "600")]);
    let mut running = start(&farm, project.path(), &[&BUILD[..], &["--worker", FIRST]].concat());
    let blocker = running.run_id();
    let api = Api::of(&farm);
    api.wait_for_running(&blocker);
    let other = Project::sample();
    let mut waiting = start(&farm, other.path(), &BUILD);
    let run_id = waiting.run_id();
    let planned = api.wait_for_run(&run_id, |run| run["plan"]["revision"] == 1);
    assert_eq!(planned["plan"]["destinations"][0]["worker"], FIRST);
    upgrade_agent(&mut farm, FIRST, (2, 2), &FEATURES);
    let outcome = waiting.wait().expect(0);
    assert_eq!(outcome.document("build", "summary.json")["worker"], SECOND);
    let run = api.get(&format!("/v1/runs/{run_id}")).unwrap();
    assert_eq!((&run["plan"]["revision"], &run["plan"]["protocol_version"]), (&2.into(), &1.into()), "{run}");
}

#[test]
fn an_agent_of_another_version_is_answered_in_words_and_answers_in_words() {
    let mut farm = farm();
    upgrade_agent(&mut farm, FIRST, (4, 5), &FEATURES);
    let nats = Nats::of(&farm);
    let ask = |op: &str, version: u32| {
        let subject = format!("rch.v1.control.{FIRST}");
        nats.request(&subject, &json!({ "protocol_version": version, "op": op, "request_id": "request-0001", "payload": { "kind": op } }))
    };
    let refused = ask("status", 1);
    assert_eq!((&refused["ok"], &refused["error"]["code"]), (&false.into(), &"UNSUPPORTED_PROTOCOL".into()), "{refused}");
    assert_eq!(refused["error"]["message"], "protocol_version 1 is not spoken here, 4 to 5 is");
    assert_eq!((&ask("status", 4)["ok"], &ask("probe", 0)["ok"], &ask("status", 0)["ok"]), (&true.into(), &true.into(), &false.into()));
    let report = json!({ "protocol_version": 4, "op": "report", "request_id": "request-0002", "payload": { "of": "another time" } });
    let refused = nats.request(&format!("rch.v1.report.{FIRST}"), &report);
    assert_eq!(refused["error"]["message"], "protocol_version 4 is not spoken here, 1 is", "{refused}");
}

#[test]
fn an_agent_without_optional_features_does_the_job_and_the_run_says_what_is_less() {
    let mut farm = farm();
    upgrade_agent(&mut farm, FIRST, (1, 2), &[Feature::ATTESTATION_SIGNING]);
    let project = Project::sample();
    let outcome = rch(&farm, project.path(), &BUILD).expect(0);
    assert_eq!(outcome.document("build", "summary.json")["worker"], FIRST);
    let mut client = Client::new(&farm);
    let (_, evidence) = client.build(&farm, (1, 1), None);
    let notices = evidence["notices"].to_string();
    assert!(notices.contains("its agent has no feature tail: "), "{notices}");
    // What is required is looked for elsewhere.
    client.body["destinations"][0]["provisioning"] = "ephemeral".into();
    let (run, evidence) = client.build(&farm, (1, 1), None);
    assert_eq!(run["exit_code"], 0, "{run}");
    assert_eq!(
        (&evidence["selected_worker"], &considered(&evidence, FIRST)["verdicts"][0]["code"]),
        (&SECOND.into(), &"FEATURE_MISSING".into())
    );
    let (run, _) = client.build(&farm, (1, 1), Some(FIRST));
    assert_eq!((&run["exit_code"], &run["jobs"][0]["outcome"]["failure_subkind"]), (&91.into(), &"FEATURE_MISSING".into()), "{run}");
}
