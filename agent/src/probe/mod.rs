//! What this Mac can do, asked of Apple's own tools.
//!
//! Owns the reading of the machine: every Xcode, macOS, simulators, and the same facts again for one job just before and after it.
//! Whatever a tool does (fail, hang, print something new) becomes a line in `facts.problems`; nothing here takes the agent down.
//! It deliberately does not know which job asks, nor what the farm decides from the answer.

mod machine;
mod macos;
mod plist;
mod reading;
mod simctl;
mod xcode;

pub(crate) use machine::{Probe, Prober};
pub(crate) use reading::{difference, read};
pub(crate) use simctl::{DeviceRow, SimctlList, first_json};
