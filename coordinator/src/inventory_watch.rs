//! The inventory file, read again when it changes.

use std::path::Path;
use std::time::{Duration, SystemTime};

use rch_scheduler::FarmConfig;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::config::read_inventory;
use crate::health::{Board, Source};

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Sends a new configuration whenever the inventory at `path` says something else. A file that cannot be read changes nothing: the farm goes on
/// with what it had, and health says so.
pub(crate) async fn watch_inventory(path: &Path, farm: watch::Sender<FarmConfig>, board: Board, shutdown: CancellationToken) {
    let mut seen = modified(path);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let now = modified(path);
        if now == seen && now.is_some() {
            continue;
        }
        seen = now;
        match read_inventory(path) {
            Ok(inventory) => {
                board.set(Source::Inventory, None);
                let changed = farm.send_if_modified(|config| {
                    let differs = config.inventory != inventory;
                    config.inventory = inventory;
                    differs
                });
                if changed {
                    tracing::info!(path = %path.display(), "inventory changed");
                }
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "inventory not read, the farm goes on with the last one");
                board.set(Source::Inventory, Some(format!("{error}; the farm goes on with what it said before")));
            }
        }
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}
