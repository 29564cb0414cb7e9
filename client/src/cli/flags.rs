//! Flags that several commands share, and the configuration they are.

use std::path::PathBuf;

use clap::Args;
use rch_schemas::{RequestId, RunLabel, Sha256, Timestamp};
use serde_json::{Value, json};

use super::LogMode;

/// Flags of the commands that run something.
#[derive(Debug, Clone, Args)]
pub(crate) struct RunFlags {
    /// Show who would run it and why, and what would be uploaded; run nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print the run's id and leave
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) detach: bool,
    /// How much of the log to show: short on a terminal, else raw
    #[arg(long, value_name = "HOW")]
    pub(crate) log: Option<LogMode>,
    /// An id of your own: the same again is the same run, not another
    #[arg(long, value_name = "ID", value_parser = request_id)]
    pub(crate) request_id: Option<RequestId>,
    /// Take the place of your older runs of this project with the same label: they are cancelled
    #[arg(long, value_name = "LABEL", value_parser = label)]
    pub(crate) supersede: Option<RunLabel>,
    /// Where artifacts go, instead of .rch/artifacts
    #[arg(long, value_name = "DIR")]
    pub(crate) artifacts: Option<PathBuf>,
    /// Neither use nor keep results
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// The only worker that will do
    #[arg(long, value_name = "NAME")]
    pub(crate) worker: Option<String>,
    /// Which Xcode: a build (16C5032a), a version (16.2) or bounds (>=16,<17)
    #[arg(long, value_name = "WHICH")]
    pub(crate) xcode: Option<String>,
    /// Where to run instead of what the configuration says; may be repeated
    #[arg(long = "destination", value_name = "DEST")]
    pub(crate) destinations: Vec<String>,
}

/// A request id, refused in words: the rule of the contract is a regular expression.
fn request_id(text: &str) -> Result<RequestId, &'static str> {
    text.parse().map_err(|_| "expected 10 to 64 letters, digits, - or _, the first a letter or a digit")
}

/// A label, refused in words.
fn label(text: &str) -> Result<RunLabel, &'static str> {
    text.parse().map_err(|_| "expected 1 to 64 letters, digits, . _ / : # or -, the first a letter or a digit")
}

/// Flags of `rch xcode init`.
#[derive(Debug, Clone, Args)]
pub(crate) struct InitFlags {
    /// Print it, and write nothing
    #[arg(long, visible_alias = "print")]
    pub(crate) dry_run: bool,
    /// Replace the .rch/xcode.toml that is there
    #[arg(long)]
    pub(crate) force: bool,
}

/// Flags of `rch queue`.
#[derive(Debug, Clone, Args)]
pub(crate) struct QueueFlags {
    /// Those of one worker, in the order of its line
    #[arg(long, value_name = "NAME")]
    pub(crate) worker: Option<String>,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) limit: u32,
}

/// Flags of `rch why`.
#[derive(Debug, Clone, Args)]
pub(crate) struct WhyFlags {
    /// Run or job: an id, a unique prefix of one, or `last`
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Name every worker that was not chosen
    #[arg(long)]
    pub(crate) all: bool,
}

/// Flags of `rch replay`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReplayFlags {
    /// Run or job (an id, a unique prefix of one, or `last`), or a file that --export wrote; everything on the farm when none is given
    #[arg(value_name = "ID|FILE")]
    pub(crate) what: Option<String>,
    /// None before this time, such as 2026-03-02T09:30:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<Timestamp>,
    /// None after this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<Timestamp>,
    /// Keep all records in a file, which can be replayed without the farm
    #[arg(long, value_name = "FILE")]
    pub(crate) export: Option<PathBuf>,
}

/// A time, refused in words.
fn time(text: &str) -> Result<Timestamp, &'static str> {
    text.parse().map_err(|_| "expected RFC 3339 in UTC, such as 2026-03-02T09:30:00Z")
}

/// Flags of `rch login`.
#[derive(Debug, Clone, Args)]
pub(crate) struct LoginFlags {
    /// Where the coordinator is, such as http://coordinator.local:7070
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// Read the token from a file
    #[arg(long, value_name = "FILE", conflicts_with = "token_stdin")]
    pub(crate) token_file: Option<PathBuf>,
    /// Read the token from standard input
    #[arg(long)]
    pub(crate) token_stdin: bool,
    /// The farm's key must have this fingerprint (64 hexadecimal digits)
    #[arg(long, value_name = "SHA256")]
    pub(crate) key: Option<Sha256>,
    /// Accept that the farm has another key than before
    #[arg(long)]
    pub(crate) replace_key: bool,
    /// Send the token over plain http to another machine, readable by everybody on the way
    #[arg(long)]
    pub(crate) insecure_http: bool,
}

/// Flags of `rch tail`.
#[derive(Debug, Clone, Args)]
pub(crate) struct TailFlags {
    /// Run or job: an id, a unique prefix of one, or `last`
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// How much of the log to show
    #[arg(long, value_name = "HOW", default_value = "raw")]
    pub(crate) log: LogMode,
}

/// Flags of `rch fetch`.
#[derive(Debug, Clone, Args)]
pub(crate) struct FetchFlags {
    /// Run or job: an id, a unique prefix of one, or `last`
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Files or directories of the sets, such as result.xcresult; everything when none is given
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<String>,
    /// Where artifacts go, instead of .rch/artifacts
    #[arg(long, value_name = "DIR")]
    pub(crate) artifacts: Option<PathBuf>,
    /// Wait for what still runs; without it, what has ended is fetched
    #[arg(long)]
    pub(crate) wait: bool,
}

impl RunFlags {
    /// The layer of configuration that the flags are.
    pub(crate) fn values(&self) -> Vec<(&'static str, Value)> {
        let mut values = Vec::new();
        if self.no_cache {
            values.push(("cache.results", json!("off")));
        }
        values.extend(self.worker.iter().map(|name| ("worker_selection.worker", json!(name))));
        values.extend(self.xcode.iter().map(|which| ("toolchain.xcode", json!(which))));
        if !self.destinations.is_empty() {
            values.push(("destination.values", json!(self.destinations)));
        }
        values
    }
}
