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
