//! A build log as the agent reads it: what a summary names of it is bounded, whatever the log claims.

use rch_agent::untrusted;

/// The log.
pub(crate) fn check(data: &[u8]) {
    let named = untrusted::log(data);
    assert!(named.errors <= 20 && named.tests <= 20 && named.destinations <= 1_000, "{named:?}");
    assert!(named.message_chars_max <= 1_000, "{named:?}");
}
