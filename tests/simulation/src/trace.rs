//! The story of a seed, for whoever replays it.

use std::fmt;

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Detail {
    /// Nothing: what thousands of seeds want.
    #[default]
    Nothing,
    /// Records, faults, executions and terms.
    Events,
    /// Every message as well.
    Messages,
}

impl Detail {
    /// The detail of a word: `events`, or `messages`.
    pub fn named(word: &str) -> Option<Self> {
        match word {
            "events" => Some(Self::Events),
            "messages" => Some(Self::Messages),
            _ => None,
        }
    }
}

#[derive(Default)]
pub(crate) struct Trace {
    detail: Detail,
    pub(crate) lines: Vec<String>,
}

impl Trace {
    pub(crate) fn new(detail: Detail) -> Self {
        Self { detail, lines: Vec::new() }
    }

    pub(crate) fn event(&mut self, now: u64, line: impl FnOnce() -> String) {
        self.tell(Detail::Events, now, line);
    }

    pub(crate) fn message(&mut self, now: u64, line: impl FnOnce() -> String) {
        self.tell(Detail::Messages, now, line);
    }

    fn tell(&mut self, least: Detail, now: u64, line: impl FnOnce() -> String) {
        if self.detail >= least {
            self.lines.push(format!("{} {}", Clock(now), line()));
        }
    }
}

/// Milliseconds as `12:34.567`.
pub(crate) struct Clock(pub(crate) u64);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>3}:{:02}.{:03}", self.0 / 60_000, self.0 / 1_000 % 60, self.0 % 1_000)
    }
}
