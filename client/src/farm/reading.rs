//! Answers of the farm as types. A farm may be newer than this program: members nobody here knows are passed over, and a word nobody here knows (a
//! state, a reason, a mode) is read as the nearest one that can be acted on, so that a run is followed to its end all the same.
//!
//! The types stay exact, and so do the schemas: what this program writes is one of the known words. Only the way in is wide, and only for what could
//! not be read at once. It is deliberately not wide where that would weaken a check: manifests, attestations and keys are read elsewhere.

use rch_schemas::document::{ArtifactProfile, CapabilitiesSource, Document as _, JobStatus, Priority, SelectionMode, Summary};
use rch_schemas::job_key::Provisioning;
use rch_schemas::registry;
use rch_schemas::requirement::DestinationMode;
use rch_schemas::wire::http::{Intake, JobState, Liveness, WaitingReason};
use rch_schemas::{Action, FailureKind, Reason};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Members of resolved destinations, and of toolchains. Both are hashed into job keys, so their types refuse what they do not know; who only shows
/// them need not.
const DESTINATION_MEMBERS: [&str; 11] = [
    "kind",
    "platform",
    "arch",
    "os_version",
    "provisioning",
    "name",
    "device_type_identifier",
    "sim_runtime_identifier",
    "sim_runtime_build",
    "paired_with",
    "variant",
];
const TOOLCHAIN_MEMBERS: [&str; 6] = ["xcode_build", "developer_dir", "macos_version", "macos_build", "arch", "tools"];
/// What kinds of destination there are.
const DESTINATION_KINDS: [&str; 3] = ["simulator", "mac", "generic"];

/// Why an answer cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// Not what was expected, whatever the version.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A document of a major version that this program does not read.
    #[error("{found}, where {expected} was expected")]
    OtherMajor {
        /// The document's `schema_id`.
        found: String,
        /// The one this program reads.
        expected: String,
    },
}

/// Reads what a farm says.
///
/// # Errors
/// [`ReadError`]: what is exact is still wrong, or the document has another major version.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ReadError> {
    let exact = match serde_json::from_slice(bytes) {
        Ok(read) => return Ok(read),
        Err(error) => error,
    };
    let Ok(mut value) = serde_json::from_slice::<Value>(bytes) else { return Err(exact.into()) };
    if let Some((found, expected)) = other_major(&value) {
        return Err(ReadError::OtherMajor { found, expected });
    }
    soften("", &mut value);
    // What is still wrong now is wrong in every version, and the one thing worth telling.
    Ok(serde_json::from_value(value)?)
}

/// The first document in `value` of a major version that is not ours, and ours.
fn other_major(value: &Value) -> Option<(String, String)> {
    let inner = match value {
        Value::Array(items) => items.iter().find_map(other_major),
        Value::Object(members) => members.values().find_map(other_major),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    };
    let (found, (name, _)) = value["schema_id"].as_str().and_then(|id| Some((id, id.rsplit_once('@')?)))?;
    let same_name = |entry: &registry::Entry| entry.id().rsplit_once('@').is_some_and(|(ours, _)| ours == name);
    let ours = registry::documents().iter().find(|entry| same_name(entry)).map(registry::Entry::id);
    ours.filter(|ours| ours != found).map(|ours| (found.to_owned(), ours)).or(inner)
}

