//! A first `.rch/xcode.toml`, proposed from what lies in a tree.
//!
//! It looks at names, shared schemes, test plans and a few settings of projects, guesses what a person would write, and says of each guess why.
//! What it reads was written by other tools, perhaps badly: nothing that lies in a tree is an error here, only something that is not known.
//! It deliberately neither writes nor asks a farm; what a farm's workers have is given to it.

mod choose;
mod device;
mod openstep;
mod package;
mod plan;
mod proposal;
mod scheme;
mod settings;
mod survey;
mod text;
mod workspace;
mod xml;

pub(crate) use choose::propose;
pub(crate) use device::OnFarm;
pub(crate) use proposal::{Guess, NothingToBuild, Proposal, Topic};

#[cfg(test)]
mod tests;
