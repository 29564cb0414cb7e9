//! What must hold of every parser, whatever it is fed: one function over bytes for each.
//!
//! libFuzzer calls them with bytes it makes up (`tests/fuzz/README.md` says how); `cargo test` calls them with the corpora that libFuzzer
//! has found before. A function panics when something does not hold, and returns otherwise.
//!
//! It deliberately does not know what makes the bytes.

mod agent_log;
mod archive;
mod argv;
mod canonical;
mod chunk;
mod command_line;
mod configuration;
mod destination;
mod document;
mod earlier;
mod events;
mod ignore_rules;
mod index;
mod input;
mod log;
mod name;
mod recipe;
mod requirement;
mod scratch;
mod simulators;
mod target;
mod test_results;
mod tree;
mod wire;
mod xcconfig;

pub use target::{TARGETS, Target};
