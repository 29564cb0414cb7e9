//! Reports whose signatures were checked: all that can be decided.

use std::ops::Deref;

use rch_schemas::seal::{PublicKey, SealError};
use rch_schemas::wire::agent::{Report, ReportBody};

/// A report, and whether the signature of the attestation in it, if it holds one, is by the key that the attestation names.
///
/// Checking a signature takes longer than everything else about the end of a job together, and rests on the report alone. So it is done
/// before a command is made, for many reports at once, and there is no other way to make one; what is left to decide is whether that key is
/// the pinned one.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedReport {
    report: Report,
    signature: Result<(), SealError>,
}

impl CheckedReport {
    /// Checks a report. Takes some 100 µs of processor time when it is the end of an attempt, none otherwise.
    pub fn new(report: Report) -> Self {
        let signature = match &report.body {
            ReportBody::Finished(finished) => finished.attestation.verify(&finished.attestation.public_key),
            ReportBody::Announce(_)
            | ReportBody::Capabilities { .. }
            | ReportBody::Claim { .. }
            | ReportBody::Interrupted { .. }
            | ReportBody::Refused { .. } => Ok(()),
        };
        Self { report, signature }
    }

    /// Whether what it attests is signed by `pinned`.
    pub(crate) fn is_signed_by(&self, pinned: &PublicKey) -> Result<(), SealError> {
        match &self.report.body {
            ReportBody::Finished(finished) => finished.attestation.is_of(pinned).and_then(|()| self.signature.clone()),
            ReportBody::Announce(_)
            | ReportBody::Capabilities { .. }
            | ReportBody::Claim { .. }
            | ReportBody::Interrupted { .. }
            | ReportBody::Refused { .. } => Ok(()),
        }
    }
}

impl Deref for CheckedReport {
    type Target = Report;
    fn deref(&self) -> &Report {
        &self.report
    }
}
