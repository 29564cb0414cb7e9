//! What stays on the worker between attempts: chunks by digest, and the source trees of runs.

mod chunks;
mod sources;

pub(crate) use chunks::{ChunkCache, FetchError, Fetched};
pub(crate) use sources::{Source, Sources, tree_of};
