//! `rch workers list` and `rch workers show`.

mod show;

use std::time::Duration;

use rch_schemas::wire::http::{Intake, Liveness, RunningJob, WorkerView};
use serde_json::json;

use super::Context;
use crate::cli::WorkersCommand;
use crate::error::CommandError;
use crate::output::{Ending, bytes, count, duration, table};

/// Does one of them.
pub(crate) async fn run(context: &mut Context<'_>, command: WorkersCommand) -> Result<Ending, CommandError> {
    match command {
        WorkersCommand::List { all } => list(context, all).await,
        WorkersCommand::Show { name } => show::run(context, &name).await,
    }
}

/// Lists the workers; those that are idle and healthy only with `--all`, when there are others to look at.
async fn list(context: &mut Context<'_>, all: bool) -> Result<Ending, CommandError> {
    let layers = context.layers(Vec::new())?;
    let connected = context.connect(&layers).await?;
    let mut workers = connected.client.workers().await?;
    workers.sort_by(|one, other| one.worker.cmp(&other.worker));
    context.reporter.data_lines(&lines(&workers, all));
    Ok(Ending::success(count(workers.len() as u64, "worker")).with_document(json!({ "workers": workers })))
}

/// What a person sees.
fn lines(workers: &[WorkerView], all: bool) -> Vec<String> {
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
    notes.extend(shown.iter().filter_map(|worker| worker.intake_reason.as_ref().map(|reason| format!("{}  {reason}", worker.worker))));
    if !notes.is_empty() {
        lines.push(String::new());
        lines.extend(notes);
    }
    lines
}

fn is_idle_and_healthy(worker: &WorkerView) -> bool {
    worker.running.is_empty() && worker.liveness == Liveness::Online && worker.intake == Intake::Open && worker.intake_reason.is_none()
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
                &json!({"intake": "draining", "intake_reason": "draining by kim: \"Xcode 16.3\"", "running": [job("PhotoApp", 370_000)]}),
            ),
            worker("macmini-03", &json!({})),
            worker("macmini-11", &json!({"liveness": "lost", "seen_ms": 720_000, "xcodes": ["16.1 (16B40)"]})),
        ];
        let expected = "\
WORKER      STATE     BUSY  RUNNING                 XCODE      MACOS      DISK  SEEN
macmini-01  online    2/2   2: PhotoApp, SampleApp  16.2 16.1  15.3.1  212 GiB    1s
macmini-02  draining  1/2   test PhotoApp, 6m       16.2 16.1  15.3.1  212 GiB    1s
macmini-11  lost      -     -                       16.1       15.3.1        -   12m

3 of 4 shown: idle and healthy hidden (--all)
macmini-02  draining by kim: \"Xcode 16.3\"";
        assert_eq!(lines(&workers, false).join("\n"), expected);
        assert_eq!(lines(&workers, true).len(), 7);
        assert_eq!(lines(&workers[2..3], false).len(), 2);
    }
}
