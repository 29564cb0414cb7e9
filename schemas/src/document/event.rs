//! What happened while a job ran, line by line; `events.jsonl` of the rich profile.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::build_summary::Diagnostic;
use super::result::Outcome;
use super::test_summary::{TestFailure, TestResult};
use super::{Document, document};
use crate::time::Timestamp;
use crate::wire::agent::Phase;

document! {
    /// The first line of `events.jsonl`: the header of all the others.
    job EventsHeader = "event" @ 1 {}
}

/// A line of `events.jsonl`: the header first, then the events in order of `seq`.
#[derive(Debug, Clone, PartialEq)]
pub enum EventLine {
    /// The first line.
    Header(Box<EventsHeader>),
    /// Every other line.
    Event(Event),
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// From 1, without gaps.
    #[schemars(range(min = 1))]
    pub seq: u64,
    /// When, by the worker's clock; for display only.
    pub at: Timestamp,
    /// Offset in the log as printed, in bytes: what the event is about was printed there. Absent for events that the log does not show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_offset: Option<u64>,
    /// What happened.
    pub event: EventBody,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventBody {
    /// The attempt entered a phase.
    Phase {
        /// The phase.
        phase: Phase,
    },
    /// A command was started.
    CommandStarted {
        /// The command line as run, the program first.
        argv: Vec<String>,
    },
    /// That command ended.
    CommandEnded {
        /// Its exit code; absent when a signal ended it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exit_code: Option<i32>,
        /// The signal that ended it; absent when it exited.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signal: Option<i32>,
    },
    /// Work on a target was first seen.
    TargetStarted {
        /// The target.
        target: String,
    },
    /// A diagnostic was first reported; its `occurrences` count up to then, the build summary has them all.
    Diagnostic {
        /// The diagnostic.
        diagnostic: Diagnostic,
    },
    /// A test case was started.
    TestStarted {
        /// `target/suite/name`, or what of it the log says.
        id: String,
        /// The device's name, when the log says it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<String>,
    },
    /// A test case ended.
    TestEnded {
        /// `target/suite/name`, or what of it the log says.
        id: String,
        /// The device's name, when the log says it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<String>,
        /// What it came to.
        result: TestResult,
        /// Milliseconds, when the log says them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        duration_ms: Option<u64>,
        /// What failed.
        failures: Vec<TestFailure>,
    },
    /// A process under test ended unexpectedly.
    ProcessCrashed {
        /// What the tool says of it.
        message: String,
    },
    /// The last line: how the attempt ended.
    Ended {
        /// The outcome.
        outcome: Outcome,
    },
}

impl Document for EventLine {
    const NAME: &'static str = EventsHeader::NAME;
    const MAJOR: u32 = EventsHeader::MAJOR;
}

impl Serialize for EventLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Header(header) => header.serialize(serializer),
            Self::Event(event) => event.serialize(serializer),
        }
    }
}

/// The header is the line with a `schema_id`: told by that and not by trying, so that an error is about the line that was meant.
impl<'de> Deserialize<'de> for EventLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let line = serde_json::Value::deserialize(deserializer)?;
        if line.get("schema_id").is_some() {
            EventsHeader::deserialize(line).map(|header| Self::Header(Box::new(header))).map_err(D::Error::custom)
        } else {
            Event::deserialize(line).map(Self::Event).map_err(D::Error::custom)
        }
    }
}

impl JsonSchema for EventLine {
    fn schema_name() -> Cow<'static, str> {
        "EventLine".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (header, event) = (generator.subschema_for::<EventsHeader>(), generator.subschema_for::<Event>());
        json_schema!({
            "description": "A line of `events.jsonl`: the header first, then the events in order of `seq`.",
            "anyOf": [header, event],
        })
    }
}
