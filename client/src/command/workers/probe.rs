//! `rch workers probe NAME`: has a worker read its machine again, and says what came of it.

use std::time::{Duration, Instant};

use rch_schemas::wire::http::WorkerView;
use serde_json::json;

use super::find;
use crate::command::Context;
use crate::error::CommandError;
use crate::output::{Ending, Label, duration};

/// Between two looks whether the answer is there.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Reading a Mac takes seconds; the tools that hang have timeouts of their own.
const ANSWER_WITHIN: Duration = Duration::from_secs(90);

/// Asks the agent, and waits for its capabilities.
pub(super) async fn run(context: &mut Context<'_>, name: &str) -> Result<Ending, CommandError> {
    let layers = context.layers(Vec::new())?;
    let client = context.connect(&layers).await?.client;
    let before = find(&client, name).await?;
    let name = before.worker.clone();
    let asked = Instant::now();
    let mut worker = client.probe(&name).await?;
    while !is_newer(&worker, asked.elapsed()) {
        let why = worker.probe_failure.clone().filter(|_| worker.probe_failure != before.probe_failure);
        let late = asked.elapsed() > ANSWER_WITHIN;
        if let Some(why) = why.or_else(|| late.then(|| format!("nothing came within {} s", ANSWER_WITHIN.as_secs()))) {
            return Err(CommandError::NotProbed { worker: name, why });
        }
        context.reporter.live(Some((&Label::Probed, &format!("{name} reads its machine"))));
        tokio::time::sleep(LOOK_EVERY).await;
        worker = client.worker(&name).await?;
    }
    context.reporter.live(None);
    let same = if worker.capabilities_sha256 == before.capabilities_sha256 { "as before" } else { "not as before" };
    let can = format!("Xcode {}, macOS {}", worker.xcodes.join(" and "), worker.macos.as_deref().unwrap_or("unknown"));
    let text = format!("{name} in {}: {can}; {same}", duration(asked.elapsed()));
    context.reporter.fact(&Label::Probed, &text);
    Ok(Ending::success(text).with_document(json!({ "worker": worker })))
}

/// Whether its capabilities were confirmed since it was asked.
fn is_newer(worker: &WorkerView, since_asked: Duration) -> bool {
    worker.capabilities_age_ms.is_some_and(|age| Duration::from_millis(age) < since_asked)
}
