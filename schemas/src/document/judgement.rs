//! The fleet against one requirement: what many selections share.
//!
//! Workers that were judged alike share a row, so that a thousand Macs of a few kinds take some tens of kilobytes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::WorkerName;
use crate::job_key::{ResolvedDestination, Toolchain};
use crate::protocol::ProtocolRange;
use crate::reason::Reason;
use crate::requirement::{Requirement, Version};

/// Hexadecimal digits of a digest of facts that a row gives for each of its workers: enough to tell snapshots apart.
pub const CAPABILITIES_DIGITS: usize = 16;

/// Every worker of the inventory against one requirement, by what is recorded of it; shared by all selections that ask the same until the
/// fleet changes.
///
/// Candidates rank by priority, the lower number first, then by name, over all rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FleetJudgement {
    /// Version of the rules that judged.
    pub decision_version: u32,
    /// Counts changes of the fleet.
    pub fleet_version: u64,
    /// What was asked.
    pub requirement: Requirement,
    /// The protocol version that was asked for.
    pub protocol_version: u32,
    /// What candidates make of the requirement, each once; rows name them by index.
    pub resolutions: Vec<Resolution>,
    /// Every worker: rows with candidates by rank of their first, then the others by name of their first.
    pub workers: Vec<ConsideredWorkers>,
}

/// What a worker makes of a requirement. Workers whose toolchain and destination are equal give the same job key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resolution {
    /// The version of the Xcode, for people; its identity is in `toolchain`.
    pub xcode_version: Version,
    /// The tools.
    pub toolchain: Toolchain,
    /// The destination with nothing left to choose.
    pub resolved: ResolvedDestination,
    /// What was decided on the way that the user may want to know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
}

/// Workers that were judged alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConsideredWorkers {
    /// The first of them.
    pub worker: WorkerName,
    /// The others, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<WorkerName>,
    /// Their priority in the inventory; the lower number goes first.
    pub priority: u32,
    /// The rank of the first, from 1; absent for workers that were excluded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u32>,
    /// Index of what they make of the requirement; absent where something lasting is in the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<u32>,
    /// Why they were excluded, most telling first; empty for candidates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<Verdict>,
    /// What would make the first a candidate and at which rank; absent for candidates and where nothing simple would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterfactual: Option<String>,
    /// The first 16 digits of the digest of each one's facts, `worker` first; empty when they never announced any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// The protocol versions their agents speak.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<ProtocolRange>,
}

/// One reason why a worker will not do, with the two values that were compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The code.
    pub code: Reason,
    /// What was required.
    pub required: String,
    /// What the worker has.
    pub found: String,
}

impl Resolution {
    /// Whether both give the same job key.
    pub fn has_key_of(&self, other: &Self) -> bool {
        self.toolchain == other.toolchain && self.resolved == other.resolved
    }
}

impl ConsideredWorkers {
    /// All of them, by name.
    pub fn names(&self) -> impl Iterator<Item = &WorkerName> {
        [&self.worker].into_iter().chain(&self.others)
    }

    /// How many they are.
    pub fn count(&self) -> usize {
        self.others.len() + 1
    }

    /// Whether they could be chosen.
    pub fn is_candidate(&self) -> bool {
        self.rank.is_some()
    }
}

impl FleetJudgement {
    /// Candidates in order of rank, each with its row.
    pub fn ranked(&self) -> Vec<(&WorkerName, &ConsideredWorkers)> {
        let rows = self.workers.iter().filter(|row| row.is_candidate());
        let mut ranked: Vec<_> = rows.flat_map(|row| row.names().map(move |name| (name, row))).collect();
        ranked.sort_by_key(|(name, row)| (row.priority, *name));
        ranked
    }

    /// How many workers were considered.
    pub fn considered(&self) -> usize {
        self.workers.iter().map(ConsideredWorkers::count).sum()
    }

    /// The row of a worker.
    pub fn row_of(&self, worker: &WorkerName) -> Option<&ConsideredWorkers> {
        self.workers.iter().find(|row| row.names().any(|name| name == worker))
    }

    /// What workers of a row make of the requirement.
    pub fn resolution(&self, row: &ConsideredWorkers) -> Option<&Resolution> {
        self.resolutions.get(row.resolution? as usize)
    }
}
