//! One record of the ledger: everything that one append made true.

use rch_schemas::{LedgerId, LedgerSeq, RecordId, RequestId, Sha256, Tick, Timestamp};
use serde::{Deserialize, Serialize};

use crate::command::Stamp;
use crate::event::Event;

/// The version of record and events that this build writes, and the highest it reads.
pub const LEDGER_VERSION: u32 = 1;

/// One record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The version its events are written in.
    pub ledger_version: u32,
    /// The ledger it belongs to.
    pub ledger_id: LedgerId,
    /// Random: how a leader knows its own append again.
    pub record_id: RecordId,
    /// SHA-256 of the bytes of the record before; absent in the first.
    pub previous_sha256: Option<Sha256>,
    /// The leader's term; 0 only before the first leader.
    pub term: u64,
    /// The leader's version.
    pub build: String,
    /// When it was decided.
    pub now: Now,
    /// The commands that were decided, in order.
    pub commands: Vec<RecordedCommand>,
}

/// Farm time and wall time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Now {
    /// For deadlines.
    pub tick: Tick,
    /// For people.
    pub wall: Timestamp,
}

/// A command with what it made happen; without events it is there because its answer had to wait for a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedCommand {
    /// Who asked.
    pub actor: String,
    /// The id of the request, when it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// What happened, in order.
    pub events: Vec<Event>,
}

impl Record {
    /// The bytes that are appended, and hashed by the next record.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("events serialize: their maps have text keys")
    }

    /// What its events were decided with, when it is record `seq`.
    pub fn stamp(&self, seq: LedgerSeq) -> Stamp {
        Stamp { seq, tick: self.now.tick, wall: self.now.wall }
    }

    /// All its events in order.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.commands.iter().flat_map(|command| &command.events)
    }
}
