//! What hung, as it was found before it was killed; `hang_report.json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document;
use crate::reason::Reason;
use crate::time::Timestamp;
use crate::wire::agent::Phase;

document! {
    /// What hung, as the worker found it before it killed it.
    job HangReport = "hang_report" @ 1 {
        /// Which time ran out: `TIMEOUT_IDLE`, `TIMEOUT_OVERALL` or `TIMEOUT_DEADLINE`.
        pub reason: Reason,
        /// The phase the attempt was in.
        pub phase: Phase,
        /// From go to this report, in milliseconds.
        pub running_ms: u64,
        /// The last sign of life.
        pub last_activity: LastActivity,
        /// What it was probably waiting for.
        pub guess: HangGuess,
        /// What the guess rests on, in a sentence.
        pub guess_because: String,
        /// The attempt's processes, parents before children.
        pub processes: Vec<HungProcess>,
        /// What the busiest of them was doing; absent when no tool could tell.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub sample: Option<ProcessSample>,
        /// The simulator of the attempt; absent when there was none or no tool could tell.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub simulator: Option<HungSimulator>,
        /// What could not be found out, in words.
        pub problems: Vec<String>,
    }
}

/// The last sign of life of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LastActivity {
    /// When, by the worker's clock.
    pub at: Timestamp,
    /// How long before this report, in milliseconds.
    pub silent_ms: u64,
    /// Bytes of log up to then.
    pub log_bytes: u64,
    /// The last line of the log, cut to 1,000 characters; absent when nothing was printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_line: Option<String>,
}

/// What an attempt that hangs was probably waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HangGuess {
    /// Swift packages that are being fetched.
    PackageFetch,
    /// A simulator that boots.
    SimulatorBoot,
    /// A test runner that does not attach.
    RunnerAttach,
    /// A compiler or linker.
    Compiler,
    /// A test, or the app under test.
    Test,
    /// A script phase.
    ScriptPhase,
    /// Nothing fits.
    Unknown,
}

/// One process of the attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HungProcess {
    /// Its process id.
    pub pid: u32,
    /// Its parent's process id.
    pub parent_pid: u32,
    /// Its command line, cut to 1,000 characters.
    pub command: String,
    /// Its state as the system abbreviates it, such as `S` or `R+`.
    pub state: String,
    /// Processor time in milliseconds since it started.
    pub cpu_ms: u64,
    /// Since it was started, in milliseconds.
    pub running_ms: u64,
}

/// What a process was doing, as `sample` or a tool like it prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessSample {
    /// The process.
    pub pid: u32,
    /// The tool.
    pub tool: String,
    /// What it printed, cut to 100,000 characters.
    pub text: String,
}

/// The simulator of an attempt that hangs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HungSimulator {
    /// Its identity on this Mac.
    pub udid: String,
    /// Its name.
    pub name: String,
    /// Such as `Booting` or `Booted`.
    pub state: String,
    /// Runtime identifier.
    pub runtime: String,
}
