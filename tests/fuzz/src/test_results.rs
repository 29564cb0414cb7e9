//! What xcresulttool prints: named failures are bounded, whatever it claims.

use rch_agent::untrusted;

use crate::input::Input;

/// The summary on the first line, then the tests.
pub(crate) fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let (Ok(summary), Some(tests)) = (std::str::from_utf8(input.line()), input.text()) else { return };
    assert!(untrusted::test_results(summary, tests).unwrap_or_default() <= 20);
}
