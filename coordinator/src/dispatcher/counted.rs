//! What of a record is counted.

use rch_scheduler::Event;
use rch_schemas::document::JobStatus;

use crate::ledger::RecordedCommand;
use crate::metrics;

/// Counts what ended.
pub(super) fn count(commands: &[RecordedCommand]) {
    for event in commands.iter().flat_map(|command| &command.events) {
        if let Event::JobEnded { outcome, .. } = event {
            ::metrics::counter!(metrics::JOBS, "status" => job_word(outcome.status)).increment(1);
        }
        if let Event::RunEnded { state, .. } = event {
            ::metrics::counter!(metrics::RUNS, "status" => state.as_str()).increment(1);
        }
    }
}

fn job_word(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Success => "success",
        JobStatus::Failed => "failed",
        JobStatus::Rejected => "rejected",
        JobStatus::Cancelled => "cancelled",
        JobStatus::Skipped => "skipped",
    }
}
