//! `rch why`: why this worker, and why it took so long to begin.

use std::time::Duration;

use rch_scheduler::DECISION_VERSION;
use rch_schemas::document::{Choice, OtherWorkers, SelectionMode, Verdict, WaitSpan, Why};
use rch_schemas::wire::http::{JobView, RunView};
use rch_schemas::{JobId, Reason, WorkerName};
use serde_json::json;

use super::Context;
use super::named::{self, Named};
use super::replay::{SAME, other_version};
use crate::cli::WhyFlags;
use crate::error::CommandError;
use crate::output::wait::{because, details};
use crate::output::{Ending, Label, Reporter, count, duration, table};

/// Jobs of a run that are explained; of a larger matrix a job is to be named.
const JOBS_MAX: usize = 20;
/// Candidates behind the chosen one that are named without `--all`, and groups of excluded workers.
const OTHERS_MAX: [usize; 2] = [3, 5];
/// A wait that is not worth its parts.
const AT_ONCE_MS: u64 = 1_000;

/// Explains what is named.
pub(crate) async fn run(context: &mut Context<'_>, flags: WhyFlags) -> Result<Ending, CommandError> {
    let Named { client, run, job, .. } = named::find(context, &flags.id, None).await?;
    let asked: Vec<&JobView> = run.jobs.iter().filter(|view| job.as_ref().is_none_or(|only: &JobId| *only == view.job_id)).collect();
    let mut whys = Vec::new();
    for view in asked.iter().take(JOBS_MAX) {
        whys.push(client.why(&view.job_id).await?);
    }
    let reporter = &mut *context.reporter;
    reporter.data_fact(&Label::Run, &title(&run));
    tell(reporter, &whys, &flags);
    if let Some(text) = replay(&whys, &flags.id) {
        reporter.data_fact(&Label::Replay, &text);
    }
    if asked.len() > JOBS_MAX {
        reporter.data_detail(&format!("{}: rch why JOB", count((asked.len() - JOBS_MAX) as u64, "more job")));
    }
    Ok(Ending::success(title(&run)).with_document(json!({ "jobs": whys })))
}

/// `01KBQ6R2F5T9B1Y3XKD8WMA7ZE  build, test SampleApp, succeeded, 1m 39s`.
pub(super) fn title(run: &RunView) -> String {
    let steps: Vec<&str> = run.plan.steps.iter().map(|step| step.name.as_str()).collect();
    let took = run.ended_at.map_or_else(String::new, |ended| {
        let milliseconds = u64::try_from(ended.unix_ms() - run.accepted_at.unix_ms()).unwrap_or(0);
        format!(", {}", duration(Duration::from_millis(milliseconds)))
    });
    format!("{}  {} {}, {}{took}", run.plan.run_id, steps.join(", "), run.plan.project, run.state.as_str())
}

/// Whether this build can make the choices again; `None` where none was made, or the farm is too old to say by which rules.
fn replay(whys: &[Why], id: &str) -> Option<String> {
    let versions: Vec<u32> = whys.iter().filter_map(|why| why.choice.as_ref()?.decision_version).collect();
    let other = versions.iter().find(|version| **version != DECISION_VERSION);
    let command = || format!("rch replay {id}: {SAME}");
    other.map(|version| other_version(*version, DECISION_VERSION)).or_else(|| (!versions.is_empty()).then(command))
}

/// The choice once for each destination, then the waits of the jobs.
fn tell(reporter: &mut Reporter, whys: &[Why], flags: &WhyFlags) {
    let mut told: Vec<&str> = Vec::new();
    let several = whys.iter().any(|why| why.destination != whys[0].destination);
    for why in whys {
        if !told.contains(&why.destination.as_str()) {
            told.push(&why.destination);
            tell_choice(reporter, why, several, flags);
        }
    }
    for why in whys {
        let place = if several { format!(" on {}", why.destination) } else { String::new() };
        let which = if whys.len() > 1 { format!("{}{place}: ", why.step) } else { String::new() };
        tell_wait(reporter, why, &which);
    }
}

fn tell_choice(reporter: &mut Reporter, why: &Why, several: bool, flags: &WhyFlags) {
    let place = if several { format!("{}: ", why.destination) } else { String::new() };
    let Some(choice) = &why.choice else {
        reporter.data_fact(&Label::Worker, &format!("{place}none was chosen"));
        return;
    };
    reporter.data_fact(&Label::Worker, &format!("{place}{}", chosen(choice)));
    for line in others(choice, flags) {
        reporter.data_detail(&line);
    }
}

/// `macmini-04, rank 1 of 3 (priority 10, then name; deterministic)`.
fn chosen(choice: &Choice) -> String {
    let mode = match choice.mode {
        SelectionMode::Deterministic => "deterministic",
        SelectionMode::Adaptive => "adaptive",
    };
    if choice.named {
        return format!("{}, as asked for by name ({mode})", choice.worker);
    }
    let order = match choice.mode {
        SelectionMode::Deterministic => "then name",
        SelectionMode::Adaptive => "then who was free, warm and had less to do",
    };
    format!("{}, rank {} of {} (priority {}, {order}; {mode})", choice.worker, choice.rank, choice.candidates, choice.priority)
}

