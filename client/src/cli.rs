//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use rch_schemas::{RequestId, Sha256};
use serde_json::{Value, json};

/// Builds and tests Xcode projects on the Macs of your team.
#[derive(Debug, Parser)]
#[command(
    name = "rch",
    version,
    disable_help_subcommand = true,
    after_help = "Example:\n  rch xcode verify            build and test this tree as .rch/xcode.toml says\n  rch xcodebuild -scheme App test    the same line as before, on the farm"
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
    #[command(subcommand)]
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
    /// The farm's workers
    #[command(subcommand)]
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
    #[command(subcommand)]
    Config(ConfigCommand),
    /// The JSON documents of the farm, and whether a file is one
    #[command(subcommand)]
    Schema(SchemaCommand),
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
    /// The older spelling of `rch tail`
    #[command(hide = true)]
    Tail(TailFlags),
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

/// Commands under `rch workers`.
#[derive(Debug, Subcommand)]
pub(crate) enum WorkersCommand {
    /// List them with what they do
    #[command(after_help = "Example:\n  rch workers list --all")]
    List {
        /// Also those that are idle and healthy
        #[arg(long)]
        all: bool,
    },
}

/// Commands under `rch config`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show the merged configuration
    #[command(after_help = "Example:\n  rch config show --origin")]
    Show {
        /// Also where each value comes from
        #[arg(long)]
        origin: bool,
    },
    /// List every key with its variable and what it may be
    #[command(after_help = "Example:\n  rch config keys | grep timeouts")]
    Keys,
}

/// Commands under `rch schema`.
#[derive(Debug, Subcommand)]
pub(crate) enum SchemaCommand {
    /// List the documents
    #[command(after_help = "Example:\n  rch schema list")]
    List,
    /// Print a document's JSON Schema
    #[command(after_help = "Example:\n  rch schema show job > job.schema.json")]
    Show {
        /// A document's name (job) or its schema_id (rch-xcode/job@1)
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Check documents against the schema that each names
    ///
    /// A file holds one document, or one a line (events.jsonl, the output of rch --json). A line without a schema_id is of the first line's.
    #[command(after_help = "Example:\n  rch schema validate .rch/artifacts/*/*/*.json")]
    Validate {
        /// Files; - is standard input
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
}

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
    #[arg(long, value_name = "ID")]
    pub(crate) request_id: Option<RequestId>,
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
}

impl Global {
    /// The layer of configuration that the flags are.
    pub(crate) fn values(&self) -> Vec<(&'static str, Value)> {
        self.coordinator.iter().map(|url| ("coordinator", json!(url))).collect()
    }
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

/// Whether a line that could not be read asks for JSON: its error, too, is then a document.
pub(crate) fn asks_for_json(words: &[OsString]) -> bool {
    let foreign = words.iter().position(|word| word == "--");
    words[..foreign.unwrap_or(words.len())].iter().any(|word| word == "--json")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parsed(line: &str) -> Command {
        Cli::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}")).command
    }

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn arguments_of_xcodebuild_are_taken_as_they_are_and_flags_of_rch_before_them() {
        for (line, own, expected) in [
            ("rch xcodebuild -scheme App test", false, "-scheme App test"),
            ("rch xcodebuild --dry-run -quiet -scheme App", true, "-quiet -scheme App"),
            ("rch xcodebuild -hideShellScriptEnvironment -jobs 4", false, "-hideShellScriptEnvironment -jobs 4"),
            ("rch xcodebuild test -only-testing:A/b CODE_SIGNING_ALLOWED=NO", false, "test -only-testing:A/b CODE_SIGNING_ALLOWED=NO"),
            ("rch xcodebuild --log raw env A=1 xcrun xcodebuild -version", false, "env A=1 xcrun xcodebuild -version"),
            ("rch xcodebuild -scheme --json", false, "-scheme --json"),
        ] {
            let Command::Xcodebuild { run, line: words } = parsed(line) else { panic!("{line}") };
            assert_eq!((run.dry_run, words.join(" ").as_str()), (own, expected), "{line}");
        }
    }

    #[test]
    fn older_spellings_still_work_and_are_not_advertised() {
        assert!(matches!(parsed("rch xcode tail last"), Command::Xcode(XcodeCommand::Tail(_))));
        assert!(matches!(parsed("rch xcode artifacts last"), Command::Xcode(XcodeCommand::Fetch(_))));
        assert!(matches!(parsed("rch xcode cancel last"), Command::Xcode(XcodeCommand::Cancel { .. })));
        let mut command = Cli::command();
        let help = command.find_subcommand_mut("xcode").map(|xcode| xcode.render_help().to_string()).unwrap_or_default();
        assert!(help.contains("verify") && !help.contains("tail"), "{help}");
    }

    /// `--help` as people see it. A change is to be made here too, on purpose.
    #[test]
    fn help_reads_as_it_was_agreed() {
        let help = |words: &[&str]| Cli::try_parse_from(words).expect_err("help is no command").to_string();
        for (words, golden) in [
            (&["rch", "--help"][..], include_str!("../golden/rch.txt")),
            (&["rch", "xcode", "verify", "--help"], include_str!("../golden/rch-xcode-verify.txt")),
            (&["rch", "fetch", "--help"], include_str!("../golden/rch-fetch.txt")),
        ] {
            assert_eq!(help(words), golden, "{words:?}");
        }
    }

    #[test]
    fn every_command_shows_an_example() {
        fn walk(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            if command.get_subcommands().next().is_none() && !command.is_hide_set() {
                let example = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(example.contains("Example:"), "{path}");
            }
            command.get_subcommands().for_each(|inner| walk(inner, &path));
        }
        walk(&Cli::command(), "");
    }

    #[test]
    fn flags_are_a_layer_of_the_configuration() {
        let Command::Xcode(XcodeCommand::Verify { run }) = parsed("rch xcode verify --no-cache --destination a=b --worker macmini-01")
        else {
            panic!("verify")
        };
        let values = run.values();
        assert_eq!(values[0], ("cache.results", json!("off")));
        assert_eq!(values[1], ("worker_selection.worker", json!("macmini-01")));
        assert_eq!(values[2], ("destination.values", json!(["a=b"])));
    }
}
