//! `rch workers`: listed here, shown and changed in a file each.

mod change;
mod probe;
mod show;

use std::time::Duration;

use rch_schemas::Timestamp;
use rch_schemas::wire::http::{Intake, Liveness, RemoveWorker, RunningJob, WorkerView};
use serde_json::json;

use super::Context;
use crate::cli::WorkersCommand;
use crate::clock;
use crate::error::CommandError;
use crate::farm::FarmClient;
use crate::output::{Ending, bytes, count, duration, table};

use change::Until;

/// Who closes a worker when no person does.
const COORDINATOR: &str = "coordinator";

/// Does one of them.
pub(crate) async fn run(context: &mut Context<'_>, command: WorkersCommand) -> Result<Ending, CommandError> {
    match command {
        WorkersCommand::List { all } => list(context, all).await,
        WorkersCommand::Show { name } => show::run(context, &name).await,
        WorkersCommand::Drain { name, reason, wait } => {
            let until = if wait { Until::Idle } else { Until::Recorded };
            change::drain(context, &name, reason, until).await
        }
        WorkersCommand::Resume { name, reason } => change::resume(context, &name, reason).await,
        WorkersCommand::Remove { name, reason, force } => change::remove(context, &name, &RemoveWorker { reason, force }).await,
        WorkersCommand::Probe { name } => probe::run(context, &name).await,
    }
}

/// The worker of this name.
async fn find(client: &FarmClient, name: &str) -> Result<WorkerView, CommandError> {
    let known = client.workers().await?;
    let found = known.iter().find(|worker| worker.worker.as_str() == name);
    found.cloned().ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|worker| worker.worker.as_str()).collect();
        let there = if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) };
        let what = format!("the farm has no worker {name:?}; {there}");
        CommandError::NotFound { what, fix: "`rch workers list` shows what they do" }
    })
}

/// Lists the workers; those that are idle and healthy only with `--all`, when there are others to look at.
async fn list(context: &mut Context<'_>, all: bool) -> Result<Ending, CommandError> {
    let layers = context.layers(Vec::new())?;
    let connected = context.connect(&layers).await?;
    let mut workers = connected.client.workers().await?;
    workers.sort_by(|one, other| one.worker.cmp(&other.worker));
    context.reporter.data_lines(&lines(&workers, clock::now(), all));
    Ok(Ending::success(count(workers.len() as u64, "worker")).with_document(json!({ "workers": workers })))
}

/// What a person sees.
fn lines(workers: &[WorkerView], now: Timestamp, all: bool) -> Vec<String> {
    if workers.is_empty() {
        return vec!["the farm's inventory names no worker".to_owned()];
    }
    let mut shown: Vec<&WorkerView> = workers.iter().filter(|worker| all || !is_idle_and_healthy(worker)).collect();
    if shown.is_empty() {
        shown = workers.iter().collect();
    }
    let rows: Vec<[String; 8]> = shown.iter().map(|worker| row(worker)).collect();
    let head = ["WORKER", "STATE", "BUSY", "RUNNING", "XCODE", "MACOS", "DISK", "SEEN"];
    let mut lines = table(head, &[6, 7], &rows);
    let mut notes = Vec::new();
    if shown.len() < workers.len() {
        notes.push(format!("{} of {} shown: idle and healthy hidden (--all)", shown.len(), workers.len()));
    }
    let width = shown.iter().map(|worker| worker.worker.as_str().len()).max().unwrap_or_default();
    let named = |worker: &&WorkerView| {
        let name = worker.worker.clone();
        remarks(worker, now).into_iter().map(move |remark| format!("{:width$}  {remark}", name.as_str()))
    };
    notes.extend(shown.iter().copied().flat_map(|worker| named(&worker).collect::<Vec<_>>()));
    if !notes.is_empty() {
        lines.push(String::new());
        lines.extend(notes);
    }
    lines
}

/// What is not as it usually is about a worker.
fn remarks(worker: &WorkerView, now: Timestamp) -> Vec<String> {
    let mut remarks: Vec<String> = closed(worker, now).into_iter().collect();
    if let (Liveness::Lost, Some(seen)) = (worker.liveness, worker.seen_ms) {
        let last = Timestamp::from_unix_ms(now.unix_ms().saturating_sub_unsigned(seen));
        remarks.push(format!("last heartbeat {}", clock::time_of_day(last, now)));
    }
    remarks.extend(worker.probe_failure.iter().map(|why| format!("its machine could not be read again: {why}")));
    remarks
}

/// `draining by kim since 08:50 UTC: "Xcode 16.3"`; `None` when it is open.
fn closed(worker: &WorkerView, now: Timestamp) -> Option<String> {
    let word = match worker.intake {
        Intake::Open => return None,
        Intake::Draining => "draining",
        Intake::Quarantined => "quarantined",
    };
    let since = worker.intake_since.map(|at| clock::time_of_day(at, now));
    let reason = worker.intake_reason.as_deref().filter(|reason| !reason.is_empty());
    Some(match (worker.intake_actor.as_deref(), since) {
        // What the farm itself says is no quotation.
        (Some(COORDINATOR), Some(since)) => format!("{word} {since}: {}", reason.unwrap_or("nobody knows why")),
        (Some(actor), Some(since)) => {
            let quoted = reason.map(|reason| format!(": \"{reason}\"")).unwrap_or_default();
            format!("{word} by {actor} since {since}{quoted}")
        }
        (None, _) | (_, None) => format!("{word}: {}", reason.unwrap_or("nobody said why")),
    })
}

