//! The configuration that decisions use. It enters as a command and is recorded, so that replay decides by what was in force then.

use std::collections::{BTreeMap, BTreeSet};

use rch_schemas::WorkerName;
use rch_schemas::invocation::Policy;
use rch_schemas::protocol::ProtocolRange;
use rch_schemas::seal::PublicKey;
use serde::{Deserialize, Serialize};

/// What an operator decides about the farm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FarmConfig {
    /// The workers that belong to the farm.
    pub inventory: BTreeMap<WorkerName, InventoryEntry>,
    /// The protocol versions that the coordinator's build speaks: what a run was promised must be the same in a replay by another build.
    #[serde(default = "first_protocol")]
    pub protocol: ProtocolRange,
    /// Workers that were removed by hand while the inventory file still names them, with the key that it pins.
    #[serde(default)]
    pub removed: BTreeMap<WorkerName, PublicKey>,
    /// What invocations may say beside the built-in table.
    pub policy: Policy,
    /// Attempts of a job that may reach Running.
    pub max_attempts: u32,
    /// Refusals of a job before it fails with the last one's code.
    pub max_refusals: u32,
    /// Age at which capabilities no longer count, in milliseconds.
    pub probe_ttl_ms: u64,
    /// Silence after which a worker gets no offers, in milliseconds.
    pub suspect_after_ms: u64,
    /// Silence after which a worker's attempts are fenced, in milliseconds.
    pub lost_after_ms: u64,
    /// Time to claim an offer, in milliseconds.
    pub claim_within_ms: u64,
    /// What the coordinator adds to a job's overall timeout before it fences the attempt itself, in milliseconds: the budgets of all other
    /// phases, and slack.
    pub attempt_slack_ms: u64,
    /// How long a run waits for chunks to be uploaded again, in milliseconds.
    pub source_within_ms: u64,
    /// How long ended runs stay in the state, in milliseconds: as long as a repeated request id must find them.
    pub keep_ended_ms: u64,
    /// Who goes first.
    #[serde(default)]
    pub queue: QueueConfig,
}

/// In which order jobs get slots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueConfig {
    /// How much of the farm a requester gets, compared with others; 1 for those who are not named.
    pub weights: BTreeMap<String, u32>,
    /// How long a job waits in a band before it counts as of the next, in milliseconds.
    pub age_ms: u64,
}

impl Default for QueueConfig {
    /// Everybody gets the same, and after twenty minutes a batch job competes with what people sit and wait for.
    fn default() -> Self {
        Self { weights: BTreeMap::new(), age_ms: 10 * 60_000 }
    }
}

impl Default for FarmConfig {
    /// The farm's defaults (spec 2.6): 15 s to suspect, 60 s to lost (Macs stall under swap), 60 s to claim, two attempts, ten refusals, 14 days.
    fn default() -> Self {
        Self {
            inventory: BTreeMap::new(),
            protocol: ProtocolRange::OURS,
            removed: BTreeMap::new(),
            policy: Policy::default(),
            max_attempts: 2,
            max_refusals: 10,
            probe_ttl_ms: 300_000,
            suspect_after_ms: 15_000,
            lost_after_ms: 60_000,
            claim_within_ms: 60_000,
            attempt_slack_ms: 45 * 60_000,
            source_within_ms: 120_000,
            keep_ended_ms: 14 * 24 * 3_600_000,
            queue: QueueConfig::default(),
        }
    }
}

/// What was spoken when the range was not yet recorded.
fn first_protocol() -> ProtocolRange {
    ProtocolRange { min: 1, max: 1 }
}

/// One worker of the inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryEntry {
    /// The lower number goes first.
    pub priority: u32,
    /// What jobs may ask for.
    pub tags: BTreeSet<String>,
    /// The only key whose attestations count.
    pub public_key: PublicKey,
}
