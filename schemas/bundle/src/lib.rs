//! A source tree as bytes and back: walk, canonical tar, chunks, recipe, safe unpacking.
//!
//! The way out: [`tree::walk`] lists what belongs to the tree, [`preflight`] says what would fail on a Mac, [`mod@pack`] reads every file once
//! and gives digest, chunks and source manifest; with what an earlier pass found it reads only what comes after the first change. A chunk's
//! bytes are read from the tree again when they are sent. The way in:
//! [`unpack`] takes the chunks in order and believes nothing until the whole digest agrees. [`directory`] is the same for a directory of
//! artifacts, such as `result.xcresult`, [`mod@file`] for one large file, and [`artifacts`] holds a whole set against its manifest.
//!
//! It owns the bundle's bytes (spec 1.7). It deliberately does not know where chunks or earlier passes are kept, how anything travels, or
//! what time it is.

pub mod artifacts;
pub mod chunk;
pub mod compress;
pub mod directory;
pub mod file;
mod link;
mod manifest;
pub mod name;
pub mod pack;
pub mod preflight;
pub mod recipe;
mod stamp;
pub mod tar;
pub mod tree;
pub mod unpack;
pub mod xcconfig;
