//! Messages between the programs: what was read is written so that it reads the same.

use std::collections::BTreeMap;

use rch_schemas::wire::agent::{Announce, Control, ControlAnswer, Finished, Go, Heartbeat, Offer, Receipt, Report, WorkerState};
use rch_schemas::wire::http::{
    Health, JobView, LogEvent, MissingChunks, Problem, RunAccepted, RunEvent, RunLine, RunView, SelectionPreview, SubmitRun, WorkerView,
};
use rch_schemas::wire::output::OutputHeader;
use rch_schemas::wire::{Request, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::input::Input;

/// Reads a text as one thing.
pub(crate) type Reader = fn(&[u8]);

const READERS: &[Reader] = &[
    rewritten::<SubmitRun>,
    rewritten::<RunAccepted>,
    rewritten::<RunView>,
    rewritten::<JobView>,
    rewritten::<RunEvent>,
    rewritten::<LogEvent>,
    rewritten::<MissingChunks>,
    rewritten::<SelectionPreview>,
    rewritten::<WorkerView>,
    rewritten::<RunLine>,
    rewritten::<Health>,
    rewritten::<Problem>,
    rewritten::<Request<Offer>>,
    rewritten::<Request<Report>>,
    rewritten::<Request<Heartbeat>>,
    rewritten::<Request<WorkerState>>,
    rewritten::<Request<Control>>,
    rewritten::<Response<Receipt>>,
    rewritten::<Response<Go>>,
    rewritten::<Response<ControlAnswer>>,
    rewritten::<Announce>,
    rewritten::<Finished>,
    output_header,
];

/// A byte for which message, then its text.
pub(crate) fn check(data: &[u8]) {
    let mut input = Input::new(data);
    READERS[usize::from(input.byte()) % READERS.len()](input.rest());
}

/// Reads the text as a `T`, writes that, and reads it again: the same, and written the same.
pub(crate) fn rewritten<T: DeserializeOwned + Serialize>(text: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(text) else { return };
    let written = serde_json::to_string(&read).expect("what was read can be written");
    let again: T = serde_json::from_str(&written).unwrap_or_else(|error| panic!("{error} in {written}"));
    assert_eq!(serde_json::to_string(&again).expect("once more"), written);
}

/// `name: value` on each line.
fn output_header(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let pairs: BTreeMap<String, String> =
        text.lines().filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let Ok(header) = OutputHeader::parse(&pairs) else { return };
    let again = header.pairs().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    assert_eq!(OutputHeader::parse(&again), Ok(header));
}
