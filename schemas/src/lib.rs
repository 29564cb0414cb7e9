//! What two programs of the farm must agree on, and nothing else.
//!
//! Ids, digests, the job key, the table of reasons, every JSON document, the classification of an `xcodebuild` invocation, seals
//! (manifest and attestation) and the messages on the wire. Everything here is pure: no I/O, no clock, no randomness, so a value means the
//! same in client, coordinator and agent, and can be hashed by each of them to the same bytes.
//!
//! It deliberately does not know where a document is stored, how a message travels, or what a scheduler does with either.

pub mod action;
pub mod capabilities;
pub mod compatibility;
pub mod destination;
pub mod digest;
pub mod directory;
pub mod document;
pub mod environment;
pub mod id;
pub mod invocation;
pub mod job_key;
pub mod protocol;
pub mod reason;
pub mod registry;
pub mod requirement;
pub mod seal;
pub mod time;
pub mod wire;

pub use action::Action;
pub use digest::Sha256;
pub use directory::TreeDirectory;
pub use id::{Attempt, ClaimId, JobId, LedgerId, LedgerSeq, RecordId, RequestId, RunId, RunLabel, SessionId, Tick, WorkerName};
pub use job_key::{JobKey, JobKeyInputs};
pub use reason::{FailureKind, Reason, RetryClass};
pub use time::Timestamp;
