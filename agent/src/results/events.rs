//! Writes `events.jsonl`: a header, then what happened, numbered and in order.

use std::io::{self, Write};

use rch_schemas::Timestamp;
use rch_schemas::document::{Event, EventBody, EventsHeader};
use serde::Serialize;

/// Points of a timeline at most.
const POINTS_MAX: usize = 4_096;
/// Two points are at least so far apart, until there are too many.
const GAP_MS: i64 = 10;

/// When each part of a log was printed, as closely as so many points say: a build of an hour is known to the second.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    /// Offset of the end of a part, and when it had been read; ascending.
    points: Vec<(u64, Timestamp)>,
    gap_ms: i64,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { points: Vec::new(), gap_ms: GAP_MS }
    }
}

impl Timeline {
    /// Everything before `end` had been printed by `at`.
    pub(crate) fn reached(&mut self, end: u64, at: Timestamp) {
        if let [.., before, last] = &mut self.points[..]
            && at.unix_ms() - before.1.unix_ms() < self.gap_ms
        {
            *last = (end, at);
            return;
        }
        if self.points.len() == POINTS_MAX {
            self.gap_ms *= 2;
            let mut number = 0;
            self.points.retain(|_| {
                number += 1;
                number % 2 == 0
            });
        }
        self.points.push((end, at));
    }

    /// When what stands at `offset` had been printed.
    fn at(&self, offset: u64) -> Option<Timestamp> {
        let index = self.points.partition_point(|(end, _)| *end <= offset);
        self.points.get(index).or(self.points.last()).map(|(_, at)| *at)
    }
}

/// The file being written.
#[derive(Debug)]
pub(crate) struct EventWriter<W> {
    out: W,
    seq: u64,
    last: Timestamp,
    failed: Option<io::Error>,
}

impl<W: Write> EventWriter<W> {
    /// Starts with the header.
    pub(crate) fn new(out: W, header: &EventsHeader) -> Self {
        let mut writer = Self { out, seq: 0, last: Timestamp::from_unix_ms(i64::MIN), failed: None };
        writer.line(header);
        writer
    }

    /// Something that the log does not show.
    pub(crate) fn tell(&mut self, at: Timestamp, event: EventBody) {
        self.write(at, None, event);
    }

    /// Something that the log shows at `offset`.
    pub(crate) fn tell_logged(&mut self, timeline: &Timeline, offset: u64, event: EventBody) {
        let at = timeline.at(offset).unwrap_or(self.last);
        self.write(at, Some(offset), event);
    }

    /// Ends the file.
    ///
    /// # Errors
    /// The first that occurred while writing.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        match self.failed.take() {
            Some(error) => Err(error),
            None => self.out.flush(),
        }
    }

    fn write(&mut self, at: Timestamp, log_offset: Option<u64>, event: EventBody) {
        self.seq += 1;
        // A wall clock may be set back; the order of what happened is not.
        self.last = self.last.max(at);
        let event = Event { seq: self.seq, at: self.last, log_offset, event };
        self.line(&event);
    }

    fn line(&mut self, line: &impl Serialize) {
        if self.failed.is_some() {
            return;
        }
        let mut bytes = serde_json::to_vec(line).expect("documents serialize");
        bytes.push(b'\n');
        self.failed = self.out.write_all(&bytes).err();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_unix_ms(milliseconds)
    }

    #[test]
    fn what_stands_in_a_log_has_the_time_at_which_it_was_read() {
        let mut timeline = Timeline::default();
        assert_eq!(timeline.at(0), None);
        timeline.reached(100, at(1));
        timeline.reached(200, at(100));
        timeline.reached(250, at(104));
        timeline.reached(300, at(500));
        for (offset, expected) in [(0, 1), (99, 1), (100, 100), (249, 104), (250, 500), (4_000, 500)] {
            assert_eq!(timeline.at(offset), Some(at(expected)), "{offset}");
        }
    }

    #[test]
    fn a_timeline_without_end_stays_small_and_in_order() {
        let mut timeline = Timeline::default();
        for number in 1..=100_000_u32 {
            timeline.reached(u64::from(number) * 10, at(number.into()));
        }
        assert!(timeline.points.len() <= POINTS_MAX && timeline.points.is_sorted());
        let known = timeline.at(500_000).map(Timestamp::unix_ms).unwrap_or_default();
        assert!((50_000..50_100).contains(&known), "{known}");
    }
}
