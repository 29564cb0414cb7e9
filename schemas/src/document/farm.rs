//! What a farm says of itself, and what the command line says of a run.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document;
use super::options::SelectionMode;
use crate::digest::Sha256;
use crate::id::{JobId, RunId, WorkerName};
use crate::protocol::ProtocolRange;
use crate::seal::PublicKey;

document! {
    /// What a client needs to know before it submits; `GET /v1/farm`.
    farm Farm = "farm" @ 1 {
        /// The farm's name, for people.
        pub name: String,
        /// Version of the coordinator.
        pub version: String,
        /// The protocol versions the coordinator speaks.
        pub protocol: ProtocolRange,
        /// Operations and abilities of the coordinator.
        pub features: Vec<String>,
        /// How workers are chosen unless a run says otherwise.
        pub selection: SelectionMode,
        /// Whether acknowledged work survives a power cut: `synced`, `degraded` or `unknown`.
        pub durability: String,
        /// The key that signs evidence and the coordinator's own sets.
        pub public_key: PublicKey,
        /// The keys of enrolled workers.
        pub worker_keys: Vec<WorkerKey>,
        /// Digest of the invocation policy.
        pub policy_sha256: Sha256,
        /// The invocation policy itself: what the farm allows beside the built-in table.
        pub policy: crate::invocation::Policy,
        /// What runs are configured with unless they say otherwise: dotted keys of the client's configuration, such as
        /// `timeouts.queue_seconds`, to their values. A client leaves out keys that it does not know.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pub defaults: BTreeMap<String, serde_json::Value>,
    }
}

/// The pinned key of a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkerKey {
    /// The worker.
    pub worker: WorkerName,
    /// Its key.
    pub public_key: PublicKey,
}

document! {
    /// One line of `rch --json`; the last line of a command is always its result.
    farm CliEvent = "cli_event" @ 1 {
        /// What happened.
        pub event: CliEventBody,
    }
}

/// What a line of `rch --json` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CliEventBody {
    /// A fact or a change, with the word and the text that a person would see.
    Progress {
        /// Such as `Bundling` or `Worker`.
        label: String,
        /// The text beside it.
        text: String,
    },
    /// A line of the job's log.
    Log {
        /// The job.
        job_id: JobId,
        /// The line, without its end.
        line: String,
    },
    /// The last line: how the command ended.
    Result {
        /// The exit code.
        exit_code: u8,
        /// A failure's code; absent on success.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
        /// One sentence.
        message: String,
        /// The run, when there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run_id: Option<RunId>,
        /// The document the command was asked for, when it was asked for one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        document: Option<serde_json::Value>,
    },
}
