//! The manifest: what an artifact set holds, down to the byte.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digest::Sha256;
use crate::document::document;

/// Where the manifest lies in a set.
pub const MANIFEST_PATH: &str = "manifest.json";
/// Where the attestation lies in a set.
pub const ATTESTATION_PATH: &str = "attestation.json";

document! {
    /// Every file of an artifact set but `manifest.json` and `attestation.json`.
    job Manifest = "manifest" @ 1 {
        /// The files and directories, sorted by path bytes.
        pub entries: Vec<ManifestEntry>,
        /// SHA-256 over the canonical form of `entries`.
        pub artifact_root_sha256: Sha256,
    }
}

impl Manifest {
    /// The root of a list of entries.
    pub fn root_of(entries: &[ManifestEntry]) -> Sha256 {
        Sha256::of_canonical(&entries).expect("sizes of files are far below 2^53")
    }

    /// Whether root and order are what the entries give.
    pub fn is_consistent(&self) -> bool {
        self.is_sorted() && Self::root_of(&self.entries) == self.artifact_root_sha256
    }

    /// The same, when this was read from `received`: a newer writer has hashed members that are unknown here, too.
    pub fn is_consistent_as(&self, received: &serde_json::Value) -> bool {
        let root = Sha256::of_canonical(&received["entries"]).ok();
        self.is_sorted() && root == Some(self.artifact_root_sha256)
    }

    fn is_sorted(&self) -> bool {
        self.entries.windows(2).all(|pair| pair[0].path.as_bytes() < pair[1].path.as_bytes())
    }
}

/// One file or directory of a set. The files of a stored directory, such as `result.xcresult`, are listed one by one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ManifestEntry {
    /// Relative to the set, with `/`.
    pub path: String,
    /// What it is.
    #[serde(rename = "type")]
    pub entry_type: ManifestEntryType,
    /// Size in bytes; 0 for directories.
    pub size: u64,
    /// SHA-256 of the content; null for directories.
    pub sha256: Option<Sha256>,
}

/// What an entry of a set is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ManifestEntryType {
    /// A regular file.
    File,
    /// A directory.
    Directory,
}
