//! What is to be run, before anything is sent: steps with their arguments, judged, and which of the run's destinations each has.
//!
//! It owns how the configuration, or a line that someone used to give to xcodebuild, becomes the arguments of each step, the client's fast
//! answer about them, and how a refusal is shown. The farm's policy is not known here: what only some farms allow is left to the coordinator, which judges everything
//! again.

mod argv;
mod assemble;
mod command_line;
mod directories;
mod matrix;
mod paste;
mod policy;
mod reading;
mod refusal;
mod shell;

pub(crate) use assemble::{Plan, PlanError, Step, from_config};
pub(crate) use directories::Directories;
pub(crate) use reading::{Explained, Reading, read};
pub(crate) use refusal::Refused;
pub(crate) use shell::quoted;

#[cfg(test)]
mod matrix_tests;
#[cfg(test)]
mod projects;
#[cfg(test)]
mod tests;
