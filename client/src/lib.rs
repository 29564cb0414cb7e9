//! `rch`: from a source tree to verified artifacts.
//!
//! Reads the configuration, judges the invocation, bundles the tree, submits it to the coordinator, uploads what the farm lacks, follows the
//! run, downloads the artifact sets and checks every byte and signature of them. It owns what a person sees and what `rch` exits with.
//!
//! It deliberately does not know how a worker is chosen or how xcodebuild is run: it shows what the farm says, and believes none of it that
//! can be checked.

mod cli;
mod clock;
mod command;
mod config;
mod credentials;
mod download;
mod environment;
mod error;
mod farm;
mod follow;
#[cfg(test)]
mod golden;
mod interrupt;
mod output;
mod plan;
mod program;
mod propose;
mod replay;
mod schema;
mod source;
mod stat_cache;
mod submit;
pub mod untrusted;
mod upload;

pub use program::main;
