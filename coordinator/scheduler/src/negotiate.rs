//! Which protocol version the farm shares with a client, and with an agent.
//!
//! The farm's own range is part of its recorded configuration, so that a replay by another build sees the same.

use rch_schemas::protocol::ProtocolRange;
use rch_schemas::wire::WireError;
use rch_schemas::wire::http::Problem;
use rch_schemas::{Reason, WorkerName};

use crate::config::FarmConfig;
use crate::run::Run;
use crate::worker::Session;

/// The refusal of a client that shares no protocol version with the farm; names both, and the side that is to be upgraded.
pub fn protocol_problem(rch_version: &str, client: ProtocolRange, farm: ProtocolRange) -> Option<Problem> {
    if client.intersect(farm).is_some() {
        return None;
    }
    let version = env!("CARGO_PKG_VERSION");
    let mut problem =
        Problem::new(422, Reason::UnsupportedProtocol, format!("rch {rch_version} speaks protocol {client}, the farm speaks {farm}"));
    problem.fix = Some(if client.is_behind(farm) {
        format!("upgrade rch to version {version}, which the farm has, or newer")
    } else {
        format!("upgrade the farm's coordinator, which has version {version}, or use an older rch")
    });
    Some(problem)
}

/// What an agent that shares no version with the farm is told; `None` when they share one.
pub(crate) fn agent_problem(worker: &WorkerName, session: (&str, ProtocolRange), farm: ProtocolRange) -> Option<WireError> {
    let (agent_version, agent) = session;
    if agent.intersect(farm).is_some() {
        return None;
    }
    let fix = if agent.is_behind(farm) { "upgrade the agent" } else { "upgrade the farm's coordinator, or use an older agent" };
    let message = format!("rch-agent {agent_version} of {worker} speaks protocol {agent}, the farm speaks {farm}; {fix}");
    Some(WireError::new(Reason::UnsupportedProtocol, message))
}

impl Session {
    /// The version of what is said to this agent beside its runs: the highest that it shares with a farm of this range.
    pub fn version(&self, farm: ProtocolRange) -> Option<u32> {
        self.protocol.intersect(farm).map(|common| common.max)
    }
}

impl Run {
    /// Whether what the run was promised at submit is still spoken on both sides.
    pub(crate) fn is_spoken(&self, config: &FarmConfig, session: &Session) -> bool {
        config.protocol.contains(self.protocol_version) && session.protocol.contains(self.protocol_version)
    }
}
