//! `rch runs`.

use std::time::Duration;

use rch_schemas::Timestamp;
use rch_schemas::wire::http::RunLine;
use serde_json::json;

use super::Context;
use crate::clock;
use crate::error::CommandError;
use crate::output::{Ending, duration, table};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// Lists the newest runs.
pub(crate) async fn run(context: &mut Context<'_>, limit: u32) -> Result<Ending, CommandError> {
    let layers = context.layers(Vec::new())?;
    let connected = context.connect(&layers).await?;
    let runs = connected.client.runs(limit).await?;
    context.reporter.data_lines(&lines(&runs, clock::now()));
    let text = match runs.len() {
        0 => "this farm has had no run yet".to_owned(),
        1 => "1 run".to_owned(),
        count => format!("{count} runs"),
    };
    Ok(Ending::success(text).with_document(json!({ "runs": runs })))
}

fn lines(runs: &[RunLine], now: Timestamp) -> Vec<String> {
    if runs.is_empty() {
        return vec!["this farm has had no run yet".to_owned()];
    }
    let rows: Vec<[String; 7]> = runs.iter().map(|run| row(run, now)).collect();
    table(["RUN", "STATE", "EXIT", "WHAT", "WHO", "WHEN", "TOOK"], &[2, 6], &rows)
}

fn row(run: &RunLine, now: Timestamp) -> [String; 7] {
    let exit = run.exit_code.map_or_else(|| "-".to_owned(), |code| code.to_string());
    let what = [run.steps.join(", "), run.project.clone()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    let took = run.ended_at.map_or_else(|| "-".to_owned(), |ended| duration(since(run.accepted_at, ended)));
    [run.run_id.to_string(), run.state.as_str().to_owned(), exit, what, run.requester.clone(), when(run.accepted_at, now), took]
}

/// `12 s ago`, `3 min ago`, `5 h ago`; later the day. Two clocks are compared: what is a little in the future was just now.
fn when(at: Timestamp, now: Timestamp) -> String {
    match since(at, now) {
        ago if ago < MINUTE => format!("{} s ago", ago.as_secs()),
        ago if ago < HOUR => format!("{} min ago", ago.as_secs() / MINUTE.as_secs()),
        ago if ago < DAY => format!("{} h ago", ago.as_secs() / HOUR.as_secs()),
        _ => at.to_string().chars().take("2026-03-02".len()).collect(),
    }
}

fn since(from: Timestamp, to: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(to.unix_ms() - from.unix_ms()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn the_list_says_what_who_when_and_how_long() {
        let run = |id: &str, state: &str, accepted: &str, ended: Option<&str>, code: Option<u8>| {
            let value = json!({
                "run_id": id, "state": state, "project": "SampleApp", "requester": "kim", "priority": "normal", "steps": ["build", "test"],
                "accepted_at": accepted, "ended_at": ended, "exit_code": code,
            });
            serde_json::from_value::<RunLine>(value).unwrap()
        };
        let runs = [
            run("01KBQ3M5T2Y8ZC4W6N0R7HXA1D", "RUNNING", "2026-03-02T09:29:50Z", None, None),
            run("01KBQ3M5T2Y8ZC4W6N0R7HXA1C", "FAILED", "2026-03-02T09:12:00Z", Some("2026-03-02T09:13:37Z"), Some(50)),
            run("01KBQ3M5T2Y8ZC4W6N0R7HXA1B", "SUCCEEDED", "2026-02-27T09:12:00Z", Some("2026-02-27T09:12:02.250Z"), Some(0)),
        ];
        let now = "2026-03-02T09:30:02Z".parse().unwrap();
        let expected = "\
RUN                         STATE      EXIT  WHAT                   WHO  WHEN          TOOK
01KBQ3M5T2Y8ZC4W6N0R7HXA1D  running       -  build, test SampleApp  kim  12 s ago         -
01KBQ3M5T2Y8ZC4W6N0R7HXA1C  failed       50  build, test SampleApp  kim  18 min ago  1m 37s
01KBQ3M5T2Y8ZC4W6N0R7HXA1B  succeeded     0  build, test SampleApp  kim  2026-02-27   2.2 s";
        assert_eq!(lines(&runs, now).join("\n"), expected);
        assert_eq!(lines(&[], now), ["this farm has had no run yet"]);
    }
}
