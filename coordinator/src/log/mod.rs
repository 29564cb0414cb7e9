//! Logs of attempts, put together from what was streamed.
//!
//! Owns the order of bytes: chunks come once, contiguous and with the digest they were sent with, or they are a gap and said to be one. It
//! deliberately does not know who reads, nor how it travels to them.

mod assembler;
mod cursor;
mod fill;
mod output;

pub(crate) use assembler::{Assembler, Taken};
pub(crate) use cursor::Cursor;
pub(crate) use fill::{Agent, Filled, fill};
pub(crate) use output::{OutputError, OutputMessage, OutputStream};
