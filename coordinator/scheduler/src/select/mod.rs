//! Selection: which worker a destination of a run goes to, and why.
//!
//! Filter (each exclusion a verdict with the two values compared), resolve toolchain and destination on each candidate, rank, choose the
//! first. The deterministic mode looks at stable fields only; nothing here reads load, disk or queue length.

mod choose;
mod destination;
mod judge;
mod negotiated;
mod preview;
mod xcode;

pub use preview::preview;

pub(crate) use choose::{Choice, NoChoice, choose, could_ever};
pub(crate) use judge::Fleet;
pub(crate) use negotiated::version_of_run;

/// Version of the rules of selection. Replay of a decision of another version says so instead of differing silently.
pub const DECISION_VERSION: u32 = 3;
