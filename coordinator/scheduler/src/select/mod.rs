//! Selection: which worker a destination of a run goes to, and why.
//!
//! What is asked is judged against the fleet once for all that ask the same (each exclusion a verdict with the two values compared, toolchain
//! and destination resolved on each worker, candidates ranked): a function of the state alone. Each choice then goes along the ranks to the first
//! that will do right now and for this run, so it costs what it passes over. The deterministic mode looks at stable fields only, and nothing in
//! it reads load, disk or queue length; a choice in the adaptive mode is made with a slot at hand, and records what it looked at.

mod adaptive;
mod choose;
mod destination;
mod judge;
mod moment;
mod negotiated;
mod nobody;
mod preview;
mod walk;
mod xcode;

pub use preview::preview;

pub(crate) use adaptive::{hope, would_take};
pub(crate) use choose::{Choice, Want, choose, could_ever, judge_again, waits_for};
pub(crate) use moment::{Fleet, Sight};
pub(crate) use negotiated::version_of_run;
pub(crate) use nobody::NoChoice;

/// Version of the rules of selection. Replay of a decision of another version says so instead of differing silently.
pub const DECISION_VERSION: u32 = 5;
