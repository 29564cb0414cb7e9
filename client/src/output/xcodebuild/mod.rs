//! What a person wants to know of xcodebuild's log while it is printed: counts, warnings, errors, tests.
//!
//! Presentation only: the verdict is the worker's. A line that is not understood is no error here.

mod diagnostic;
mod digest;
mod lines;
mod paths;
mod progress;

pub(crate) use diagnostic::is_error_of_all;
pub(crate) use digest::{Found, LogDigest, plain_block};
pub(crate) use lines::Lines;
pub(crate) use paths::TreePaths;