/// Rows of the others: candidates by rank, then those that were excluded, each kind of reason once.
fn others(choice: &Choice, flags: &WhyFlags) -> Vec<String> {
    let mut ranked = Vec::new();
    // Each kind of reason with the workers it is of.
    let mut excluded: Vec<(String, Vec<&WorkerName>)> = Vec::new();
    for row in &choice.others {
        if let Some(rank) = row.rank {
            ranked.extend((rank..).zip(&row.workers).map(|(rank, name)| candidate(choice, row, rank, name)));
            continue;
        }
        let reason = exclusion(row);
        match excluded.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, names)) => names.extend(&row.workers),
            None => excluded.push((reason, row.workers.iter().collect())),
        }
    }
    let [most_ranked, most_excluded] = if flags.all { [usize::MAX; 2] } else { OTHERS_MAX };
    let hidden_ranked = ranked.len().saturating_sub(most_ranked);
    let hidden_excluded: usize = excluded.iter().skip(most_excluded).map(|(_, names)| names.len()).sum();
    let mut rows: Vec<[String; 3]> = ranked.into_iter().take(most_ranked).collect();
    for (reason, names) in excluded.into_iter().take(most_excluded) {
        if flags.all {
            rows.extend(names.iter().map(|name| [name.to_string(), "excluded".to_owned(), reason.clone()]));
        } else {
            let more = if names.len() > 1 { format!(" and {} more", names.len() - 1) } else { String::new() };
            rows.push([format!("{}{more}", names[0]), "excluded".to_owned(), reason]);
        }
    }
    let hidden = hidden_ranked + hidden_excluded;
    if hidden > 0 {
        rows.push([format!("{hidden} more"), String::new(), format!("rch why {} --all", flags.id)]);
    }
    table(["", "", ""], &[], &rows).split_off(1)
}

fn candidate(choice: &Choice, row: &OtherWorkers, rank: u32, name: &WorkerName) -> [String; 3] {
    let why = if row.priority == choice.priority { "same priority, later name".to_owned() } else { format!("priority {}", row.priority) };
    [name.to_string(), format!("rank {rank}"), why]
}

/// `NO_SUCH_XCODE: found 16B40, required 16C5032a; would rank 4 with 16C5032a`, or `draining: "Xcode 16.3"; would rank 1`.
fn exclusion(row: &OtherWorkers) -> String {
    let verdicts: Vec<String> = row.verdicts.iter().map(|verdict| closed(verdict).unwrap_or_else(|| compared(verdict))).collect();
    let would = row.counterfactual.as_ref().map_or_else(String::new, |would| {
        // What would have to change is that somebody opens it, which the reason says already.
        let is_closed = row.verdicts.iter().all(|verdict| closed(verdict).is_some());
        let rank = would.split_once(" with ").filter(|_| is_closed).map_or(would.as_str(), |(rank, _)| rank);
        format!("; {rank}")
    });
    format!("{}{would}", verdicts.join(", "))
}

fn compared(verdict: &Verdict) -> String {
    format!("{}: found {}, required {}", verdict.code, verdict.found, verdict.required)
}

/// What an operator, or the farm, said when closing the worker; `None` when another thing excludes it.
fn closed(verdict: &Verdict) -> Option<String> {
    let word =
        [(Reason::Draining, "draining"), (Reason::Quarantined, "quarantined")].into_iter().find(|(code, _)| *code == verdict.code)?.1;
    Some(if verdict.found.is_empty() { word.to_owned() } else { format!("{word}: \"{}\"", verdict.found) })
}

fn tell_wait(reporter: &mut Reporter, why: &Why, which: &str) {
    let time = |milliseconds| duration(Duration::from_millis(milliseconds));
    let spans: Vec<&WaitSpan> = why.waits.iter().filter(|span| span.waited_ms >= AT_ONCE_MS || is_event(span)).collect();
    let total = time(why.waited_ms);
    match (&why.waiting, spans.as_slice()) {
        (Some(waiting), _) => reporter.data_fact(&Label::Wait, &format!("{which}{total} so far: {}", because(waiting))),
        (None, []) => {
            let first = why.waits.first().map_or("it never waited for a worker", |span| span.detail.as_str());
            reporter.data_fact(&Label::Wait, &format!("{which}{total}: {first}"));
        }
        (None, [only]) => reporter.data_fact(&Label::Wait, &format!("{which}{total}: {}", only.detail)),
        (None, _) => reporter.data_fact(&Label::Wait, &format!("{which}{total}")),
    }
    if spans.len() > 1 || why.waiting.is_some() && !spans.is_empty() {
        let rows: Vec<[String; 2]> = spans.iter().map(|span| [time(span.waited_ms), span.detail.clone()]).collect();
        for line in table(["", ""], &[0], &rows).split_off(1) {
            reporter.data_detail(&line);
        }
    }
    for line in why.waiting.iter().flat_map(details) {
        reporter.data_detail(&line);
    }
}

/// Whether something befell the job there, however short it was.
fn is_event(span: &WaitSpan) -> bool {
    use rch_schemas::wire::http::WaitingReason as Reason;
    match span.reason {
        Reason::Backoff | Reason::Source => true,
        Reason::Worker => span.waited_ms == 0,
        Reason::Step | Reason::Slot | Reason::Claim => false,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn excluded(code: &str, required: &str, found: &str) -> String {
        let row = json!({
            "workers": ["macmini-02"],
            "priority": 10,
            "verdicts": [{"code": code, "required": required, "found": found}],
            "counterfactual": format!("would rank 1 with {required}"),
        });
        exclusion(&serde_json::from_value(row).unwrap())
    }

    #[test]
    fn a_closed_worker_is_told_in_the_words_of_who_closed_it_and_others_by_what_was_compared() {
        assert_eq!(excluded("DRAINING", "open", "Xcode 16.3"), "draining: \"Xcode 16.3\"; would rank 1");
        assert_eq!(excluded("QUARANTINED", "open", ""), "quarantined; would rank 1");
        let told = "NO_SUCH_XCODE: found 16B40, required 16C5032a; would rank 1 with 16C5032a";
        assert_eq!(excluded("NO_SUCH_XCODE", "16C5032a", "16B40"), told);
    }
}
