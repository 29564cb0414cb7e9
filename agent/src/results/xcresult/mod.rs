//! Result bundles, through the tool that knows their format: in the form it answers today, and in the one it had before Xcode 16.

mod case;
pub(super) mod current;
pub(super) mod legacy;
mod location;
mod reader;

pub(crate) use reader::{Depth, ResultReader, TestResults, results_of};
