//! The command line.
//!
//! The definitions are also what the shells complete, what the manual pages say and what the golden help is compared with.

mod exit_codes;
mod flags;
mod group;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use serde_json::{Value, json};

pub(crate) use flags::{FetchFlags, InitFlags, LoginFlags, QueueFlags, ReplayFlags, RunFlags, TailFlags, WhyFlags};
pub(crate) use group::{ConfigCommand, SchemaCommand, WorkersCommand};

/// What `rch` is for, by example.
const EXAMPLE: &str = "Example:\n  rch xcode verify                 build and test this tree as .rch/xcode.toml says\n  rch xcodebuild -scheme App test  the same line as before, on the farm";

/// Builds and tests Xcode projects on the Macs of your team.
#[derive(Debug, Parser)]
#[command(
    name = "rch",
    version,
    disable_help_subcommand = true,
    after_help = EXAMPLE
)]
pub(crate) struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Write JSON documents, one a line; the last is the result
    #[arg(long, global = true, help_heading = "General")]
    pub(crate) json: bool,
    /// Whether to colour what people read
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "General")]
    pub(crate) color: Color,
    /// Where the coordinator is, such as http://coordinator.local:7070
    #[arg(long, global = true, value_name = "URL", help_heading = "General")]
    pub(crate) coordinator: Option<String>,
}

/// Whether output is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How much of a job's log is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogMode {
    /// Every line, on standard output.
    Raw,
    /// Counts, warnings and errors.
    Short,
    /// Nothing.
    None,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run what .rch/xcode.toml says
    #[command(subcommand, after_help = "Example:\n  rch xcode verify")]
    Xcode(XcodeCommand),
    /// Run a line that was given to xcodebuild so far
    ///
    /// The flags of rch stand before the first argument of xcodebuild; what is missing comes from .rch/xcode.toml.
    #[command(
        after_help = "Example:\n  rch xcodebuild -workspace App.xcworkspace -scheme App -destination 'platform=iOS Simulator,name=iPhone 16' test"
    )]
    Xcodebuild {
        /// How to run it.
        #[command(flatten)]
        run: RunFlags,
        /// What follows the word xcodebuild
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
        line: Vec<String>,
    },
    /// Show the log of a run or a job, and go on as it grows
    #[command(after_help = "Example:\n  rch tail last")]
    Tail(TailFlags),
    /// Wait for a run to end, and exit as it does
    #[command(after_help = "Example:\n  rch wait last && echo done")]
    Wait {
        /// Run or job: an id, a unique prefix of one, or `last`
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Cancel a run or a job
    #[command(after_help = "Example:\n  rch cancel 01KBQ3M5")]
    Cancel {
        /// Run or job: an id, a unique prefix of one, or `last`
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Download artifacts and check them
    #[command(after_help = "Example:\n  rch fetch last result.xcresult")]
    Fetch(FetchFlags),
    /// List the farm's newest runs
    #[command(after_help = "Example:\n  rch runs --limit 5")]
    Runs {
        /// How many
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
    },
    /// List the jobs that wait, and what each waits for
    #[command(after_help = "Example:\n  rch queue --worker macmini-02")]
    Queue(QueueFlags),
    /// Say why this worker, and why it took so long to begin
    #[command(after_help = "Example:\n  rch why last")]
    Why(WhyFlags),
    /// Decide again what the farm decided, and compare
    ///
    /// Every choice of a worker is recorded with all it was made from. The records are read from the first on, and each choice is made once
    /// more by the same function: it comes out with the same bytes, or the first difference is named. Nothing on the farm changes.
    #[command(
        after_help = "Example:\n  rch replay last\n  rch replay --since 2026-03-02T00:00:00Z --export ledger.jsonl\n  rch replay ledger.jsonl"
    )]
    Replay(ReplayFlags),
    /// The farm's workers
    #[command(subcommand, after_help = "Example:\n  rch workers list")]
    Workers(WorkersCommand),
    /// How the farm is
    #[command(after_help = "Example:\n  rch status --json")]
    Status,
    /// Make a farm yours: pin its key, keep a token for it
    ///
    /// From then on every command to URL sends the token, and refuses a farm with another key. The token comes from --token-file,
    /// --token-stdin or RCH_TOKEN, never from an argument; a farm without tokens needs none.
    #[command(after_help = "Example:\n  rch login https://farm.example --token-stdin < token.txt")]
    Login(LoginFlags),
    /// Forget the key and the token of a farm
    #[command(after_help = "Example:\n  rch logout https://farm.example")]
    Logout {
        /// Where its coordinator is
        #[arg(value_name = "URL")]
        url: String,
    },
    /// The configuration
    #[command(subcommand, after_help = "Example:\n  rch config show --origin")]
    Config(ConfigCommand),
    /// The JSON documents of the farm, and whether a file is one
    #[command(subcommand, after_help = "Example:\n  rch schema list")]
    Schema(SchemaCommand),
    /// Check downloaded artifacts, and say what is proven and by whom
    ///
    /// Asks no farm about what is in them: every file is compared with the manifest, the manifest with the signature, and the signature with
    /// the key that the farm pins. Without a farm the key is only said.
    #[command(after_help = "Example:\n  rch audit .rch/artifacts/01KBQ3M5T2Y8ZC4W6N0R7HXA1D")]
    Audit {
        /// A run's directory, or that of one set
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// Check this machine, the way to the farm, and this tree; say what to do about what is wrong
    #[command(after_help = "Example:\n  rch doctor")]
    Doctor,
    /// Print what a shell needs to complete commands
    #[command(
        after_help = "Example:\n  rch completions zsh > \"${fpath[1]}/_rch\"\n  rch completions bash > ~/.local/share/bash-completion/completions/rch"
    )]
    Completions {
        /// The shell
        #[arg(value_name = "SHELL")]
        shell: Shell,
    },
    /// Print the manual page, or write those of all commands
    #[command(after_help = "Example:\n  rch man | man -l -\n  rch man ~/.local/share/man/man1")]
    Man {
        /// Where the pages go, one for each command
        #[arg(value_name = "DIR")]
        directory: Option<PathBuf>,
    },
}

