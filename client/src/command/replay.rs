//! `rch replay`: what the farm decided, decided again here.

use std::path::PathBuf;
use std::sync::Arc;

use rch_schemas::document::{DecisionKind, Farm, Replay, ReplayOutcome, ReplayedDecision};
use rch_schemas::wire::http::RunView;
use rch_schemas::{Reason, RunId};
use serde_json::{Value, json};

use super::named::{self, LAST, Named};
use super::{Context, why};
use crate::cli::ReplayFlags;
use crate::clock;
use crate::error::CommandError;
use crate::farm::FarmClient;
use crate::output::{Ending, Label, Reporter, Why, bytes, count};
use crate::replay::{Copy, Decisions, Records, ReplayError, Wanted};

/// What the words of a decision that comes out the same are, here and in `rch why`.
pub(super) const SAME: &str = "same inputs, same bytes";
/// Decisions that are told to people; the document has more.
const TOLD_MAX: usize = 20;

/// Decides again what is named, or everything.
pub(crate) async fn run(context: &mut Context<'_>, flags: ReplayFlags) -> Result<Ending, CommandError> {
    let times = Wanted { since: flags.since, until: flags.until, ..Wanted::default() };
    let file = flags.what.as_deref().and_then(|what| file(context, what));
    let (mut records, wanted, run) = match (file, &flags.what) {
        (Some(path), _) => (Records::of_file(&path).await?, times, None),
        (None, Some(id)) => of_run(context, id, times).await?,
        (None, None) => (of_farm(context).await?, times, None),
    };
    if let Some(run) = &run {
        context.reporter.data_fact(&Label::Run, &why::title(run));
    }
    let copy = flags.export.as_ref().map(|path| Copy::to(&context.environment.working_directory.join(path))).transpose()?;
    let (replay, written) = read(&mut records, Decisions::new(wanted), copy).await?;
    tell(context.reporter, &replay, run.as_ref());
    if let (Some(path), Some(size)) = (&flags.export, written) {
        let text = format!("{}, {}, {}", path.display(), count(replay.records, "record"), bytes(size));
        context.reporter.fact(&Label::Written, &text);
    }
    let run_id = run.map(|run| run.plan.run_id);
    Ok(ending(context.reporter, &replay, run_id))
}

/// The file that is meant: one that is there, or what cannot be an id.
fn file(context: &Context<'_>, what: &str) -> Option<PathBuf> {
    let path = context.environment.working_directory.join(what);
    (what != LAST && (what.contains(['/', '.']) || path.is_file())).then_some(path)
}

async fn of_run(context: &mut Context<'_>, id: &str, times: Wanted) -> Result<(Records, Wanted, Option<RunView>), CommandError> {
    let Named { client, farm, run, job, .. } = named::find(context, id, None).await?;
    let destination = run.jobs.iter().find(|view| job.as_ref() == Some(&view.job_id)).map(|view| view.destination);
    let wanted = Wanted { run: Some(run.plan.run_id.clone()), destination, ..times };
    Ok((records(client, &farm).await?, wanted, Some(run)))
}

async fn of_farm(context: &mut Context<'_>) -> Result<Records, CommandError> {
    let layers = context.layers(Vec::new())?;
    let connected = context.connect(&layers).await?;
    records(Arc::new(connected.client), &connected.farm).await
}

async fn records(client: Arc<FarmClient>, farm: &Farm) -> Result<Records, CommandError> {
    match Records::of_farm(client).await {
        // A farm that knows the route always has a ledger.
        Err(error) if error.code() == Some(Reason::NotFound) => {
            Err(CommandError::FeatureMissing { farm: farm.name.clone(), version: farm.version.clone(), feature: "ledger" })
        }
        outcome => Ok(outcome?),
    }
}

/// Reads to the end, or as far as anything that is wanted can be; with a copy always to the end. Gives the size of the copy, too.
async fn read(records: &mut Records, mut decisions: Decisions, mut copy: Option<Copy>) -> Result<(Replay, Option<u64>), ReplayError> {
    let place = records.place();
    while let Some(record) = records.next().await? {
        decisions.read(&record, &place)?;
        if let Some(copy) = &mut copy {
            copy.add(&record)?;
        } else if decisions.is_complete() {
            break;
        }
    }
    if decisions.records() == 0 {
        return Err(ReplayError::NoLedger { place, found: "it is empty".to_owned() });
    }
    let written = copy.map(Copy::finish).transpose()?;
    Ok((decisions.finish(), written))
}

