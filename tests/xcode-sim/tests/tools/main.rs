//! The tools as processes, called through the links of a machine that was laid out for the test.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod actions;
mod desk;
mod machines;
mod shapes;
mod simulators;
mod stopping;