/// Commands under `rch xcode`.
#[derive(Debug, Subcommand)]
pub(crate) enum XcodeCommand {
    /// Run the actions of `actions.verify`
    #[command(after_help = "Example:\n  rch xcode verify --log raw")]
    Verify {
        /// How to run it.
        #[command(flatten)]
        run: RunFlags,
    },
    /// Write a first .rch/xcode.toml, from what lies in this tree
    #[command(after_help = "Example:\n  rch xcode init --print")]
    Init(InitFlags),
    /// Run the actions of these names
    #[command(after_help = "Example:\n  rch xcode run --action build")]
    Run {
        /// A name under [actions], or an action's own word
        #[arg(long = "action", value_name = "NAME", required = true)]
        actions: Vec<String>,
        /// How to run it.
        #[command(flatten)]
        run: RunFlags,
    },
    /// Say what would become of a command line, argument by argument
    ///
    /// Runs nothing, and needs neither a farm nor a configuration. The line may be pasted as it stands in a script, in quotes.
    #[command(
        after_help = "Example:\n  rch xcode explain -- xcodebuild -scheme App -destination 'platform=iOS Simulator,name=iPhone 16' test\n  rch xcode explain -- 'set -o pipefail && xcodebuild -scheme App test | xcpretty'"
    )]
    Explain {
        /// The line, with or without the word xcodebuild and what stands before it
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true, value_name = "CMD")]
        line: Vec<String>,
    },
    /// The older spelling of `rch tail`
    #[command(hide = true)]
    Tail(TailFlags),
    /// Another spelling of `rch doctor`
    #[command(hide = true)]
    Doctor,
    /// The older spelling of `rch cancel`
    #[command(hide = true)]
    Cancel {
        /// Run or job.
        #[arg(value_name = "ID")]
        id: String,
    },
    /// The older spellings of `rch fetch`
    #[command(hide = true, alias = "artifacts")]
    Fetch(FetchFlags),
}

impl Cli {
    /// Reads a command line.
    pub(crate) fn read(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let mut definitions = Self::definitions();
        let matches = definitions.try_get_matches_from_mut(words)?;
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut definitions))
    }

    /// Every command with its flags and words.
    pub(crate) fn definitions() -> clap::Command {
        let codes = exit_codes::lines().join("\n");
        Self::command().after_long_help(format!("{EXAMPLE}\n\nExit codes:\n{codes}"))
    }
}

impl Global {
    /// The layer of configuration that the flags are.
    pub(crate) fn values(&self) -> Vec<(&'static str, Value)> {
        self.coordinator.iter().map(|url| ("coordinator", json!(url))).collect()
    }
}

/// Whether a line that could not be read asks for JSON: its error, too, is then a document.
pub(crate) fn asks_for_json(words: &[OsString]) -> bool {
    let foreign = words.iter().position(|word| word == "--");
    words[..foreign.unwrap_or(words.len())].iter().any(|word| word == "--json")
}

#[cfg(test)]
mod tests;
