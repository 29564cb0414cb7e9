//! Today's client in front of a farm of tomorrow: it goes on where it can, and says what to upgrade where it cannot.

use std::fs;

use rch_local::Farm;
use ring::signature::Ed25519KeyPair;
use serde_json::{Value, json};

use crate::harness::{Answer, Double, Outcome, Project, canonical, rch_at, shared};

const BUILD: [&str; 4] = ["xcode", "run", "--action", "build"];

/// The outcome of a build of `project` at a double of the shared farm.
fn build_at(project: &Project, change: impl Fn(&mut Answer<'_>) + Send + Sync + 'static) -> Outcome {
    let double = Double::of(shared(), change);
    rch_at(shared(), double.url(), project.path(), &BUILD)
}

/// Adds a member nobody knows to every object.
fn with_unknown_members(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(with_unknown_members),
        Value::Object(members) => {
            members.values_mut().for_each(with_unknown_members);
            members.insert("since_version_9".to_owned(), json!({ "nested": [1, null] }));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Replaces the words of all members of this name, wherever they are.
fn reword(value: &mut Value, name: &str, word: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| reword(item, name, word)),
        Value::Object(members) => {
            members.values_mut().for_each(|member| reword(member, name, word));
            if let Some(member) = members.get_mut(name).filter(|member| member.is_string()) {
                *member = word.into();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn a_farm_that_shares_no_protocol_is_refused_naming_both_and_which_side_to_upgrade() {
    let cases = [
        ((2, 3), "the farm speaks protocol 2 to 3, this rch 0.1.0 speaks 1; upgrade rch to version 9.4.0 or newer"),
        ((0, 0), "the farm speaks protocol 0, this rch 0.1.0 speaks 1; upgrade the farm's coordinator, or use an older rch"),
    ];
    for ((min, max), said) in cases {
        let outcome = build_at(&Project::sample(), move |answer| {
            answer.json(|farm| {
                farm["protocol"] = json!({ "min": min, "max": max });
                farm["version"] = "9.4.0".into();
                // The rest may have become anything.
                farm["policy"] = "elsewhere".into();
            });
        })
        .expect(91);
        assert_eq!((outcome.reason(), outcome.result()["message"].as_str()), ("UNSUPPORTED_PROTOCOL", Some(said)));
    }
}

#[test]
fn a_document_of_another_major_version_is_refused_naming_both_and_which_side_to_upgrade() {
    let outcome = build_at(&Project::sample(), |answer| {
        if answer.what == "GET /v1/farm" {
            answer.json(|farm| farm["schema_id"] = "rch-xcode/farm@2".into());
        }
    })
    .expect(91);
    let said = outcome.result()["message"].as_str().unwrap();
    assert!(said.ends_with("answers with a document rch-xcode/farm@2; this rch 0.1.0 reads rch-xcode/farm@1; upgrade rch"), "{said}");
}

#[test]
fn members_features_and_events_that_nobody_knows_yet_change_nothing() {
    let project = Project::sample();
    let outcome = build_at(&project, |answer| {
        // What is signed or hashed is what it is.
        if answer.what.contains("/artifacts/") {
            return;
        }
        if answer.is_event {
            answer.before = "event: weather\ndata: {\"type\":\"weather\",\"change\":{\"type\":\"weather\"}}\n\n";
        }
        answer.json(|value| {
            with_unknown_members(value);
            if !value["protocol"].is_null() {
                value["protocol"] = json!({ "min": 1, "max": 9 });
                value["features"].as_array_mut().unwrap().push("telepathy".into());
                value["durability"] = "quantum".into();
            }
        });
    })
    .expect(0);
    assert_eq!(outcome.document("build", "summary.json")["status"], "success");
}

#[test]
fn a_run_whose_states_and_reasons_nobody_knows_is_followed_to_its_end() {
    let project = Project::sample();
    project.append("Sources/Feed/FeedView.swift", "struct Unbalanced {");
    let outcome = build_at(&project, |answer| {
        if answer.what.contains("/artifacts/") {
            return;
        }
        answer.json(|value| {
            for name in ["state", "failure_kind", "failure_subkind", "reason", "mode", "priority", "liveness", "kind"] {
                reword(value, name, "SINCE_VERSION_9");
            }
        });
    });
    // The farm says how it ended in a number, too.
    let outcome = outcome.expect(50);
    assert_eq!(outcome.document("build", "summary.json")["failure_subkind"], "COMPILE");
    let run = &outcome.result()["document"];
    assert_eq!((&run["state"], &run["exit_code"]), (&"FAILED".into(), &50.into()), "what is passed on is of the known words: {run}");
}

#[test]
fn lists_show_what_a_newer_farm_says_in_words_that_nobody_knows() {
    let double = Double::of(shared(), |answer| {
        answer.json(|value| {
            for name in ["state", "liveness", "action", "priority", "selection", "durability"] {
                reword(value, name, "hibernating");
            }
            reword(value, "intake", "reserved");
        });
    });
    let project = Project::sample();
    for words in [&["workers", "list"][..], &["runs"], &["status"]] {
        rch_at(shared(), double.url(), project.path(), words).expect(0);
    }
    let shown = shared().rch(project.path()).args(["--coordinator", double.url(), "workers", "list"]).output().unwrap();
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("reserved"), "the word itself is shown: {shown}");
}

#[test]
fn a_refusal_for_a_reason_that_nobody_knows_is_told_in_its_words() {
    let outcome = build_at(&Project::sample(), |answer| {
        if answer.what == "POST /v1/runs" {
            answer.status = 422;
            answer.body = json!({
                "type": "urn:rch-xcode:problem:QUOTA_EXCEEDED", "title": "the project has used up its minutes", "status": 422,
                "code": "QUOTA_EXCEEDED", "detail": "SampleApp has used 500 of 500 minutes", "fix": "ask kim for more",
            })
            .to_string()
            .into_bytes();
        }
    })
    .expect(2);
    let said = "SampleApp has used 500 of 500 minutes (QUOTA_EXCEEDED, a code this rch does not know); ask kim for more";
    assert_eq!((outcome.reason(), outcome.result()["message"].as_str()), ("INVALID_REQUEST", Some(said)));
}

/// The attestation with a member that only newer agents write, signed by the agent's key over all of it.
fn signed_anew(farm: &Farm, attestation: &[u8]) -> Vec<u8> {
    let mut attestation: Value = serde_json::from_slice(attestation).unwrap();
    let worker = attestation["signer"]["name"].as_str().unwrap();
    let seed = fs::read_to_string(farm.directory().join("agents").join(worker).join("agent.key")).unwrap();
    let seed = data_encoding::HEXLOWER.decode(seed.trim().as_bytes()).unwrap();
    let members = attestation.as_object_mut().unwrap();
    members.remove("signature");
    members.insert("energy_joules".to_owned(), 4_200.into());
    let message = [b"rch-xcode/attestation@1\n".as_slice(), &canonical(&attestation)].concat();
    let signature = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap().sign(&message);
    attestation["signature"] = data_encoding::HEXLOWER.encode(signature.as_ref()).into();
    serde_json::to_vec(&attestation).unwrap()
}

#[test]
fn an_attestation_with_a_member_of_a_newer_agent_is_verified_with_it() {
    let project = Project::sample();
    let outcome = build_at(&project, |answer| {
        if answer.what.ends_with("/artifacts/attestation.json") {
            answer.body = signed_anew(shared(), &answer.body);
        }
    })
    .expect(0);
    assert_eq!(outcome.document("build", "attestation.json")["energy_joules"], 4_200);
}
