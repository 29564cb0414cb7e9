//! Result bundles, and `xcresulttool`, which answers from them.
//!
//! A bundle has the real one's outside (a folder with `Info.plist` and `Data`), and one JSON document of ours inside
//! instead of Apple's undocumented store. Until a run is over it has no `Info.plist`, as a killed run leaves it.

mod bundle;
mod legacy_json;
mod record;
mod tests_json;
mod tool;

pub(crate) use bundle::{begin_bundle, write_bundle};
pub(crate) use record::{CaseResult, Device, Issue, Record, Status, TestBundleResult, Tests};
pub(crate) use tool::main;
