//! Farms to test.

use std::path::Path;
use std::sync::OnceLock;

use rch_local::{AgentPlan, Farm, FarmPlan};
use rch_xcode_sim::Machine;

/// The one binary that is every program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_rch-farm");
/// Enough slots for tests that run side by side, some of them with a job that never ends.
const SLOTS: u32 = 8;

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

/// Starts a farm of one test's own. It ends when dropped.
pub(crate) fn start_farm(plan: FarmPlan) -> Farm {
    plan.start().unwrap_or_else(|error| {
        let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        panic!("{}", causes.map(ToString::to_string).collect::<Vec<_>>().join("\nbecause "))
    })
}
