//! `rch xcode init`: a first `.rch/xcode.toml`, and why it says what it says.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rch_schemas::wire::http::Liveness;
use serde_json::json;

use super::Context;
use crate::cli::InitFlags;
use crate::config::{ConfigError, REPO_FILE, Settings, repo_root};
use crate::error::CommandError;
use crate::farm::{FarmClient, FarmError};
use crate::output::{Ending, Label};
use crate::propose::{Guess, NothingToBuild, OnFarm, Proposal, Topic, propose};

/// How long the farm may take to say what its workers have; a proposal is no reason to wait.
const PATIENCE: Duration = Duration::from_secs(5);
/// Workers that are asked about: enough to know what most have.
const WORKERS_MAX: usize = 32;

/// Proposes, and writes unless asked not to.
pub(crate) async fn run(context: &mut Context<'_>, flags: InitFlags) -> Result<Ending, CommandError> {
    let at = Standing::of(context);
    let file = at.root.join(REPO_FILE);
    // A link that leads nowhere is in the way too.
    if fs::symlink_metadata(&file).is_ok() && !flags.force && !flags.dry_run {
        return Err(ConfigError::Exists { path: file }.into());
    }
    let farm = on_farm(context).await?;
    let proposal = at.propose(farm.as_ref()).map_err(|nothing| nothing_to_build(&at, &nothing))?;
    for guess in &proposal.guesses {
        context.reporter.fact(&label(guess), &format!("{}: {}", guess.what, guess.why));
    }
    context.reporter.facts(&Label::Notice, &proposal.open);
    if flags.dry_run {
        context.reporter.gap();
        let lines: Vec<String> = proposal.text.lines().map(str::to_owned).collect();
        context.reporter.data_lines(&lines);
    } else {
        write(&at.root, &proposal.text)?;
        context.reporter.fact(&Label::Written, &format!("{}; next: rch xcode verify --dry-run", file.display()));
    }
    let guesses = proposal.guesses.iter().map(|guess| json!({ "what": guess.what, "why": guess.why }));
    let document = json!({
        "path": file, "written": !flags.dry_run, "text": proposal.text, "guesses": guesses.collect::<Vec<_>>(), "open": proposal.open,
    });
    Ok(Ending::success(if flags.dry_run { "proposed; nothing was written" } else { "written" }).with_document(document))
}

/// The tree, and where in it the person stands.
pub(super) struct Standing {
    root: PathBuf,
    start: PathBuf,
}

impl Standing {
    /// The tree is the one that has a configuration, else the checkout, else what the working directory holds.
    pub(super) fn of(context: &Context<'_>) -> Self {
        let working = &context.environment.working_directory;
        let root = repo_root(working).unwrap_or_else(|| super::context::checkout(working));
        let start = working.strip_prefix(&root).unwrap_or(Path::new("")).to_owned();
        Self { root, start }
    }

    /// What could be written there.
    pub(super) fn propose(&self, farm: Option<&OnFarm>) -> Result<Proposal, NothingToBuild> {
        propose(&self.root, &self.start, farm)
    }
}

fn nothing_to_build(at: &Standing, nothing: &NothingToBuild) -> ConfigError {
    let made: Vec<String> = nothing.generators.iter().map(|(path, what)| format!("{} is there: {what}", path.display())).collect();
    let fix = if made.is_empty() { "give it where the project is".to_owned() } else { made.join("; ") };
    ConfigError::NothingToBuild { root: at.root.clone(), fix }
}

fn label(guess: &Guess) -> Label {
    match guess.topic {
        Topic::Project => Label::Project,
        Topic::Scheme => Label::Scheme,
        Topic::Actions => Label::Actions,
        Topic::Destination => Label::Destination,
    }
}

/// Writes the tree's configuration, within the tree: through no link.
fn write(root: &Path, text: &str) -> Result<(), CommandError> {
    let file = root.join(REPO_FILE);
    let directory = file.parent().unwrap_or(root);
    let is_link = |path: &&Path| fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    if let Some(link) = [directory, &file].into_iter().find(is_link) {
        return Err(ConfigError::Link { path: link.to_owned() }.into());
    }
    replace(directory, &file, text).map_err(|source| CommandError::Local { what: "cannot write", path: file, source })
}

/// Puts a new file in the place of whatever has its name: a rename follows no link.
fn replace(directory: &Path, file: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    // As any new file: the umask takes away what it takes away.
    let mut written = tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(directory)?;
    written.write_all(text.as_bytes())?;
    written.as_file().sync_all()?;
    written.persist(file).map(drop).map_err(|error| error.error)
}

/// What the farm's workers have, when a farm is configured and answers soon. What cannot be had is no reason not to propose.
async fn on_farm(context: &mut Context<'_>) -> Result<Option<OnFarm>, CommandError> {
    // A configuration that cannot be read may be the one that is to be replaced.
    let Ok(layers) = context.layers(Vec::new()) else { return Ok(None) };
    let Ok(url) = Settings::new(&layers.merged()).coordinator() else { return Ok(None) };
    let client = context.client(url)?;
    let told = match tokio::time::timeout(PATIENCE, ask(&client)).await {
        Ok(Ok(farm)) => return Ok(Some(farm)),
        Ok(Err(error @ FarmError::KeyChanged { .. })) => return Err(error.into()),
        Ok(Err(error)) => error.brief(),
        Err(_) => format!("{} did not answer in time", client.url()),
    };
    context.reporter.fact(&Label::Notice, &format!("without what the farm's workers have: {told}"));
    Ok(None)
}

async fn ask(client: &FarmClient) -> Result<OnFarm, FarmError> {
    let farm = client.farm().await?;
    let mut workers = Vec::new();
    for worker in client.workers().await?.iter().filter(|worker| worker.liveness != Liveness::Lost).take(WORKERS_MAX) {
        workers.extend(client.worker_facts(&worker.worker).await?);
    }
    Ok(OnFarm::new(farm.name, workers))
}
