//! Whether a text is the document it says it is.
//!
//! Owns the schemas of every document (as this program knows them), the search for the one that a document names, and the words for what
//! differs. It reads no file and prints nothing; what the documents mean is the contract's.

mod catalogue;
mod check;
mod violation;

pub(crate) use catalogue::{Catalogue, UnknownSchema};
pub(crate) use check::{Checked, check};
pub(crate) use violation::Violation;

#[cfg(test)]
mod tests;
