//! What is to be told of waiting: why, behind whom, for how long; pure views of the state that decide nothing.

mod board;
mod history;
mod line;
mod reason;

pub use board::Board;
pub use history::{waited, waits};
pub use reason::{Around, reason};
