//! Signals to a process group: everything a command started, unless it left the group on purpose.

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// The group of a command that was started as the leader of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProcessGroup(Pid);

impl ProcessGroup {
    /// The group led by the process `pid`; `None` for a number that names no ordinary group (0 is our own, 1 the system's).
    pub(crate) fn led_by(pid: u32) -> Option<Self> {
        let pid = i32::try_from(pid).ok().filter(|pid| *pid > 1)?;
        Some(Self(Pid::from_raw(pid)))
    }

    /// Sends a signal to every member; a group that is gone is as good as signalled.
    pub(crate) fn signal(self, signal: Signal) {
        match killpg(self.0, signal) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => tracing::warn!(group = self.0.as_raw(), %signal, %error, "cannot signal a process group"),
        }
    }

    /// Whether a member is left; a leader that was not reaped counts.
    pub(crate) fn is_alive(self) -> bool {
        killpg(self.0, None) != Err(Errno::ESRCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_group_and_the_system_s_cannot_be_named() {
        assert_eq!(ProcessGroup::led_by(0), None);
        assert_eq!(ProcessGroup::led_by(1), None);
        assert_eq!(ProcessGroup::led_by(u32::MAX), None);
        assert!(ProcessGroup::led_by(4_000_000).is_some_and(|group| !group.is_alive()));
    }
}
