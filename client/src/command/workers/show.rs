//! `rch workers show NAME`: one worker, and why it takes no jobs if it takes none.

use rch_schemas::Timestamp;
use rch_schemas::capabilities::{Facts, Runtime, Xcode, XcodeState};
use rch_schemas::wire::http::{Intake, Liveness, WorkerView};
use serde_json::json;

use super::{closed, find, minutes, seen, state};
use crate::clock;
use crate::command::Context;
use crate::error::CommandError;
use crate::output::{Ending, bytes, count};

/// Columns of the words at the left.
const WORD_COLUMNS: usize = 12;

/// Shows the worker of this name.
pub(super) async fn run(context: &mut Context<'_>, name: &str) -> Result<Ending, CommandError> {
    let layers = context.layers(Vec::new())?;
    let connected = context.connect(&layers).await?;
    let name = find(&connected.client, name).await?.worker;
    let worker = connected.client.worker(&name).await?;
    let facts = connected.client.worker_facts(&worker.worker).await?;
    context.reporter.data_lines(&lines(&worker, facts.as_ref(), clock::now()));
    let ending = Ending::success(format!("{} is {}", worker.worker, state(&worker)));
    Ok(ending.with_document(json!({ "worker": worker, "facts": facts })))
}

fn lines(worker: &WorkerView, facts: Option<&Facts>, now: Timestamp) -> Vec<String> {
    let mut lines = Lines::default();
    lines.say("Worker", format!("{}, {}", worker.worker, state(worker)));
    lines.all("Takes none", not_taking(worker, now));
    let seen = worker.seen_ms.map_or_else(|| "never".to_owned(), |milliseconds| format!("{} ago", seen(milliseconds)));
    let agent = worker.agent_version.as_ref().map(|version| format!("; rch-agent {version}")).unwrap_or_default();
    lines.say("Seen", format!("{seen}{agent}"));
    let tags = if worker.tags.is_empty() { String::new() } else { format!("; tags {}", worker.tags.join(", ")) };
    lines.say("Priority", format!("{}{tags}", worker.priority));
    lines.say("Slots", format!("{} of {} busy", worker.running.len(), worker.slots));
    let running = worker.running.iter().map(|job| {
        let who = job.requester.as_ref().map(|who| format!(", {who}")).unwrap_or_default();
        format!("{} {}{who}, {}, job {}", job.action, job.project, minutes(job.running_ms), job.job_id)
    });
    lines.all("Running", running.collect());
    lines.all("Disk", worker.disk_free_bytes.iter().map(|free| format!("{} free", bytes(*free))).collect());
    match facts {
        Some(facts) => can(facts, &mut lines),
        None => lines.say("Facts", "it has not said yet what it can do".to_owned()),
    }
    lines.all("Digest", worker.capabilities_sha256.iter().map(|digest| format!("capabilities {}", digest.short())).collect());
    lines.0
}

/// Why no job goes there now.
fn not_taking(worker: &WorkerView, now: Timestamp) -> Vec<String> {
    let mut reasons = Vec::new();
    match worker.liveness {
        Liveness::Online => {}
        Liveness::Unknown => reasons.push("it is in the inventory, and was never heard".to_owned()),
        Liveness::Suspect => reasons.push("it is silent; after a minute it counts as lost".to_owned()),
        Liveness::Lost => reasons.push("it is lost: what it ran was given to others".to_owned()),
    }
    let because = closed(worker, now).unwrap_or_default();
    match worker.intake {
        Intake::Open => {}
        Intake::Draining => reasons.push(format!("it finishes what it began, and begins nothing; {because}")),
        Intake::Quarantined => reasons.push(format!("a person must decide (rch workers resume {}); {because}", worker.worker)),
    }
    reasons.extend(worker.probe_failure.iter().map(|why| format!("its machine could not be read again: {why}")));
    if worker.liveness == Liveness::Online && worker.intake == Intake::Open && worker.running.len() as u64 >= u64::from(worker.slots) {
        reasons.push(if worker.slots == 0 { "it has no slots" } else { "all its slots are busy" }.to_owned());
    }
    reasons
}

fn can(facts: &Facts, lines: &mut Lines) {
    lines.say("macOS", format!("{} ({}), {}", facts.macos.version, facts.macos.build, facts.arch));
    lines.all("Xcode", facts.xcodes.iter().map(xcode).collect());
    lines.all("Runtimes", facts.runtimes.iter().map(runtime).collect());
    lines.say("Simulators", format!("{}, {}", count(facts.devices.len() as u64, "device"), types(facts)));
    lines.all("Tools", facts.tools.iter().map(|(name, version)| format!("{name} {version}")).collect());
    if facts.limits.max_upload_bytes > 0 {
        lines.say("Accepts", format!("trees up to {}", bytes(facts.limits.max_upload_bytes)));
    }
    lines.all("Problems", facts.problems.clone());
}

fn types(facts: &Facts) -> String {
    count(facts.device_types.len() as u64, "device type")
}

