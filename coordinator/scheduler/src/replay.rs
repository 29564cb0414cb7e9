//! Replay: a recorded decision decided again, by the same function from the same state and what the record says was seen.

mod reader;

use rch_schemas::document::FleetJudgement;
use serde::Serialize;
use serde_json::Value;

use crate::command::Stamp;
use crate::event::{Event, Selection};
use crate::select::{DECISION_VERSION, Fleet, NoChoice, Sight, Want, choose, judge_again};
use crate::state::State;

pub use reader::{Decided, Reader};

/// What became of a decision that was decided again.
#[derive(Debug, Clone, PartialEq)]
pub enum Replayed {
    /// The same bytes.
    Same,
    /// Other rules decided it: nothing can be said.
    OtherVersion {
        /// The version of those rules.
        recorded: u32,
    },
    /// This build decides otherwise.
    Differs(Difference),
}

/// The first member that is not the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Its path in the event, such as `passed_over/0/workers`.
    pub member: String,
    /// What was recorded; null when nothing was.
    pub recorded: Value,
    /// What this build decides.
    pub decided: Value,
}

/// Decides what `event` records once more. `state` is the state that the events before it made. `None` when the event is not a judgement or
/// a selection: those are the decisions whose inputs are all recorded.
pub fn replay(state: &State, stamp: &Stamp, event: &Event) -> Option<Replayed> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "what other events record was not chosen among alternatives")]
    match event {
        Event::FleetJudged { judgement } => Some(judged(state, judgement.fleet())),
        Event::WorkerSelected { selection } => Some(selected(state, stamp, selection)),
        _ => None,
    }
}

fn judged(state: &State, recorded: &FleetJudgement) -> Replayed {
    if recorded.decision_version != DECISION_VERSION {
        return Replayed::OtherVersion { recorded: recorded.decision_version };
    }
    match judge_again(state, &recorded.requirement, recorded.protocol_version) {
        Some(decided) => compare(recorded, decided.fleet()),
        None => differs("requirement/destination/asked", recorded.requirement.destination.asked.clone().into(), Value::Null),
    }
}

fn selected(state: &State, stamp: &Stamp, recorded: &Selection) -> Replayed {
    if recorded.decision_version != DECISION_VERSION {
        return Replayed::OtherVersion { recorded: recorded.decision_version };
    }
    let known = state.runs.get(&recorded.run_id).filter(|run| (recorded.destination as usize) < run.destinations.len());
    let Some(run) = known else {
        return differs("run_id", recorded.run_id.to_string().into(), Value::Null);
    };
    let fleet = Fleet { state, sight: Sight::Recorded(recorded), stamp };
    match choose(&fleet, Want { run, destination: recorded.destination, revision: run.revision + 1 }) {
        // Whoever is told of one member alone wants to know of this one.
        Ok(choice) if choice.made.selection.worker != recorded.worker => {
            differs("worker", recorded.worker.to_string().into(), choice.made.selection.worker.to_string().into())
        }
        Ok(choice) => compare(recorded, &choice.made.selection),
        Err(NoChoice::Wait(misses)) => without_worker(recorded, &misses.join("; ")),
        Err(NoChoice::Never(_, why)) => without_worker(recorded, &why),
    }
}

fn without_worker(recorded: &Selection, why: &str) -> Replayed {
    differs("worker", recorded.worker.to_string().into(), format!("no worker: {why}").into())
}

fn compare(recorded: &impl Serialize, decided: &impl Serialize) -> Replayed {
    let value = |serialized: serde_json::Result<Value>| serialized.expect("events serialize: their maps have text keys");
    let (recorded, decided) = (value(serde_json::to_value(recorded)), value(serde_json::to_value(decided)));
    first_difference(String::new(), &recorded, &decided).map_or(Replayed::Same, Replayed::Differs)
}

fn differs(member: &str, recorded: Value, decided: Value) -> Replayed {
    Replayed::Differs(Difference { member: member.to_owned(), recorded, decided })
}

/// The first place, in order of members, where two values are not the same.
fn first_difference(member: String, recorded: &Value, decided: &Value) -> Option<Difference> {
    let inside = |name: &str| if member.is_empty() { name.to_owned() } else { format!("{member}/{name}") };
    match (recorded, decided) {
        (Value::Object(one), Value::Object(other)) => {
            let names = one.keys().chain(other.keys().filter(|name| !one.contains_key(*name)));
            let get = |members: &serde_json::Map<String, Value>, name: &str| members.get(name).cloned().unwrap_or_default();
            names.into_iter().find_map(|name| first_difference(inside(name), &get(one, name), &get(other, name)))
        }
        (Value::Array(one), Value::Array(other)) => (0..one.len().max(other.len())).find_map(|index| {
            let get = |items: &[Value]| items.get(index).cloned().unwrap_or_default();
            first_difference(inside(&index.to_string()), &get(one), &get(other))
        }),
        _ => (recorded != decided).then(|| Difference { member, recorded: recorded.clone(), decided: decided.clone() }),
    }
}
