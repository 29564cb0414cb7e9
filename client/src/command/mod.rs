//! The commands, a file each.
//!
//! A command reads the configuration it needs, asks the farm, tells what there is to tell, and says how it ended. It owns no rule of the
//! contract: those lie in the modules it calls.

pub(crate) mod audit;
pub(crate) mod cancel;
pub(crate) mod config;
mod context;
pub(crate) mod doctor;
mod dry_run;
pub(crate) mod explain;
pub(crate) mod fetch;
mod finish;
pub(crate) mod init;
pub(crate) mod login;
pub(crate) mod manual;
mod named;
pub(crate) mod queue;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod schema;
mod selection;
pub(crate) mod status;
pub(crate) mod tail;
pub(crate) mod why;
pub(crate) mod workers;

pub(crate) use context::Context;

#[cfg(test)]
mod tests;
