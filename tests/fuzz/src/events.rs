//! Server-sent events: pieces make no difference, and no event holds what was not sent.

use rch_client::untrusted;

use crate::input::Input;

/// A byte for the size of the pieces, then the stream.
pub(crate) fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let piece = 1 + usize::from(input.byte());
    let stream = input.rest();
    let whole = untrusted::events(stream, stream.len());
    assert_eq!(untrusted::events(stream, piece), whole, "pieces of {piece} bytes");
    let events = whole.unwrap_or_default();
    let bytes: usize = events.iter().map(|(id, data)| id.as_ref().map_or(0, String::len) + data.len()).sum();
    assert!(bytes <= stream.len());
    assert!(events.iter().all(|(id, data)| !data.contains('\r') && id.as_ref().is_none_or(|id| !id.contains(['\n', '\r']))));
}
