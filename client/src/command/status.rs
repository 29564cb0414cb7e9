//! `rch status`: farm, durability, workers.

use std::collections::BTreeMap;

use rch_schemas::document::Farm;
use rch_schemas::wire::http::{Health, WorkerView};
use serde_json::json;

use super::{Context, workers};
use crate::error::CommandError;
use crate::output::Ending;

/// Says how the farm is.
pub(crate) async fn run(context: &mut Context<'_>) -> Result<Ending, CommandError> {
    let layers = context.layers(Vec::new())?;
    let connected = context.connect(&layers).await?;
    let health = connected.client.health().await?;
    let workers = connected.client.workers().await?;
    context.reporter.data_lines(&lines(&connected.farm, &health, &workers));
    let document = json!({ "farm": connected.farm, "health": health, "workers": workers });
    Ok(Ending::success(if health.ready { "placing jobs" } else { "not ready" }).with_document(document))
}

fn lines(farm: &Farm, health: &Health, workers: &[WorkerView]) -> Vec<String> {
    let placing = if health.ready { "placing jobs" } else { "not ready" };
    let leads = if health.leader { "this coordinator leads" } else { "this coordinator does not lead" };
    let durable = match farm.durability.as_str() {
        "synced" => "yes: acknowledged work survives a power cut".to_owned(),
        "degraded" => "no: NATS does not sync every write; set sync_interval: always".to_owned(),
        other => format!("{other}: nobody could be asked whether NATS syncs every write"),
    };
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    for worker in workers {
        *states.entry(workers::state(worker)).or_default() += 1;
    }
    let states: Vec<String> = states.iter().map(|(state, count)| format!("{count} {state}")).collect();
    let busy: usize = workers.iter().map(|worker| worker.running.len()).sum();
    let slots: u32 = workers.iter().map(|worker| worker.slots).sum();
    let states = if states.is_empty() { "none in the inventory".to_owned() } else { states.join(", ") };
    let mut lines = vec![
        format!("Farm      {}: {placing}; {leads}, rch {}, record {}", farm.name, farm.version, health.ledger_seq),
        format!("Durable   {durable}"),
        format!("Workers   {}: {states}; {busy} of {slots} slots busy", workers.len()),
    ];
    if !health.problems.is_empty() {
        lines.extend([String::new(), "NEEDS YOU".to_owned()]);
        lines.extend(health.problems.iter().cloned());
    }
    lines
}
