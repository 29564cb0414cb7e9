//! Places where a test can have the coordinator die or stand still; nothing of it is in any other build. See `tests/crash-point`.

#[cfg(feature = "crash-points")]
pub(crate) use rch_crash_point::reached;
#[cfg(feature = "crash-points")]
use rch_scheduler::CommandBody;

use crate::dispatcher::Ask;

/// The coordinator has come to the point `name`.
#[cfg(not(feature = "crash-points"))]
pub(crate) fn reached(_name: &str) {}

/// Each of these commands has come to this point of its way: `submit.decided`, `finished.acknowledged`, …
#[cfg(feature = "crash-points")]
pub(crate) fn reached_by<'a>(asks: impl IntoIterator<Item = &'a Ask>, moment: &str) {
    for ask in asks {
        let kind = if let CommandBody::Report { report, .. } = &ask.body {
            report.body.kind()
        } else if let CommandBody::Submit(_) = &ask.body {
            "submit"
        } else {
            "other"
        };
        reached(&format!("{kind}.{moment}"));
    }
}

/// Each of these commands has come to this point of its way.
#[cfg(not(feature = "crash-points"))]
pub(crate) fn reached_by<'a>(_asks: impl IntoIterator<Item = &'a Ask>, _moment: &str) {}
