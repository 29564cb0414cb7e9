//! The commands, a file each.

pub(crate) mod config;
mod context;
pub(crate) mod runs;
pub(crate) mod status;
pub(crate) mod workers;

pub(crate) use context::Context;
