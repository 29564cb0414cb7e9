//! What is to be run, before anything is sent: steps with their arguments, judged, and the destinations they share.
//!
//! It owns how the configuration, or a line that someone used to give to xcodebuild, becomes the arguments of each step, and the client's
//! fast answer about them. The farm's policy is not known here: what only some farms allow is left to the coordinator, which judges everything
//! again.

mod argv;
mod assemble;
mod line;
mod policy;

pub(crate) use assemble::{Plan, PlanError, Step, from_config};
pub(crate) use line::{Directories, from_line};

#[cfg(test)]
mod tests;
