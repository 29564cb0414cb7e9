//! Any of the targets under libFuzzer: which one, `RCH_FUZZ_TARGET` says.
//!
//! One program for all of them is linked once, and a new target needs no new file here.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use rch_fuzz::Target;

static TARGET: OnceLock<Target> = OnceLock::new();

fuzz_target!(
    init: {
        let name = std::env::var("RCH_FUZZ_TARGET").unwrap_or_default();
        let names: Vec<&str> = rch_fuzz::TARGETS.iter().map(|target| target.name).collect();
        let target = rch_fuzz::TARGETS.iter().find(|target| target.name == name);
        TARGET.get_or_init(|| *target.unwrap_or_else(|| panic!("RCH_FUZZ_TARGET is {name:?}, expected one of {names:?}")));
    },
    |data: &[u8]| (TARGET.get().expect("the init block ran").check)(data)
);
