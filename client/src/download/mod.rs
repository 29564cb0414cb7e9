//! Artifact sets: fetched, and believed only when they are what was signed.
//!
//! A set is checked from its seal inward: the attestation's signature against the farm's pinned keys, the manifest against the attestation,
//! every path for being harmless, and at the end the directory on this disk against the manifest, byte for byte. Nothing is fetched on the word
//! of a manifest that nobody vouches for.
//!
//! It owns where artifacts lie on this machine. It deliberately does not judge the run: an outcome is the farm's to say.

pub(crate) mod audit;
pub(crate) mod audit_run;
mod collect;
mod directory;
mod documents;
mod fetch;
mod place;
mod seal;

pub(crate) use collect::{Collected, Collector};
pub(crate) use fetch::{DownloadError, Wanted};
pub(crate) use place::Place;

#[cfg(test)]
pub(crate) mod tests;
