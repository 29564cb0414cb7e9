//! A process: up or not, awake or not.

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Life {
    pub(crate) up: bool,
    /// Counts starts; what belongs to an earlier one is void.
    pub(crate) start: u64,
    pub(crate) started_ms: u64,
    /// Until when its machine sleeps.
    pub(crate) paused_until: u64,
    /// Whether it never starts again.
    pub(crate) gone: bool,
}

impl Life {
    pub(crate) fn begin(&mut self, now: u64) {
        self.up = true;
        self.start += 1;
        self.started_ms = now;
        self.paused_until = 0;
    }

    pub(crate) fn end(&mut self) {
        self.up = false;
        self.start += 1;
    }

    pub(crate) fn pause(&mut self, until: u64) {
        self.paused_until = self.paused_until.max(until);
    }
}
