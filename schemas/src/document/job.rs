//! A job as it is offered to a worker, and the record of how its invocation was judged.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document;
use super::options::{ArtifactOptions, ArtifactProfile, Backend, CacheOptions, JobTimeouts};
use crate::action::Action;
use crate::digest::Sha256;
use crate::directory::TreeDirectory;
use crate::invocation::Policy;
use crate::job_key::{JobKeyInputs, ResolvedDestination, Toolchain};
use crate::requirement::{DestinationRequest, Version};

document! {
    /// Everything a worker needs to know to do a job; what the offer carries, and `job.json` in the artifact set.
    job Job = "job" @ 1 {
        /// Index of the step in the run, from 0.
        pub step: u32,
        /// What is done.
        pub action: Action,
        /// Canonical xcodebuild arguments, without `-destination`.
        pub argv: Vec<String>,
        /// The arguments as given.
        pub original_argv: Vec<String>,
        /// Arguments that are the farm's to decide, with the reason.
        pub dropped: Vec<JudgedArgument>,
        /// The policy the arguments were judged by.
        pub policy: Policy,
        /// The destination as asked and as resolved.
        pub destination: JobDestination,
        /// The version of the chosen Xcode, for people; its identity is in `toolchain`.
        pub xcode_version: Version,
        /// The tools that will run.
        pub toolchain: Toolchain,
        /// Everything that is hashed into `job_key`.
        pub job_key_inputs: JobKeyInputs,
        /// The least that the artifact set must hold.
        pub artifact_profile: ArtifactProfile,
        /// How long what may take.
        pub timeouts: JobTimeouts,
        /// What may be reused.
        pub cache: CacheOptions,
        /// What is kept beside the minimum.
        pub artifacts: ArtifactOptions,
        /// What drives Xcode.
        pub backend: Backend,
        /// The protocol version fixed when the run was submitted.
        pub protocol_version: u32,
        /// The merged, redacted configuration; never in the key.
        pub effective_config: EffectiveConfig,
        /// Digest of the evidence for the choice of worker.
        pub evidence_sha256: Sha256,
        /// Digest of the facts the choice was made by.
        pub capabilities_sha256: Sha256,
        /// Where the source is.
        pub recipe: RecipeRef,
    }
}

/// A destination as asked and as resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobDestination {
    /// Index of the destination in its run; names the evidence for the choice of worker.
    pub index: u32,
    /// As the user wrote it.
    pub asked: DestinationRequest,
    /// With nothing left to choose.
    pub resolved: ResolvedDestination,
}

/// A stored source tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecipeRef {
    /// `source_sha256`: digest of the tar that the chunks concatenate to.
    pub sha256: Sha256,
    /// Digest of the recipe, which names its object.
    pub recipe_sha256: Sha256,
    /// Number of chunks.
    pub chunks: u32,
    /// Size of the tar in bytes.
    pub bytes: u64,
}

/// The configuration a run was submitted with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EffectiveConfig {
    /// The merged values, secrets replaced.
    pub values: serde_json::Value,
    /// The contributing sources, weakest first, each with the digest of its bytes when it is a file.
    #[serde(default)]
    pub sources: Vec<ConfigSource>,
    /// What was replaced.
    #[serde(default)]
    pub redactions: Vec<Redaction>,
}

/// A layer that contributed to the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigSource {
    /// The layer's name, or which file: `~/.config/rch/config.toml`, or a path from the tree's root. Never a path of the client's machine.
    pub name: String,
    /// Digest of its bytes; absent for layers that are not files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256>,
}

/// A value that was replaced because it may be secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Redaction {
    /// The dotted key.
    pub key: String,
}

document! {
    /// How the command line was judged, and what ran.
    job Invocation = "invocation" @ 1 {
        /// The arguments as given.
        pub original_argv: Vec<String>,
        /// The canonical arguments.
        pub sanitized_argv: Vec<String>,
        /// The accepted action.
        pub action: Action,
        /// Arguments that are the farm's to decide, with the reason; not executed.
        pub dropped: Vec<JudgedArgument>,
        /// Arguments that were refused, with the reason.
        pub rejected: Vec<JudgedArgument>,
        /// The policy that judged.
        pub policy: Policy,
        /// Digest of the policy.
        pub policy_sha256: Sha256,
        /// Each command line as it was run, the program first.
        pub effective_argv: Vec<Vec<String>>,
        /// Names of the variables the backend ran with; never values.
        pub environment: BTreeSet<String>,
        /// The directory of the tree it ran in; absent for the root.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub directory: Option<TreeDirectory>,
    }
}

/// An argument with what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JudgedArgument {
    /// The argument, with its value.
    pub argument: String,
    /// Why it was dropped or refused; when refused, with what to write instead.
    pub reason: String,
}
