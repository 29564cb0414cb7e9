//! The exit codes, for the end of `rch --help` and the manual page: out of the contract's table, so that no second one can differ.

use rch_schemas::FailureKind;
use rch_schemas::reason::exit;

/// A line for each code, in their order.
pub(super) fn lines() -> Vec<String> {
    let own = exit::ALL.iter().map(|(code, when)| (*code, String::new(), *when));
    let kinds = FailureKind::ALL.iter().map(|kind| (kind.exit_code(), kind.to_string(), kind.sentence()));
    let rows: Vec<(u8, String, &str)> = own.chain(kinds).collect();
    let width = rows.iter().map(|(_, kind, _)| kind.len()).max().unwrap_or(0);
    rows.into_iter().map(|(code, kind, when)| format!("  {code:>2}  {kind:<width$}  {when}")).collect()
}
