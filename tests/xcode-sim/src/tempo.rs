//! How fast a job goes, and whether it ends: from the job's environment, else from the machine.
//!
//! | variable | effect |
//! | --- | --- |
//! | `RCH_XCODE_SIM_BUILD_SECONDS`, `RCH_XCODE_SIM_TEST_SECONDS` | compiling, testing takes at least so long |
//! | `RCH_XCODE_SIM_HANG` | `build`, `test`: never ends, still printing; `build,silent`, `test,silent`: in silence |
//! | `RCH_XCODE_SIM_IGNORE_SIGNALS` | `1`: SIGINT and SIGTERM do nothing |
//! | `RCH_XCODE_SIM_LOG_LINES` | so many lines more in the log, each 64 bytes with its number |
//! | `RCH_XCODE_SIM_CHILD` | `1`: a child of the same process group keeps standard output open for 60 s; `detached`: one of its own group |

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use std::os::unix::process::CommandExt;

use crate::interrupt::{Interrupt, Signals};
use crate::invocation::Invocation;
use crate::machine::{Hang, Pace};

/// What never ends, ends after this: a forgotten test double should not outlive the day.
pub(crate) const FOREVER: Duration = Duration::from_mins(30);

/// How long the child keeps standard output open.
const CHILD_SECONDS: &str = "60";

/// How often a wait looks whether it was interrupted.
const SLICE: Duration = Duration::from_millis(20);

/// How often something that waits prints a line.
const SIGN_OF_LIFE: Duration = Duration::from_millis(500);

/// What takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Build,
    Test,
}

/// SIGINT came.
#[derive(Debug)]
pub(crate) struct Interrupted;

/// A job's pace.
#[derive(Debug)]
pub(crate) struct Tempo {
    build: Duration,
    test: Duration,
    hang: Option<Hang>,
    pub(crate) log_lines: usize,
    child: Option<Child>,
    interrupt: Interrupt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Child {
    SameGroup,
    OwnGroup,
}

/// What this process does about signals, which is decided before anything else.
pub(crate) fn signals(invocation: &Invocation) -> Signals {
    if invocation.variable("RCH_XCODE_SIM_IGNORE_SIGNALS") == Some("1") { Signals::Ignored } else { Signals::Heard }
}

impl Tempo {
    pub(crate) fn of(invocation: &Invocation, pace: &Pace) -> Self {
        let seconds = |name: &str, usual: f64| {
            let wanted = invocation.variable(name).and_then(|text| text.parse().ok());
            Duration::try_from_secs_f64(wanted.unwrap_or(usual)).unwrap_or_default()
        };
        Self {
            build: seconds("RCH_XCODE_SIM_BUILD_SECONDS", pace.build_seconds),
            test: seconds("RCH_XCODE_SIM_TEST_SECONDS", pace.test_seconds),
            hang: match invocation.variable("RCH_XCODE_SIM_HANG") {
                Some("build") => Some(Hang::Build),
                Some("build,silent") => Some(Hang::BuildSilent),
                Some("test") => Some(Hang::Test),
                Some("test,silent") => Some(Hang::TestSilent),
                Some(_) | None => pace.hang,
            },
            log_lines: invocation.variable("RCH_XCODE_SIM_LOG_LINES").and_then(|text| text.parse().ok()).unwrap_or(0),
            child: match invocation.variable("RCH_XCODE_SIM_CHILD") {
                Some("1") => Some(Child::SameGroup),
                Some("detached") => Some(Child::OwnGroup),
                Some(_) | None => None,
            },
            interrupt: invocation.interrupt.clone(),
        }
    }

    /// One step of `steps` of a phase: waits its share of the phase's time, giving signs of life.
    pub(crate) fn step(&self, phase: Phase, steps: usize, sign: &mut dyn FnMut()) -> Result<(), Interrupted> {
        let total = match phase {
            Phase::Build => self.build,
            Phase::Test => self.test,
        };
        let share = u32::try_from(steps.max(1)).map_or(Duration::ZERO, |steps| total / steps);
        self.wait(share, sign)
    }

    /// Stays in a phase for ever, when this job does.
    pub(crate) fn hang(&self, phase: Phase, sign: &mut dyn FnMut()) -> Result<(), Interrupted> {
        match (phase, self.hang) {
            (Phase::Build, Some(Hang::Build)) | (Phase::Test, Some(Hang::Test)) => self.wait(FOREVER, sign),
            (Phase::Build, Some(Hang::BuildSilent)) | (Phase::Test, Some(Hang::TestSilent)) => self.wait(FOREVER, &mut || {}),
            (Phase::Build | Phase::Test, _) => Ok(()),
        }
    }

    fn wait(&self, wanted: Duration, sign: &mut dyn FnMut()) -> Result<(), Interrupted> {
        let start = Instant::now();
        let mut next_sign = SIGN_OF_LIFE;
        loop {
            if self.interrupt.came() {
                return Err(Interrupted);
            }
            let elapsed = start.elapsed();
            if elapsed >= wanted {
                return Ok(());
            }
            if elapsed >= next_sign {
                next_sign += SIGN_OF_LIFE;
                sign();
            }
            thread::sleep(SLICE.min(wanted.saturating_sub(elapsed)));
        }
    }

    /// Leaves a child behind that holds standard output, when this job does. It ends by itself.
    pub(crate) fn leave_child(&self) {
        let Some(child) = self.child else { return };
        let mut command = Command::new("/bin/sleep");
        command.arg(CHILD_SECONDS).stdin(Stdio::null());
        if child == Child::OwnGroup {
            command.process_group(0);
        }
        // Where there is no /bin/sleep there is no child; the test that wants it will notice.
        drop(command.spawn());
    }
}
