//! Artifacts that are not what was signed: exit 70 for damage, 93 for a signature or key that does not hold.

use serde_json::Value;

use super::table::{entry, golden};
use crate::harness::{Answer, Double, Project, rch, rch_at, shared};

/// What is done to an answer about the run's artifacts.
type Harm = fn(&mut Answer<'_>);

/// What is done to the artifacts of a run, one thing at a time.
const HARMS: [(&str, &str, Harm); 8] = [
    ("a file that was changed", "/artifacts/summary.json", |answer| answer.body[5] ^= 1),
    ("a file that is shorter", "/artifacts/summary.json", |answer| answer.body.truncate(20)),
    ("a manifest that was changed", "/artifacts/manifest.json", |answer| answer.json(|manifest| manifest["entries"][0]["size"] = 7.into())),
    ("a manifest that is no JSON", "/artifacts/manifest.json", |answer| answer.body = b"nothing".to_vec()),
    ("an attestation that was changed", "/artifacts/attestation.json", |answer| answer.json(|seal| seal["protocol_version"] = 7.into())),
    ("an attestation without signature", "/artifacts/attestation.json", |answer| {
        answer.json(|seal| {
            seal.as_object_mut().unwrap().remove("signature");
        });
    }),
    ("an attestation of somebody nobody knows", "/artifacts/attestation.json", |answer| {
        answer.json(|seal| seal["signer"]["name"] = "macmini-77".into());
    }),
    ("a worker's key that is another one", "/v1/farm", |answer| {
        answer.json(|farm| {
            let farm_key = farm["public_key"].clone();
            for key in farm["worker_keys"].as_array_mut().unwrap() {
                key["public_key"] = farm_key.clone();
            }
        });
    }),
];

#[test]
fn artifacts() {
    let (farm, project) = (shared(), Project::verbatim());
    let run = rch(farm, project.path(), &["xcode", "run", "--action", "build"]).expect(0).run_id().to_owned();
    let mut told = Vec::new();
    for (name, path, harm) in HARMS {
        std::fs::remove_dir_all(project.file(".rch/artifacts")).unwrap();
        let double = Double::of(farm, move |answer| {
            if answer.what.starts_with("GET") && answer.what.ends_with(path) {
                harm(answer);
            }
        });
        let outcome = rch_at(farm, double.url(), project.path(), &["fetch", &run]);
        assert!([70, 93].contains(&outcome.code), "{name}: {:#?}", outcome.lines);
        let message = outcome.result()["message"].as_str().unwrap();
        let keys = keys(&farm_document(farm));
        let keys: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "KEY")).collect();
        told.push(entry(name, "rch fetch RUN", &format!("exit {} {}", outcome.code, outcome.reason()), message, &keys));
    }
    golden("artifacts", &told.join("\n"));
}

fn farm_document(farm: &rch_local::Farm) -> Value {
    crate::harness::Api::of(farm).get("/v1/farm").unwrap()
}

/// Beginnings of fingerprints differ from farm to farm.
fn keys(farm: &Value) -> Vec<String> {
    farm["worker_keys"].as_array().unwrap().iter().map(|key| key["public_key"].as_str().unwrap().to_owned()).collect()
}
