//! Commands that stand below a word of their own, beside `rch xcode`.

use std::path::PathBuf;

use clap::Subcommand;

/// Commands under `rch workers`.
#[derive(Debug, Subcommand)]
pub(crate) enum WorkersCommand {
    /// Show one: what it can do, what it does, and why it takes no jobs
    #[command(after_help = "Example:\n  rch workers show macmini-02")]
    Show {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Let one finish what began there, and begin nothing else
    ///
    /// Runs that have started there go on to their end, each of their steps; runs that have not are given to other workers.
    #[command(after_help = "Example:\n  rch workers drain macmini-02 --reason 'Xcode 16.3' --wait")]
    Drain {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// Why, for whoever asks later
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        reason: String,
        /// Return when it holds no job; Ctrl-C leaves it draining
        #[arg(long)]
        wait: bool,
    },
    /// Let one take jobs again, whether it was drained or quarantined
    #[command(after_help = "Example:\n  rch workers resume macmini-02")]
    Resume {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// Why, for the record
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        reason: String,
    },
    /// Take one that is drained or lost out of the fleet
    ///
    /// It stays away, even while the coordinator's inventory still names it. To enrol it again, delete its entry there and then add it anew,
    /// or give it another key.
    #[command(after_help = "Example:\n  rch workers drain macmini-02 --wait && rch workers remove macmini-02")]
    Remove {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// Why, for the record
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        reason: String,
        /// Whatever it does: jobs that run there are given up, and run elsewhere
        #[arg(long)]
        force: bool,
    },
    /// Have one read its machine again, and say whether it changed
    #[command(after_help = "Example:\n  rch workers probe macmini-02")]
    Probe {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
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
    #[command(after_help = "Example:\n  rch schema validate .rch/artifacts/*/*/*/*.json")]
    Validate {
        /// Files; - is standard input
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
}
