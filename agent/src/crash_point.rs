//! Places where a test can have the agent die or stand still; nothing of it is in any other build. See `tests/crash-point`.

#[cfg(feature = "crash-points")]
pub(crate) use rch_crash_point::reached;

/// The agent has come to the point `name`.
#[cfg(not(feature = "crash-points"))]
pub(crate) fn reached(_name: &str) {}

/// A report of this kind has come to this point of its way: `claim.sending`, `finished.answered`, …
pub(crate) fn reached_by(kind: &str, moment: &str) {
    if cfg!(feature = "crash-points") {
        reached(&format!("{kind}.{moment}"));
    }
}
