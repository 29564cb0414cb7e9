//! One record of the ledger: everything that one append made true.

use rch_scheduler::{Event, Stamp};
use rch_schemas::{LedgerId, LedgerSeq, RecordId, RequestId, Sha256, Tick, Timestamp};
use serde::{Deserialize, Serialize};

/// The version of record and events that this build writes, and the highest it reads.
pub(crate) const LEDGER_VERSION: u32 = 1;

/// One record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the fields are the members of the record")]
pub(crate) struct Record {
    /// The version its events are written in.
    pub(crate) ledger_version: u32,
    /// The ledger it belongs to.
    pub(crate) ledger_id: LedgerId,
    /// Random: how a leader knows its own append again.
    pub(crate) record_id: RecordId,
    /// SHA-256 of the bytes of the record before; absent in the first.
    pub(crate) previous_sha256: Option<Sha256>,
    /// The leader's term; 0 only before the first leader.
    pub(crate) term: u64,
    /// The leader's version.
    pub(crate) build: String,
    /// When it was decided.
    pub(crate) now: Now,
    /// The commands that were decided, in order.
    pub(crate) commands: Vec<RecordedCommand>,
}

/// Farm time and wall time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Now {
    /// For deadlines.
    pub(crate) tick: Tick,
    /// For people.
    pub(crate) wall: Timestamp,
}

/// A command with what it made happen; without events it is there because its answer had to wait for a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordedCommand {
    /// Who asked.
    pub(crate) actor: String,
    /// The id of the request, when it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) request_id: Option<RequestId>,
    /// What happened, in order.
    pub(crate) events: Vec<Event>,
}

impl Record {
    /// The bytes that are appended, and hashed by the next record.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("events serialize: their maps have text keys")
    }

    /// What its events were decided with, when it is record `seq`.
    pub(crate) fn stamp(&self, seq: LedgerSeq) -> Stamp {
        Stamp { seq, tick: self.now.tick, wall: self.now.wall }
    }

    /// All its events in order.
    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> {
        self.commands.iter().flat_map(|command| &command.events)
    }
}