fn tell(reporter: &mut Reporter, replay: &Replay, run: Option<&RunView>) {
    for decision in replay.decisions.iter().take(TOLD_MAX) {
        reporter.data_fact(&Label::Replay, &format!("{}: {}", what(decision, run), outcome(decision, replay.decision_version)));
        if let Some(difference) = &decision.difference {
            reporter.data_detail(&format!("recorded  {}", shown(&difference.recorded)));
            reporter.data_detail(&format!("decided   {}", shown(&difference.decided)));
        }
    }
    if replay.decisions.len() > TOLD_MAX {
        let more = (replay.decisions.len() - TOLD_MAX) as u64;
        reporter.data_detail(&format!("{}: rch replay --json", count(more, "more decision")));
    }
    if run.is_none() {
        reporter.data_fact(&Label::Replay, &tally(replay));
    } else if replay.decisions.is_empty() {
        reporter.data_fact(&Label::Replay, "no worker was chosen for it, so there is nothing to decide again");
    }
}

/// `macmini-04, chosen 09:30 UTC in record 871`.
fn what(decision: &ReplayedDecision, run: Option<&RunView>) -> String {
    let place = format!("{} in record {}", clock::time_of_day(decision.at, clock::now()), decision.ledger_seq);
    match (decision.kind, &decision.worker) {
        (DecisionKind::Selection, Some(worker)) => format!("{worker}{}, chosen {place}", whose(decision, run)),
        (DecisionKind::Selection | DecisionKind::Judgement, _) => format!("the fleet, as judged {place}"),
    }
}

/// Where it has to be said: the destination of a run that has several, the run among others.
fn whose(decision: &ReplayedDecision, run: Option<&RunView>) -> String {
    let Some(run) = run else {
        return decision.run_id.as_ref().map_or_else(String::new, |run_id| format!(" for run {run_id}"));
    };
    let several = run.plan.destinations.len() > 1;
    let planned = run.plan.destinations.iter().find(|planned| Some(planned.index) == decision.destination);
    planned.filter(|_| several).map_or_else(String::new, |planned| format!(" for {}", planned.asked.asked))
}

fn outcome(decision: &ReplayedDecision, ours: u32) -> String {
    match (decision.outcome, &decision.difference) {
        (ReplayOutcome::Same, _) => SAME.to_owned(),
        (ReplayOutcome::OtherVersion, _) => other_version(decision.decision_version, ours),
        (ReplayOutcome::Differs, Some(difference)) => format!("differs in {}", difference.member),
        (ReplayOutcome::Differs, None) => "differs".to_owned(),
    }
}

/// `decided by version 3, this build has 5`.
pub(super) fn other_version(recorded: u32, ours: u32) -> String {
    format!("decided by version {recorded}, this build has {ours}")
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => other.to_string(),
    }
}

/// `1,204 records, 411 decisions: 409 the same, 1 by other versions, 1 differs`.
fn tally(replay: &Replay) -> String {
    let all = replay.same + replay.other_version + replay.differing;
    let mut parts = vec![format!("{} the same", replay.same)];
    if replay.other_version > 0 {
        parts.push(format!("{} by other versions of the rules", replay.other_version));
    }
    if replay.differing > 0 {
        parts.push(format!("{} otherwise", replay.differing));
    }
    format!("{}, {}: {}", count(replay.records, "record"), count(all, "decision"), parts.join(", "))
}

fn ending(reporter: &mut Reporter, replay: &Replay, run_id: Option<RunId>) -> Ending {
    let ending = if replay.differing > 0 {
        let text = format!("{} not as recorded", count(replay.differing, "decision"));
        reporter.fact(&Label::Failed, &text);
        Ending::because(Why::ReplayDiffers, text)
    } else if replay.same == 0 && replay.other_version > 0 {
        let text = format!("other versions of the rules decided, this build has {}", replay.decision_version);
        reporter.fact(&Label::Failed, &text);
        reporter.detail("replay it with the rch that is as old as the farm was then");
        Ending::because(Why::Reason(Reason::UnsupportedProtocol), text)
    } else {
        Ending::success(tally(replay))
    };
    Ending { run_id, ..ending }.with_document(json!(replay))
}
