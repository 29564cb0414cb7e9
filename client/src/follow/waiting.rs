//! How a job's waiting is told: a line for each change of its place, and once what stands before it.

use std::time::{Duration, Instant};

use rch_schemas::wire::http::{Because, Waiting, WaitingReason};
use rch_schemas::{Action, WorkerName};

use crate::output::wait::{about, basis, details, left_to_wait, place};
use crate::output::{Label, Reporter, duration};

/// What was told of a job's waiting.
#[derive(Debug, Default)]
pub(super) struct WaitStory {
    /// Its place and the words without their numbers: a countdown is no change.
    told: Option<(Option<u32>, String)>,
    /// The worker whose line was described.
    described: Option<WorkerName>,
    since: Option<Instant>,
    /// The first estimate.
    said: Option<Duration>,
}

impl WaitStory {
    /// Tells what is new; `which` is the job and a comma, when there are several.
    pub(super) fn tell(&mut self, waiting: &Waiting, (which, action): (&str, Action), now: Instant, reporter: &mut Reporter) {
        match waiting.reason {
            WaitingReason::Step | WaitingReason::Claim => return,
            WaitingReason::Worker | WaitingReason::Slot | WaitingReason::Source | WaitingReason::Backoff => {}
        }
        self.since.get_or_insert(now);
        if waiting.because == Some(Because::Busy) && waiting.ahead.is_none() && self.told.is_none() {
            // Its place in the line comes with the farm's next look at the queue, within a second or two.
            reporter.live(Some((&Label::Waiting, &format!("{which}{}", waiting.detail))));
            return;
        }
        let estimate = waiting.estimate.as_ref().map(|estimate| Duration::from_millis(estimate.wait_ms));
        self.said = self.said.or(estimate);
        let is_described = waiting.worker.is_none() || self.described == waiting.worker;
        let text = format!("{which}{}", text(waiting, action, is_described));
        let words = waiting.detail.replace(|c: char| c.is_ascii_digit(), "");
        let told = (waiting.ahead, words);
        if self.told.as_ref() == Some(&told) && (is_described || waiting.ahead.is_none()) {
            reporter.live(Some((&Label::Waiting, &text)));
            return;
        }
        reporter.live(None);
        reporter.fact(&Label::Waiting, &text);
        self.told = Some(told);
        if !is_described && waiting.ahead.is_some() {
            reporter.details(details(waiting));
            self.described.clone_from(&waiting.worker);
        }
    }

    /// Tells that the wait is over, if there was one that was told.
    pub(super) fn end(&mut self, which: &str, worker: &str, now: Instant, reporter: &mut Reporter) {
        if self.told.is_some() {
            let waited = self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
            let said = self.said.map_or_else(String::new, |said| format!(" (said: {})", left_to_wait(said)));
            reporter.fact(&Label::Started, &format!("{which}on {worker} after {}{said}", duration(waited)));
        }
        *self = Self::default();
    }
}

/// `3rd for macmini-02, about 4 min (23 earlier builds of this scheme)`; `2nd, about 3 min` when the rest is known.
fn text(waiting: &Waiting, action: Action, is_described: bool) -> String {
    let Some(ahead) = waiting.ahead else { return waiting.detail.clone() };
    let Some(worker) = &waiting.worker else { return format!("{}: {}", place(ahead), waiting.detail) };
    let line = if is_described { String::new() } else { format!(" for {worker}") };
    match &waiting.estimate {
        Some(estimate) if is_described => format!("{}, {}", place(ahead), about(estimate)),
        Some(estimate) => format!("{}{line}, {} ({})", place(ahead), about(estimate), basis(estimate, action)),
        None => format!("{}{line}, no estimate: how long the jobs before it take was never measured", place(ahead)),
    }
}
