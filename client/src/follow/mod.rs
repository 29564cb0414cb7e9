//! Following a run: its changes and its logs, over any number of broken connections.
//!
//! Tasks read the streams and resume them where they broke; one loop receives what they read and tells it in order. No line of a log is lost
//! and none is told twice, because a log is a sequence of bytes with offsets and the cursor is the next byte wanted.
//!
//! It owns what is told while a run is going on. It deliberately knows nothing of artifacts: the run's end is its end.

mod cursor;
mod job;
mod story;
mod streams;
mod waiting;
mod watch;

pub(crate) use story::{Story, Telling};
pub(crate) use watch::{Followed, Following, OnInterrupt, Stopped, follow};

#[cfg(test)]
mod tests;