fn xcode(xcode: &Xcode) -> String {
    let beta = if xcode.beta { ", a beta" } else { "" };
    let state = match xcode.state {
        XcodeState::Ready => "",
        XcodeState::LicenseNotAgreed => "; its licence is not agreed to",
        XcodeState::FirstLaunchNeeded => "; it was never launched",
        XcodeState::Broken => "; it does not answer as an Xcode does",
    };
    format!("{} ({}){beta}, {}{state}", xcode.version, xcode.build, xcode.developer_dir)
}

fn runtime(runtime: &Runtime) -> String {
    let unavailable = runtime.unavailable.as_ref().map(|why| format!("; unavailable: {why}")).unwrap_or_default();
    let shadowed = if runtime.shadowed { "; another build of it is used" } else { "" };
    format!("{} {} ({}){shadowed}{unavailable}", runtime.platform, runtime.version, runtime.build)
}

/// Lines with a word at the left; more of the same stand below it.
#[derive(Default)]
struct Lines(Vec<String>);

impl Lines {
    fn say(&mut self, word: &str, text: String) {
        self.all(word, vec![text]);
    }

    fn all(&mut self, word: &str, texts: Vec<String>) {
        for (index, text) in texts.into_iter().enumerate() {
            let word = if index == 0 { word } else { "" };
            self.0.push(format!("{word:>WORD_COLUMNS$}  {text}"));
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn now() -> Timestamp {
        "2026-03-02T09:43:00Z".parse().unwrap()
    }

    fn facts() -> Facts {
        serde_json::from_value(json!({
            "agent_version": "0.1.0", "arch": "arm64",
            "macos": {"product_name": "macOS", "version": "15.3.1", "build": "24D60"},
            "xcodes": [
                {"developer_dir": "/Applications/Xcode.app/Contents/Developer", "version": "16.2", "build": "16C5032a", "beta": false, "state": "ready"},
                {"developer_dir": "/Applications/Xcode-beta.app/Contents/Developer", "version": "26.0", "build": "17A5241e", "beta": true, "state": "license_not_agreed"},
            ],
            "runtimes": [
                {"identifier": "com.apple.CoreSimulator.SimRuntime.iOS-18-2", "platform": "iOS", "version": "18.2", "build": "22C150"},
                {"identifier": "com.apple.CoreSimulator.SimRuntime.iOS-17-5", "platform": "iOS", "version": "17.5", "build": "21F79", "unavailable": "image missing"},
            ],
            "device_types": [], "devices": [], "limits": {"slots": 2, "max_upload_bytes": 0},
            "key_fingerprint": "e1".repeat(32), "problems": ["simctl did not answer within 10 s"],
        }))
        .unwrap()
    }

    fn view(members: &serde_json::Value) -> WorkerView {
        let mut value = json!({
            "worker": "macmini-02", "priority": 10, "tags": ["macos"], "liveness": "online", "intake": "open", "slots": 2, "running": [],
            "xcodes": [], "disk_free_bytes": 227_633_266_688_u64, "seen_ms": 1_200, "agent_version": "0.1.0",
        });
        for (key, member) in members.as_object().unwrap() {
            value[key] = member.clone();
        }
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_draining_worker_says_why_it_takes_nothing_what_it_does_and_what_it_can() {
        let job = json!({"job_id": "job-0000001", "action": "test", "project": "PhotoApp", "running_ms": 370_000, "requester": "ci-main"});
        let view = view(
            &json!({"intake": "draining", "intake_reason": "Xcode 16.3", "intake_actor": "kim", "intake_since": "2026-03-02T08:50:00Z", "running": [job], "capabilities_sha256": "ab".repeat(32)}),
        );
        let expected = "      Worker  macmini-02, draining
  Takes none  it finishes what it began, and begins nothing; draining by kim since 08:50 UTC: \"Xcode 16.3\"
        Seen  1s ago; rch-agent 0.1.0
    Priority  10; tags macos
       Slots  1 of 2 busy
     Running  test PhotoApp, ci-main, 6m, job job-0000001
        Disk  212 GiB free
       macOS  15.3.1 (24D60), arm64
       Xcode  16.2 (16C5032a), /Applications/Xcode.app/Contents/Developer
              26.0 (17A5241e), a beta, /Applications/Xcode-beta.app/Contents/Developer; its licence is not agreed to
    Runtimes  iOS 18.2 (22C150)
              iOS 17.5 (21F79); unavailable: image missing
  Simulators  0 devices, 0 device types
    Problems  simctl did not answer within 10 s
      Digest  capabilities abab..abab";
        assert_eq!(lines(&view, Some(&facts()), now()).join("\n"), expected);
    }

    #[test]
    fn each_reason_to_take_no_job_is_said_and_a_healthy_worker_has_none() {
        for (members, expected) in [
            (json!({}), None),
            (json!({"liveness": "lost"}), Some("it is lost")),
            (json!({"liveness": "unknown", "slots": 0}), Some("it is in the inventory, and was never heard")),
            (json!({"intake": "quarantined", "intake_reason": "3 boots failed"}), Some("3 boots failed")),
            (json!({"slots": 0}), Some("it has no slots")),
        ] {
            let said = not_taking(&view(&members), now());
            assert_eq!(said.len(), usize::from(expected.is_some()), "{members} {said:?}");
            assert!(expected.is_none_or(|expected| said[0].contains(expected)), "{said:?}");
        }
    }
}
