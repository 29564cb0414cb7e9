//! Configuration files: refused with words, or good enough for everything that is asked of them later.

use rch_client::untrusted;

use crate::input::Input;

/// The user's file up to a line `---`, then the repo's.
pub(crate) fn check(data: &[u8]) {
    let mut rest = Input::new(data);
    let mut user = Vec::new();
    while !rest.is_empty() {
        match rest.line() {
            b"---" => break,
            line => user.extend(line.iter().chain(b"\n")),
        }
    }
    if let Err(error) = untrusted::configuration(&user, rest.rest()) {
        assert!(!error.is_empty() && error.len() < 100_000, "{} bytes of an error", error.len());
    }
}
