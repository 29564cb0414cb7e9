//! The documents of a run: plan, summary, and why which worker.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rch_schemas::Reason;
use rch_schemas::wire::http::RunView;

use crate::farm::{FarmClient, FarmError};

/// The largest document: evidence of a thousand workers has 64 KiB, their capabilities more.
const DOCUMENT_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// How long documents may be on their way after the run has ended: they are written after the event that ends it.
const PATIENCE: Duration = Duration::from_secs(5);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// Writes what the farm has of them into `directory`; says what could not be had.
pub(super) async fn fetch(client: &FarmClient, run: &RunView, directory: &Path) -> Option<String> {
    let mut paths = vec!["run_plan.json".to_owned()];
    paths.extend(run.state.is_terminal().then(|| "run_summary.json".to_owned()));
    for destination in run.plan.destinations.iter().filter(|destination| destination.worker.is_some()) {
        paths.push(format!("selection/{}/worker_selection.json", destination.index));
        paths.push(format!("selection/{}/capabilities.json", destination.index));
    }
    let (started, mut missing) = (Instant::now(), Vec::new());
    for path in paths {
        let bytes = loop {
            match client.run_file(&run.plan.run_id, &path, DOCUMENT_BYTES_MAX).await {
                Err(error) if may_come(&error) && started.elapsed() < PATIENCE => tokio::time::sleep(PAUSE).await,
                outcome => break outcome,
            }
        };
        let written = bytes.map_err(|error| error.to_string()).and_then(|bytes| write(&directory.join(&path), &bytes));
        if let Err(error) = written {
            missing.push(format!("{path} ({error})"));
        }
    }
    (!missing.is_empty()).then(|| format!("documents of the run that could not be had: {}", missing.join(", ")))
}

fn may_come(error: &FarmError) -> bool {
    error.is_passing() || error.code() == Some(Reason::NotFound)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::write(path, bytes)).map_err(|error| format!("cannot be written: {error}"))
}
