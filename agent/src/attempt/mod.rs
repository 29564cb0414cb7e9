//! One attempt, from go to its report.

mod life;
mod process;
mod progress;
mod watchdog;

pub(crate) use process::Exit;
pub(crate) use watchdog::Stop;

/// What the name of every simulator made for one attempt begins with.
pub(crate) const EPHEMERAL_PREFIX: &str = "rch-ephemeral-";
