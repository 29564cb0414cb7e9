//! Reports and their receipts.

use std::time::Duration;

use rch_schemas::Reason;
use rch_schemas::wire::agent::{Receipt, Report};
use rch_schemas::wire::{Op, Response, WireError, subject};

use super::Link;
use super::envelope::seal;
use crate::{clock, crash_point};

/// A receipt comes after a ledger append, which takes milliseconds; a leader that is just taking over needs seconds.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// The wait after the first failure; it doubles.
const BACKOFF_FIRST: Duration = Duration::from_millis(200);
/// The wait never gets longer: a build's end should not wait for us once the farm is back.
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// The final answer to a report.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The version it is in: that of the session, when it answers an announcement.
    pub(crate) version: u32,
    /// What it says.
    pub(crate) result: Result<Receipt, WireError>,
}

/// Sends a report in a version until somebody answers for good. The same bytes each time, so that it counts once.
pub(crate) async fn report(link: Link, version: u32, report: Report) -> Answer {
    let kind = report.body.kind();
    let number = report.number;
    let subject = subject::report(&link.worker);
    let payload = seal(Op::Report, version, &report);
    let mut backoff = BACKOFF_FIRST;
    loop {
        crash_point::reached_by(kind, "sending");
        let asked = tokio::time::timeout(ANSWER_TIMEOUT, link.client.request(subject.clone(), payload.clone())).await;
        match asked {
            Ok(Ok(message)) => match serde_json::from_slice::<Response<Receipt>>(&message.payload) {
                Ok(response) => {
                    let version = response.protocol_version;
                    match response.into_result() {
                        Ok(receipt) if receipt.number != number => {
                            link.dropped.drop_one(&message.subject, &format!("receipt of report {}, expected {number}", receipt.number));
                        }
                        Ok(_) if !link.dropped.protocol().contains(version) => {
                            link.dropped.drop_one(&message.subject, &format!("a receipt in protocol {version}"));
                        }
                        Ok(receipt) => {
                            crash_point::reached_by(kind, "answered");
                            return Answer { version, result: Ok(receipt) };
                        }
                        Err(error) if is_passing(error.code) => tracing::debug!(kind, number, %error, "report not taken now"),
                        // An error is read in whatever version it comes: it may be about that.
                        Err(error) => return Answer { version, result: Err(error) },
                    }
                }
                Err(error) => link.dropped.drop_one(&subject, &format!("the answer to a report: {error}")),
            },
            Ok(Err(error)) => tracing::debug!(kind, number, %error, "report not answered"),
            Err(_) => tracing::debug!(kind, number, "report not answered in time"),
        }
        tokio::time::sleep(backoff / 2 + clock::jitter(backoff / 2)).await;
        backoff = (backoff * 2).min(BACKOFF_MAX);
    }
}

/// Whether the same report may be answered otherwise a moment later.
fn is_passing(code: Reason) -> bool {
    matches!(code, Reason::OutcomeUnknown | Reason::Overloaded | Reason::Unreachable)
}
