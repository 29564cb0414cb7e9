//! Reports in order, one on its way at a time, numbered within the session.

use std::collections::VecDeque;

use rch_schemas::SessionId;
use rch_schemas::wire::agent::{Report, ReportBody};

/// The queue of reports.
#[derive(Debug)]
pub(super) struct Reports {
    session: SessionId,
    next_number: u64,
    waiting: VecDeque<ReportBody>,
    on_its_way: Option<ReportBody>,
}

impl Reports {
    /// An empty queue of a new session.
    pub(super) fn new(session: SessionId) -> Self {
        Self { session, next_number: 1, waiting: VecDeque::new(), on_its_way: None }
    }

    /// Queues a report behind the others.
    pub(super) fn push(&mut self, body: ReportBody) {
        self.waiting.push_back(body);
    }

    /// Queues a report before all others: an announcement, or what is sent again after one.
    pub(super) fn push_first(&mut self, body: ReportBody) {
        self.waiting.push_front(body);
    }

    /// The next report to send, if none is on its way.
    pub(super) fn next(&mut self) -> Option<Report> {
        if self.on_its_way.is_some() {
            return None;
        }
        let body = self.waiting.pop_front()?;
        let report = Report { session: self.session.clone(), number: self.next_number, body: body.clone() };
        self.next_number += 1;
        self.on_its_way = Some(body);
        Some(report)
    }

    /// The report on its way was answered.
    pub(super) fn answered(&mut self) -> Option<ReportBody> {
        self.on_its_way.take()
    }

    /// Whether a report of this kind waits or is on its way.
    pub(super) fn holds(&self, kind: &str) -> bool {
        self.waiting.iter().chain(&self.on_its_way).any(|body| body.kind() == kind)
    }
}
