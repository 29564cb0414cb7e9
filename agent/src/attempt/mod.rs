//! One attempt, from go to its report: `offer → claim` is behind it, and everything that follows happens here.
//!
//! Owns the life of an attempt as a transition table ([`life`]), its directory, its source, its destination, its process and the limits it runs
//! under, and the set it leaves in the store. It deliberately does not know why the farm wants the attempt or who else holds one: it is told
//! to start, and perhaps to stop, and ends with exactly one report in the outbox.

mod collect;
mod destination;
mod directory;
mod documents;
mod ending;
mod events;
mod evidence;
mod execute;
mod key;
mod leftover;
mod life;
mod process;
mod progress;
mod run;
mod watchdog;
mod working_directory;
mod workshop;
mod workspace;

pub(crate) use destination::sweep as sweep_simulators;
pub(crate) use directory::AttemptDirectory;
pub(crate) use key::AttemptKey;
pub(crate) use process::{CommandLine, Exit};
pub(crate) use progress::Progress;
pub(crate) use watchdog::Stop;
pub(crate) use workshop::{Ended, Granted, Workshop};
pub(crate) use workspace::Workspace;

/// What the name of every simulator made for one attempt begins with.
pub(crate) const EPHEMERAL_PREFIX: &str = "rch-ephemeral-";
