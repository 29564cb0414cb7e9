//! Keys that are accepted, and that no farm of this version acts on. Whoever sets one is told what happens instead.

use serde_json::Value;

use super::merge::Merged;
use super::place::Place;

/// A key that is accepted, and that no farm of this version acts on.
struct WithoutEffect {
    path: &'static [&'static str],
    /// Whether a value asks for what is not done.
    asks: fn(&Value) -> bool,
    /// What happens instead.
    instead: &'static str,
}

const fn row(path: &'static [&'static str], asks: fn(&Value) -> bool, instead: &'static str) -> WithoutEffect {
    WithoutEffect { path, asks, instead }
}

fn is_on(value: &Value) -> bool {
    *value == Value::Bool(true)
}

const WITHOUT_EFFECT: &[WithoutEffect] = &[
    row(&["cache", "results"], |value| value == "on", "no result is kept or used again"),
    row(&["cache", "flaky"], is_on, "flaky results are never kept"),
    row(&["cache", "spm"], |_| true, "packages go where DerivedData goes"),
    row(&["worker_selection", "mode"], |value| value == "adaptive", "every choice is deterministic"),
    row(&["run", "priority"], |value| value != "normal", "runs wait in the order they came"),
    row(&["artifacts", "collect"], |value| value.as_array().is_some_and(|globs| !globs.is_empty()), "only the set is kept"),
    row(&["artifacts", "coverage"], is_on, "coverage stays in result.xcresult"),
    row(&["artifacts", "attachments"], is_on, "attachments stay in result.xcresult"),
];

/// What is asked for without effect, in words.
pub(super) fn of(merged: &Merged) -> impl Iterator<Item = String> {
    let is_chosen = |path: &[&str]| {
        let origin = merged.origins.get(&path.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        origin.is_some_and(|place| *place != Place::BuiltIn)
    };
    let asked = WITHOUT_EFFECT.iter().filter(move |row| is_chosen(row.path) && merged.get(row.path).is_some_and(row.asks));
    asked.map(|row| format!("{} has no effect yet: {}", row.path.join("."), row.instead))
}
