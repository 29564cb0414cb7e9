//! Farms to test.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use rch_local::{AgentPlan, Farm, FarmPlan};
use rch_tests::fresh_bucket;
use rch_xcode_sim::Machine;

use super::files::paths;

/// The one binary that is every program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_rch-farm");
/// Enough slots for tests that run side by side, some of them with a job that never ends.
const SLOTS: u32 = 8;

/// Where farms keep their stores: `file`, as when it is not set, or `s3`.
const STORE_VARIABLE: &str = "RCH_E2E_STORE";
/// How much of a log a failed test shows.
const TAIL_LINES: usize = 40;

/// The farm of all tests that leave their farm as it was: two agents with different Xcodes. It ends with this process, by its keeper.
pub(crate) fn shared() -> &'static Farm {
    static SHARED: OnceLock<Farm> = OnceLock::new();
    SHARED.get_or_init(|| {
        let first = AgentPlan::simulated("macmini-01", Machine::xcode_16_2());
        let second = AgentPlan::simulated("macmini-02", Machine::xcode_16_4());
        let agents = [first, second].map(|agent| agent.slots(SLOTS).setting("kill_grace_seconds", 1));
        start_farm(agents.into_iter().fold(FarmPlan::new(Path::new(PROGRAM)), FarmPlan::agent))
    })
}

/// Starts a farm of one test's own. It ends when dropped. Its store is where the test wants it, else where [`STORE_VARIABLE`] says.
pub(crate) fn start_farm(plan: FarmPlan) -> Farm {
    let plan = if plan.store_bucket().is_none() && is_store_in_bucket() { plan.bucket(fresh_bucket(Path::new(PROGRAM))) } else { plan };
    plan.start().unwrap_or_else(|error| panic!("{}", causes(&error)))
}

/// Whether farms keep their stores in buckets.
fn is_store_in_bucket() -> bool {
    match std::env::var(STORE_VARIABLE).as_deref() {
        Ok("s3") => true,
        Ok("file") | Err(_) => false,
        Ok(other) => panic!("{STORE_VARIABLE} is {other:?}, expected file or s3"),
    }
}

/// An error with what led to it.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.extend(["\nbecause ".to_owned(), error.to_string()]);
        cause = error.source();
    }
    text
}

/// The last lines of every log of the farm in `directory`, for the words of a test that failed.
pub(crate) fn tails(directory: &Path) -> String {
    let mut text = String::new();
    for path in paths(&directory.join("logs")) {
        let log = fs::read(&path).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
        text.extend(["\n--- ", path.to_str().unwrap(), "\n", &last, "\n"]);
    }
    text
}
