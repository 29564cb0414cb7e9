//! What simctl lists: whatever it prints, what is usable is a part of what there is.

use rch_agent::untrusted;

use crate::input::Input;

/// The text.
pub(crate) fn check(data: &[u8]) {
    let Some(text) = Input::new(data).text() else { return };
    let (usable, all) = untrusted::simulators(text).unwrap_or_default();
    assert!(usable <= all);
}
