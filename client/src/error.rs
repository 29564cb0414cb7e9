//! Why a command did not do what was asked: the one place where errors become words, a code and an exit code.

use std::error::Error as _;
use std::io;
use std::path::PathBuf;

use rch_bundle::name::InvalidName;
use rch_schemas::protocol::Feature;
use rch_schemas::{Reason, RunId, WorkerName};
use serde_json::json;

use crate::config::ConfigError;
use crate::credentials::CredentialsError;
use crate::download::DownloadError;
use crate::farm::FarmError;
use crate::output::{Ending, Label, Reporter, Style, Why};
use crate::plan::{PlanError, Refused};
use crate::replay::ReplayError;
use crate::schema::UnknownSchema;
use crate::source::SourceError;

/// Why a command ends without having done what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is no configuration here; with a proposal when the tree allows one.
    #[error(transparent)]
    NoRepoConfig {
        /// The words.
        #[from]
        source: NoRepoConfig,
    },
    /// The farm.
    #[error(transparent)]
    Farm(#[from] FarmError),
    /// The tree.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// What is to be run.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The farm is older than what is asked of it.
    #[error(
        "the farm {farm} runs version {version}, which does not know of {feature}; ask its operators to upgrade it, or leave out what needs it: {}",
        explained(feature)
    )]
    FeatureMissing {
        /// The farm's name.
        farm: String,
        /// Its version.
        version: String,
        /// What it does not know.
        feature: &'static str,
    },
    /// Local files.
    #[error("{what} {}", path.display())]
    Local {
        /// What could not be done, such as `cannot write`.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file that was named on the command line.
    #[error("cannot read {}", path.display())]
    Given {
        /// As it was named.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Recorded decisions.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// Artifacts.
    #[error(transparent)]
    Download(#[from] Box<DownloadError>),
    /// What was named is not there.
    #[error("{what}; {fix}")]
    NotFound {
        /// What was looked for, and where.
        what: String,
        /// What to do.
        fix: &'static str,
    },
    /// What cannot be the path of an artifact.
    #[error("{path:?} is no path of an artifact: {source}; give it as `rch status ID` shows it, such as build.log")]
    ArtifactPath {
        /// What was given.
        path: String,
        /// What is wrong with it.
        source: InvalidName,
    },
    /// No schema has this name.
    #[error(transparent)]
    Schema(#[from] UnknownSchema),
    /// What a login left, or a token.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The user asked to stop.
    #[error("by Ctrl-C")]
    Interrupted,
    /// The user looks on no longer; what he looked on at goes on.
    #[error("the run goes on; nothing was cancelled (again: rch tail {run_id}; end it: rch cancel {run_id})")]
    Left {
        /// The run.
        run_id: RunId,
    },
    /// The user looks on no longer; the worker goes on draining.
    #[error("{worker} goes on draining (look: rch workers show {worker}; open it again: rch workers resume {worker})")]
    DrainLeft {
        /// The worker.
        worker: WorkerName,
    },
    /// Somebody opened the worker whose drain was waited for.
    #[error("{worker} was opened again before it had drained; `rch workers show {worker}` tells what it does")]
    Reopened {
        /// The worker.
        worker: WorkerName,
    },
    /// The machine of a worker could not be read again.
    #[error("{worker} did not read its machine again: {why}; its log on the machine may say more, and it gets no jobs before it has")]
    NotProbed {
        /// The worker.
        worker: WorkerName,
        /// What happened instead.
        why: String,
    },
    /// The user asked to stop, and the farm did not say that it heard of it.
    #[error("the farm could not be told to cancel; the run may go on: rch cancel {run_id}")]
    Unheard {
        /// The run.
        run_id: RunId,
    },
}

/// There is no `.rch/xcode.toml`.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub(crate) struct NoRepoConfig {
    error: ConfigError,
    /// What it could hold.
    pub(crate) proposal: Option<String>,
}

impl NoRepoConfig {
    /// For a command given in `from`.
    pub(crate) fn new(from: PathBuf, proposal: Option<String>) -> Self {
        Self { error: ConfigError::NoRepoConfig { from, proposed: proposal.is_some() }, proposal }
    }
}

/// What of a configuration asks for a feature.
fn explained(feature: &str) -> &'static str {
    match feature {
        Feature::STEP_DESTINATIONS => "destinations of an action that are not those of the others",
        Feature::STEP_DIRECTORY => "a package that does not lie at the tree's root",
        Feature::ALLOW_EMPTY => "allow_empty under an action",
        Feature::SUPERSEDE => "--supersede",
        "ledger" => "rch replay of anything but a file",
        _ => "what is new in this version of rch",
    }
}

impl CommandError {
    /// Code and exit code.
    pub(crate) fn why(&self) -> Why {
        match self {
            Self::Farm(error) => error.why(),
            Self::Replay(error) => error.why(),
            Self::Source(error) => error.why(),
            Self::Plan(error) => match error {
                PlanError::Rejected { .. } => Why::Reason(Reason::ArgumentDenied),
                PlanError::Config(_) | PlanError::Allowance(_) | PlanError::Order(_) => Why::Usage,
            },
            Self::FeatureMissing { .. } => Why::Reason(Reason::FeatureMissing),
            Self::Download(error) => error.why(),
            Self::NotFound { .. } => Why::Reason(Reason::NotFound),
            Self::Local { .. } | Self::Credentials(CredentialsError::Unwritable { .. }) => Why::Internal,
            Self::Config(_)
            | Self::NoRepoConfig { .. }
            | Self::Given { .. }
            | Self::Schema(_)
            | Self::Credentials(_)
            | Self::ArtifactPath { .. } => Why::Usage,
            Self::Interrupted => Why::Reason(Reason::CancelledByUser),
            Self::Left { .. } | Self::Unheard { .. } | Self::DrainLeft { .. } => Why::Left,
            Self::Reopened { .. } => Why::Reason(Reason::Conflict),
            Self::NotProbed { .. } => Why::Reason(Reason::CapabilitiesStale),
        }
    }

    /// Whether a default of the farm may add what is missing.
    pub(crate) fn a_farm_may_help(&self) -> bool {
        matches!(self, Self::Config(error) | Self::Plan(PlanError::Config(error)) if error.a_farm_may_help())
    }

    /// The error with its causes, in one line.
    pub(crate) fn sentence(&self) -> String {
        let mut sentence = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Some errors name their cause themselves.
            if !sentence.contains(&text) {
                sentence = format!("{sentence}: {text}");
            }
            cause = error.source();
        }
        sentence
    }

    /// What belongs beneath the sentence.
    pub(crate) fn details(&self) -> Vec<String> {
        if let Some(refused) = self.refused() {
            return refused.sentences();
        }
        let Self::NoRepoConfig { source } = self else { return Vec::new() };
        source.proposal.iter().flat_map(|text| std::iter::once("").chain(text.lines())).map(str::to_owned).collect()
    }

    /// Says it, and gives the command's end.
    pub(crate) fn tell(&self, reporter: &mut Reporter) -> Ending {
        let (sentence, details) = (self.sentence(), self.details());
        reporter.live(None);
        if reporter.style() == Style::Human {
            reporter.fact(&self.label(), &sentence);
            match self.refused() {
                Some(refused) => tell_refused(reporter, refused),
                None => reporter.details(&details),
            }
        }
        let message = std::iter::once(sentence).chain(details.into_iter().filter(|line| !line.is_empty())).collect::<Vec<_>>();
        let ending = Ending::because(self.why(), message.join("\n"));
        match self.refused() {
            Some(refused) => ending.with_document(json!({ "rejected": refused.document() })),
            None => ending,
        }
    }

    /// Stopping is the user's will, and no error.
    fn label(&self) -> Label {
        if matches!(self, Self::Interrupted) {
            Label::Cancelled
        } else if matches!(self, Self::Left { .. } | Self::Unheard { .. } | Self::DrainLeft { .. }) {
            Label::Left
        } else {
            Label::Error
        }
    }

    /// The line that is refused, when that is why.
    fn refused(&self) -> Option<&Refused> {
        if let Self::Plan(PlanError::Rejected { refused, .. }) = self { Some(refused) } else { None }
    }
}

/// The line with its marks, then each answer.
fn tell_refused(reporter: &mut Reporter, refused: &Refused) {
    reporter.gap();
    reporter.block(&Label::Rejected, &refused.line());
    reporter.gap();
    for (label, text) in refused.facts() {
        reporter.fact(&label, &text);
    }
}
