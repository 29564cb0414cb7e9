//! A source tree as data: its recipe (how it is stored) and its manifest (what is in it).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document;
use crate::digest::Sha256;

document! {
    /// The chunks whose concatenation is a canonical tar. Reassembly is concatenation, so other cut points never make another tree.
    farm Recipe = "recipe" @ 1 {
        /// SHA-256 of the whole tar; for a source tree its `source_sha256`.
        pub sha256: Sha256,
        /// Size of the whole tar in bytes.
        pub size: u64,
        /// How the cuts were made, such as `fastcdc2020-1-0-131072-524288-2097152`.
        pub chunking: String,
        /// The chunks, in order.
        pub chunks: Vec<RecipeChunk>,
    }
}

impl Recipe {
    /// The digest under which the recipe is stored: of what it says, not of when it was written. A wrong recipe for a right source digest
    /// thus has another name, and poisons nobody but its sender.
    pub fn digest(&self) -> Sha256 {
        let body = serde_json::json!({ "sha256": self.sha256, "size": self.size, "chunking": self.chunking, "chunks": self.chunks });
        Sha256::of_canonical(&body).expect("sizes of files are far below 2^53")
    }
}

/// One chunk of a recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct RecipeChunk {
    /// SHA-256 of the plain chunk.
    pub sha256: Sha256,
    /// Size of the plain chunk in bytes.
    pub size: u32,
}

document! {
    /// What a tree holds, as it was unpacked.
    job SourceManifest = "source_manifest" @ 1 {
        /// SHA-256 of the canonical bundle.
        pub source_sha256: Sha256,
        /// Every entry, sorted by path bytes.
        pub entries: Vec<SourceEntry>,
    }
}

/// One entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceEntry {
    /// Relative to the tree's root, with `/`, in NFC.
    pub path: String,
    /// What it is.
    #[serde(rename = "type")]
    pub entry_type: EntryType,
    /// Size in bytes; 0 for directories and symbolic links.
    pub size: u64,
    /// SHA-256 of the content; absent for directories and symbolic links.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256>,
    /// Whether the owner may execute it; absent when not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub executable: bool,
    /// Where a symbolic link points; absent for all else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symlink_target: Option<String>,
}

/// What an entry of a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryType {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link that stays inside the tree.
    Symlink,
}