/// Makes everything in `value`, which is the member `name` of something, readable.
fn soften(name: &str, value: &mut Value) {
    match value {
        Value::Array(items) => {
            if name == "verdicts" {
                items.retain(|verdict| is_known::<Reason>(&verdict["code"]));
            }
            for item in items {
                soften(name, item);
            }
        }
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                soften(name, member);
            }
            soften_object(name, members);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn soften_object(name: &str, members: &mut Map<String, Value>) {
    match name {
        "resolved" => soften_destination(members),
        "toolchain" => members.retain(|name, _| TOOLCHAIN_MEMBERS.contains(&name.as_str())),
        _ => {}
    }
    // What may be absent is left out rather than guessed.
    drop_unknown::<FailureKind>(members, "failure_kind");
    drop_unknown::<Reason>(members, "failure_subkind");
    drop_unknown::<CapabilitiesSource>(members, "capabilities_source");
    drop_unknown::<ArtifactProfile>(members, "artifact_profile");
    otherwise::<Action>(members, "action", |_| "build");
    otherwise::<Priority>(members, "priority", |_| "normal");
    otherwise::<Provisioning>(members, "provisioning", |_| "existing");
    otherwise::<Liveness>(members, "liveness", |_| "unknown");
    otherwise::<SelectionMode>(members, "selection", |_| "adaptive");
    if members.get("asked").is_some_and(Value::is_string) {
        otherwise::<DestinationMode>(members, "mode", |_| "constraints");
    } else {
        otherwise::<SelectionMode>(members, "mode", |_| "adaptive");
    }
    if name == "waiting" {
        // The sentence beside it says for what; this one is worth telling.
        otherwise::<WaitingReason>(members, "reason", |_| "worker");
    }
    if name == "outcome" || members.get("schema_id").is_some_and(|id| *id == Summary::document_id()) {
        otherwise::<JobStatus>(members, "status", |members| {
            if members.get("exit_code").is_some_and(|code| code == 0) { "success" } else { "failed" }
        });
    }
    soften_intake(members);
    soften_problem(members);
    otherwise::<JobState>(members, "state", state);
}

/// A destination of an unknown kind is still a platform and a version.
fn soften_destination(members: &mut Map<String, Value>) {
    members.retain(|name, _| DESTINATION_MEMBERS.contains(&name.as_str()));
    let is_known = members.get("kind").and_then(Value::as_str).is_some_and(|kind| DESTINATION_KINDS.contains(&kind));
    if !is_known {
        members.insert("kind".to_owned(), "generic".into());
        members.retain(|name, _| ["kind", "platform", "os_version", "provisioning"].contains(&name.as_str()));
    }
}

/// A worker that takes jobs in a way nobody here knows is not open; the word itself is kept for people.
fn soften_intake(members: &mut Map<String, Value>) {
    let Some(word) = members.get("intake").filter(|word| !is_known::<Intake>(word)).and_then(Value::as_str).map(str::to_owned) else {
        return;
    };
    let reason = members.get("intake_reason").and_then(Value::as_str).map_or_else(|| word.clone(), |reason| format!("{word}: {reason}"));
    members.insert("intake_reason".to_owned(), reason.into());
    members.insert("intake".to_owned(), "draining".into());
}

/// A problem of an unknown code is what its HTTP status says; the code itself is kept for people.
fn soften_problem(members: &mut Map<String, Value>) {
    let Some(status) = members.get("status").and_then(Value::as_u64).filter(|_| members.contains_key("title")) else { return };
    let Some(code) = members.get("code").filter(|code| !is_known::<Reason>(code)).and_then(Value::as_str).map(str::to_owned) else {
        return;
    };
    let known = match status {
        401 | 403 => Reason::Unauthorized,
        404 => Reason::NotFound,
        409 => Reason::Conflict,
        410 => Reason::ArtifactsGone,
        413 => Reason::PayloadTooLarge,
        400..=499 => Reason::InvalidRequest,
        502..=504 => Reason::Overloaded,
        _ => Reason::Internal,
    };
    let said = members.get("detail").and_then(Value::as_str).filter(|detail| !detail.is_empty());
    let said = said.or_else(|| members.get("title").and_then(Value::as_str)).unwrap_or_default();
    members.insert("detail".to_owned(), format!("{said} ({code}, a code this rch does not know)").into());
    members.insert("code".to_owned(), known.code().into());
}

/// The state of a run or job in an unknown state, by what else is said of it: whether it has ended, and how.
fn state(members: &Map<String, Value>) -> &'static str {
    let exit_code = members.get("exit_code").or_else(|| members.get("outcome")?.get("exit_code")).and_then(Value::as_u64);
    let status = members.get("outcome").and_then(|outcome| outcome["status"].as_str());
    match (status, exit_code) {
        (Some("success"), _) | (None, Some(0)) => "SUCCEEDED",
        (Some("cancelled"), _) | (None, Some(80)) => "CANCELLED",
        (Some("rejected"), _) | (None, Some(10)) => "REJECTED",
        (Some("skipped"), _) => "SKIPPED",
        (Some(_), _) | (None, Some(_)) => "FAILED",
        (None, None) if members.get("waiting").is_some() => "QUEUED",
        (None, None) => "RUNNING",
    }
}

fn is_known<T: DeserializeOwned>(word: &Value) -> bool {
    T::deserialize(word).is_ok()
}

