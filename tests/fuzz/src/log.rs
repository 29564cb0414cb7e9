//! A build log as a person sees it: nothing of it drives a terminal, and pieces make no difference.

use rch_client::untrusted;

use crate::input::Input;

/// A byte for the size of the pieces, then the log.
pub(crate) fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let piece = 1 + usize::from(input.byte());
    let log = input.rest();
    let (lines, shown) = untrusted::log(log, piece);
    assert!(lines.iter().chain(&shown).all(|line| line.chars().all(|c| c == '\t' || !c.is_control())));
    assert!(shown.len() <= 3 * 20 + 3, "{} lines are shown", shown.len());
    assert_eq!(lines.len(), String::from_utf8_lossy(log).split_terminator('\n').count());
    assert_eq!(untrusted::log(log, log.len()), (lines, shown), "pieces of {piece} bytes");
}
