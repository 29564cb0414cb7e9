//! A backend that outlived its agent: found again by its process number and start time, so that no stranger is killed.

use std::process::Command;

use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

use crate::clock::Uptime;
use crate::process_group::ProcessGroup;

/// Enough to find a process again, and to know that it is the same one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProcessRecord {
    /// Its number, which is also its group's.
    pub(crate) pid: u32,
    /// When it started, in the system's own words; empty when the system did not say.
    pub(crate) started: String,
    /// How long the machine had been up, in milliseconds: more than now means that it was booted since.
    pub(crate) uptime_ms: u64,
}

impl ProcessRecord {
    /// The record of a process that was just started. Blocks for as long as `ps` takes.
    pub(crate) fn of(pid: u32) -> Self {
        Self { pid, started: start_time(pid).unwrap_or_default(), uptime_ms: Uptime::now().millis() }
    }

    /// Kills what is left of the group, if it is still that process's.
    pub(crate) fn kill(&self) {
        let Some(group) = ProcessGroup::led_by(self.pid).filter(|group| group.is_alive()) else { return };
        if Uptime::now().millis() < self.uptime_ms {
            return;
        }
        // A group keeps its leader's number from being given away, so a group without its leader is still the old one.
        let is_same = start_time(self.pid).is_none_or(|started| started == self.started);
        if is_same {
            tracing::warn!(pid = self.pid, "killing a backend that outlived its agent");
            group.signal(Signal::SIGKILL);
        }
    }
}

/// When a process started: `None` when there is none, or the system does not say.
fn start_time(pid: u32) -> Option<String> {
    if let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        // The second field is the name in brackets and may hold anything; the start time is the twentieth after it.
        return stat.rsplit_once(") ").and_then(|(_, fields)| fields.split(' ').nth(19)).map(str::to_owned);
    }
    let mut ps = Command::new("ps");
    ps.args(["-o", "lstart=", "-p", &pid.to_string()]).env_clear().env("PATH", "/bin:/usr/bin").env("LC_ALL", "C");
    let output = ps.output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};

    use super::*;

    fn sleeper() -> std::process::Child {
        Command::new("/bin/sleep").arg("1000").process_group(0).spawn().unwrap()
    }

    #[test]
    fn a_leftover_is_killed() {
        let mut child = sleeper();
        ProcessRecord::of(child.id()).kill();
        assert_eq!(child.wait().unwrap().signal(), Some(9));
    }

    #[test]
    fn a_stranger_with_the_same_number_and_one_from_before_a_reboot_are_left_alone() {
        let mut child = sleeper();
        let record = ProcessRecord::of(child.id());
        ProcessRecord { started: "another time".to_owned(), ..record.clone() }.kill();
        ProcessRecord { uptime_ms: u64::MAX, ..record }.kill();
        assert!(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