fn is_idle_and_healthy(worker: &WorkerView) -> bool {
    let is_healthy = worker.liveness == Liveness::Online && worker.intake == Intake::Open && worker.probe_failure.is_none();
    is_healthy && worker.running.is_empty() && worker.intake_reason.is_none()
}

/// `online`, `suspect`, `lost`, `unknown`, or why it takes no jobs although it is online.
pub(super) fn state(worker: &WorkerView) -> &'static str {
    match (worker.liveness, worker.intake) {
        (Liveness::Lost, _) => "lost",
        (Liveness::Unknown, _) => "unknown",
        (_, Intake::Quarantined) => "quarantined",
        (_, Intake::Draining) => "draining",
        (Liveness::Suspect, Intake::Open) => "suspect",
        (Liveness::Online, Intake::Open) => "online",
    }
}

fn row(worker: &WorkerView) -> [String; 8] {
    let is_heard = matches!(worker.liveness, Liveness::Online | Liveness::Suspect);
    let busy = if is_heard { format!("{}/{}", worker.running.len(), worker.slots) } else { "-".to_owned() };
    // The build in parentheses is for scripts; a person reads versions.
    let xcodes: Vec<&str> = worker.xcodes.iter().map(|xcode| xcode.split_whitespace().next().unwrap_or(xcode)).collect();
    [
        worker.worker.to_string(),
        state(worker).to_owned(),
        busy,
        running(&worker.running),
        or_dash(xcodes.join(" ")),
        or_dash(worker.macos.clone().unwrap_or_default()),
        worker.disk_free_bytes.filter(|_| is_heard).map_or_else(|| "-".to_owned(), bytes),
        worker.seen_ms.map_or_else(|| "-".to_owned(), seen),
    ]
}

fn running(jobs: &[RunningJob]) -> String {
    match jobs {
        [] => "-".to_owned(),
        [job] => format!("{} {}, {}", job.action, job.project, minutes(job.running_ms)),
        _ => {
            let mut projects: Vec<&str> = jobs.iter().map(|job| job.project.as_str()).collect();
            projects.dedup();
            format!("{}: {}", jobs.len(), projects.join(", "))
        }
    }
}

fn minutes(milliseconds: u64) -> String {
    if milliseconds < 60_000 { format!("{}s", milliseconds / 1_000) } else { format!("{}m", milliseconds / 60_000) }
}

fn seen(milliseconds: u64) -> String {
    match milliseconds {
        0..60_000 => format!("{}s", milliseconds / 1_000),
        60_000..3_600_000 => format!("{}m", milliseconds / 60_000),
        _ => duration(Duration::from_millis(milliseconds)),
    }
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "-".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn worker(name: &str, members: &serde_json::Value) -> WorkerView {
        let mut value = json!({
            "worker": name, "priority": 10, "tags": ["macos"], "liveness": "online", "intake": "open", "slots": 2, "running": [],
            "xcodes": ["16.2 (16C5032a)", "16.1 (16B40)"], "macos": "15.3.1", "disk_free_bytes": 227_633_266_688_u64, "seen_ms": 1_200,
        });
        for (key, member) in members.as_object().unwrap() {
            value[key] = member.clone();
        }
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_list_reads_as_in_the_transcript_and_hides_the_idle() {
        let job = |project: &str, ms: u64| json!({"job_id": "job-0000001", "action": "test", "project": project, "running_ms": ms});
        let workers = [
            worker("macmini-01", &json!({"running": [job("PhotoApp", 5_000), job("SampleApp", 9_000)]})),
            worker(
                "macmini-02",
                &json!({
                    "intake": "draining", "intake_reason": "Xcode 16.3", "intake_actor": "kim", "intake_since": "2026-03-02T08:50:00Z",
                    "running": [job("PhotoApp", 370_000)],
                }),
            ),
            worker("macmini-03", &json!({})),
            worker(
                "macmini-07",
                &json!({
                    "intake": "quarantined", "intake_reason": "3 different jobs failed to boot a simulator",
                    "intake_actor": "coordinator", "intake_since": "2026-03-01T07:02:00Z", "xcodes": ["16.2 (16C5032a)"],
                }),
            ),
            worker("macmini-11", &json!({"liveness": "lost", "seen_ms": 720_000, "xcodes": ["16.1 (16B40)"]})),
        ];
        let expected = "\
WORKER      STATE        BUSY  RUNNING                 XCODE      MACOS      DISK  SEEN
macmini-01  online       2/2   2: PhotoApp, SampleApp  16.2 16.1  15.3.1  212 GiB    1s
macmini-02  draining     1/2   test PhotoApp, 6m       16.2 16.1  15.3.1  212 GiB    1s
macmini-07  quarantined  0/2   -                       16.2       15.3.1  212 GiB    1s
macmini-11  lost         -     -                       16.1       15.3.1        -   12m

4 of 5 shown: idle and healthy hidden (--all)
macmini-02  draining by kim since 08:50 UTC: \"Xcode 16.3\"
macmini-07  quarantined 2026-03-01 07:02 UTC: 3 different jobs failed to boot a simulator
macmini-11  last heartbeat 09:31 UTC";
        let now = "2026-03-02T09:43:00Z".parse().unwrap();
        assert_eq!(lines(&workers, now, false).join("\n"), expected);
        assert_eq!(lines(&workers, now, true).len(), 10);
        assert_eq!(lines(&workers[2..3], now, false).len(), 2);
    }
}