fn drop_unknown<T: DeserializeOwned>(members: &mut Map<String, Value>, name: &str) {
    if members.get(name).is_some_and(|word| !word.is_null() && !is_known::<T>(word)) {
        members.remove(name);
    }
}

/// Replaces a word that is no `T`. What is no word is left as it is: that is wrong in every version.
fn otherwise<T: DeserializeOwned>(members: &mut Map<String, Value>, name: &str, word: impl Fn(&Map<String, Value>) -> &'static str) {
    if members.get(name).is_some_and(|found| found.is_string() && !is_known::<T>(found)) {
        let word = word(members);
        members.insert(name.to_owned(), word.into());
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use rch_schemas::document::{Farm, Outcome, RunState};
    use rch_schemas::job_key::ResolvedDestination;
    use rch_schemas::wire::http::{Problem, RunLine, WorkerView};
    use serde_json::json;

    use super::*;

    fn read_value<T: DeserializeOwned>(value: &Value) -> Result<T, ReadError> {
        read(&serde_json::to_vec(value).unwrap())
    }

    fn line(members: &Value) -> RunLine {
        let mut value = json!({
            "run_id": "run-0000001", "state": "HIBERNATING", "project": "App", "requester": "kim", "priority": "normal",
            "accepted_at": "2026-01-02T03:04:05Z",
        });
        value.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        read_value(&value).unwrap()
    }

    #[test]
    fn an_unknown_state_is_what_the_exit_code_says() {
        assert_eq!(line(&json!({})).state, RunState::Running);
        for (exit_code, state) in [(0, RunState::Succeeded), (10, RunState::Rejected), (80, RunState::Cancelled), (50, RunState::Failed)] {
            assert_eq!(line(&json!({ "exit_code": exit_code })).state, state);
        }
    }

    #[test]
    fn what_may_be_absent_is_left_out_and_what_may_not_is_the_nearest() {
        let outcome = json!([{ "outcome": { "status": "melted", "failure_kind": "HEAT", "failure_subkind": "SUN", "exit_code": 40 } }]);
        let read: Vec<std::collections::BTreeMap<String, Outcome>> = read_value(&outcome).unwrap();
        let expected = Outcome { status: JobStatus::Failed, failure_kind: None, failure_subkind: None, exit_code: 40 };
        assert_eq!(read[0]["outcome"], expected);

        let worker = json!({
            "worker": "macmini-01", "priority": 1, "tags": [], "liveness": "dreaming", "intake": "reserved", "intake_reason": "for kim",
            "slots": 1, "running": [], "xcodes": [],
        });
        let worker: WorkerView = read_value(&worker).unwrap();
        assert_eq!((worker.liveness, worker.intake), (Liveness::Unknown, Intake::Draining));
        assert_eq!(worker.intake_reason.as_deref(), Some("reserved: for kim"));

        let place = json!({ "resolved": {
            "kind": "hologram", "platform": "holoOS", "os_version": "1.0", "provisioning": "conjured", "depth": 3,
        } });
        let place: std::collections::BTreeMap<String, ResolvedDestination> = read_value(&place).unwrap();
        assert_eq!(place["resolved"].describe(), "any holoOS 1.0");
    }

    #[test]
    fn a_problem_of_an_unknown_code_keeps_its_words_and_has_the_exit_code_of_its_status() {
        for (status, code) in [(401, 20), (404, 3), (409, 2), (410, 70), (422, 2), (503, 90), (500, 40)] {
            let problem = json!({ "type": "urn:x", "title": "no more", "status": status, "detail": "", "code": "QUOTA_EXCEEDED" });
            let problem: Problem = read_value(&problem).unwrap();
            assert_eq!(
                (problem.code.exit_code(), problem.detail.as_str()),
                (code, "no more (QUOTA_EXCEEDED, a code this rch does not know)")
            );
        }
    }

    #[test]
    fn what_is_wrong_in_every_version_stays_wrong() {
        assert!(matches!(read::<RunLine>(b"<html>a proxy</html>"), Err(ReadError::Json(_))));
        assert!(matches!(read_value::<RunLine>(&json!({ "state": "HIBERNATING" })), Err(ReadError::Json(_))));
        let other = read_value::<Farm>(&json!({ "schema_id": "rch-xcode/farm@2" })).unwrap_err();
        assert_eq!(other.to_string(), "rch-xcode/farm@2, where rch-xcode/farm@1 was expected");
    }
}
