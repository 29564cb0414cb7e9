//! `rch status`: farm, durability, workers, queue, and what needs a person.

use std::collections::BTreeMap;
use std::time::Duration;

use rch_schemas::Timestamp;
use rch_schemas::document::{Farm, Queue, RunState};
use rch_schemas::wire::http::{Because, Health, Intake, Liveness, RunLine, WorkerView};
use serde_json::json;

use super::{Context, queue, workers};
use crate::clock;
use crate::error::CommandError;
use crate::output::{Ending, count, grouped, table};

/// Waiting jobs that are shown; the rest is told by `rch queue`.
const WAITING_SHOWN: u32 = 10;
/// Runs that are counted; a farm that has more in a day is told so.
const RUNS_COUNTED: u32 = 1_000;
const DAY: Duration = Duration::from_hours(24);

/// What the farm said.
struct Told {
    farm: Farm,
    health: Health,
    workers: Vec<WorkerView>,
    /// Or why it is not known.
    queue: Result<Queue, String>,
    runs: Vec<RunLine>,
}

/// Says how the farm is.
pub(crate) async fn run(context: &mut Context<'_>) -> Result<Ending, CommandError> {
    let layers = context.layers(Vec::new())?;
    let connected = context.connect(&layers).await?;
    let (client, farm) = (connected.client, connected.farm);
    let told = Told {
        health: client.health().await?,
        workers: client.workers().await?,
        // A coordinator that does not lead, or is older, can still say all the rest.
        queue: client.queue(None, WAITING_SHOWN).await.map_err(|error| error.to_string()),
        runs: client.runs(RUNS_COUNTED).await?,
        farm,
    };
    context.reporter.data_lines(&lines(&told, clock::now()));
    let document = json!({ "farm": told.farm, "health": told.health, "workers": told.workers, "queue": told.queue.as_ref().ok() });
    Ok(Ending::success(if told.health.ready { "placing jobs" } else { "not ready" }).with_document(document))
}

fn lines(told: &Told, now: Timestamp) -> Vec<String> {
    let Told { farm, health, workers, queue, runs } = told;
    let placing = if health.ready { "placing jobs" } else { "not ready" };
    let leads = if health.leader { "this coordinator leads" } else { "this coordinator does not lead" };
    let durable = match farm.durability.as_str() {
        "synced" => "yes: acknowledged work survives a power cut".to_owned(),
        "degraded" => "no: NATS does not sync every write; set sync_interval: always".to_owned(),
        other => format!("{other}: nobody could be asked whether NATS syncs every write"),
    };
    let mut lines = vec![
        format!("Farm      {}: {placing}; {leads}, rch {}, record {}", farm.name, farm.version, health.ledger_seq),
        format!("Durable   {durable}"),
        format!("Workers   {}", fleet(workers)),
        match queue {
            Ok(queue) => format!("Queue     {}", queue::summary(queue)),
            Err(error) => format!("Queue     not known: {error}"),
        },
        format!("Today     {}", day(runs, now)),
    ];
    if let Ok(queue) = queue
        && !queue.jobs.is_empty()
    {
        lines.push(String::new());
        lines.extend(queue::rows("WAITING", &queue.jobs));
        let hidden = u64::from(queue.waiting).saturating_sub(queue.jobs.len() as u64);
        lines.extend((hidden > 0).then(|| format!("{}: rch queue", count(hidden, "more job"))));
    }
    let needs = needs(told);
    if !needs.is_empty() {
        lines.extend([String::new(), "NEEDS YOU".to_owned()]);
        lines.extend(needs);
    }
    lines
}

fn fleet(workers: &[WorkerView]) -> String {
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    for worker in workers {
        *states.entry(workers::state(worker)).or_default() += 1;
    }
    let states: Vec<String> = states.iter().map(|(state, count)| format!("{count} {state}")).collect();
    let busy: usize = workers.iter().map(|worker| worker.running.len()).sum();
    let slots: u32 = workers.iter().map(|worker| worker.slots).sum();
    let states = if states.is_empty() { "none in the inventory".to_owned() } else { states.join(", ") };
    format!("{}: {states}; {busy} of {slots} slots busy", workers.len())
}

/// `412 runs in 24 h: 371 succeeded, 33 failed, 8 cancelled`.
fn day(runs: &[RunLine], now: Timestamp) -> String {
    let age = |run: &RunLine| Duration::from_millis(u64::try_from(now.unix_ms() - run.accepted_at.unix_ms()).unwrap_or(0));
    let of_today: Vec<_> = runs.iter().filter(|run| age(run) < DAY).collect();
    let mut states: BTreeMap<RunState, u64> = BTreeMap::new();
    for run in &of_today {
        *states.entry(run.state).or_default() += 1;
    }
    let order = [RunState::Succeeded, RunState::Failed, RunState::Cancelled, RunState::Rejected, RunState::Running, RunState::Queued];
    let counts = order.iter().filter_map(|state| Some(format!("{} {}", grouped(*states.get(state)?), state.as_str())));
    let counts: Vec<String> = counts.collect();
    let all = if of_today.len() >= RUNS_COUNTED as usize { "the newest " } else { "" };
    let colon = if counts.is_empty() { "" } else { ": " };
    format!("{all}{} in 24 h{colon}{}", count(of_today.len() as u64, "run"), counts.join(", "))
}

/// What a person must see to, with what to type.
fn needs(told: &Told) -> Vec<String> {
    let of_worker = |worker: &WorkerView| {
        let name = &worker.worker;
        let show = format!("rch workers show {name}");
        let what = match (worker.liveness, worker.intake) {
            (Liveness::Lost, _) => {
                let since = worker.seen_ms.map_or_else(String::new, |seen| format!(", silent for {}", crate::output::wait::elapsed(seen)));
                format!("lost{since}")
            }
            (_, Intake::Quarantined) => "quarantined".to_owned(),
            (Liveness::Online | Liveness::Suspect | Liveness::Unknown, Intake::Open | Intake::Draining) => return None,
        };
        Some([name.to_string(), format!("{what}{}", held_up(told, worker)), show])
    };
    let rows: Vec<[String; 3]> = told.workers.iter().filter_map(of_worker).collect();
    let rows = if rows.is_empty() { Vec::new() } else { table(["", "", ""], &[], &rows).split_off(1) };
    told.health.problems.iter().cloned().chain(rows).collect()
}

/// `, holds up 2 jobs`, as far as the jobs that were told say so.
fn held_up(told: &Told, worker: &WorkerView) -> String {
    let waits = |because| matches!(because, Some(Because::Quarantined | Because::Offline));
    let jobs = told.queue.iter().flat_map(|queue| &queue.jobs);
    let held = jobs.filter(|job| job.waiting.worker.as_ref() == Some(&worker.worker) && waits(job.waiting.because)).count();
    if held == 0 { String::new() } else { format!(", holds up {}", count(held as u64, "job")) }
}
