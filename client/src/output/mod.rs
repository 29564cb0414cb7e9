//! What a person, a script or another program sees.
//!
//! Talk goes to standard error in twelve right-aligned columns; data (logs, tables, ids) goes to standard output; with `--json` each fact is a
//! line of JSON on standard output and the last line is the result. Everything that comes from a farm or a log is cleaned of terminal escapes
//! here, and nowhere else.

mod amount;
mod clean;
mod ending;
mod label;
mod marked;
mod reporter;
mod screen;
mod table;
pub(crate) mod wait;
pub(crate) mod xcodebuild;

pub(crate) use amount::{bytes, count, duration, grouped};
pub(crate) use clean::clean;
pub(crate) use ending::{Ending, Why};
pub(crate) use label::Label;
pub(crate) use marked::{marked, wrapped};
pub(crate) use reporter::{Reporter, Streams, Style};
pub(crate) use screen::{LineId, Terminal};
pub(crate) use table::table;

#[cfg(test)]
pub(crate) use reporter::Captured;
#[cfg(test)]
pub(crate) use screen::shown;
