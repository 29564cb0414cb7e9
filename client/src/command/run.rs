//! `rch xcode verify`, `rch xcode run` and `rch xcodebuild`: from a tree to verified artifacts.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rch_bundle::preflight::{self, Project};
use rch_schemas::TreeDirectory;
use rch_schemas::document::Farm;
use rch_schemas::invocation::{self, Container};
use rch_schemas::protocol::Feature;
use rch_schemas::wire::http::RunAccepted;
use serde_json::json;

use super::context::Connected;
use super::finish::{Here, Times};
use super::init::Standing;
use super::{Context, dry_run, finish, selection};
use crate::cli::{LogMode, RunFlags};
use crate::clock;
use crate::config::{Download, Layers, Merged, Settings};
use crate::download::{Collected, Collector, Place, Wanted};
use crate::error::{CommandError, NoRepoConfig};
use crate::farm::FarmClient;
use crate::follow::{Followed, Following, OnInterrupt, Stopped, Telling, follow};
use crate::output::xcodebuild::TreePaths;
use crate::output::{Ending, Label, Style, bytes, count, grouped};
use crate::plan::{Directories, Plan, PlanError, from_config, read};
use crate::source::Source;
use crate::stat_cache::StatCache;
use crate::submit::{Presence, Submission, Submitted, request};
use crate::upload::{Uploaded, upload};

/// What is to be run.
#[derive(Debug, Clone)]
pub(crate) enum What {
    /// The actions of `actions.verify`.
    Verify,
    /// The actions of these names.
    Actions(Vec<String>),
    /// A line that was given to xcodebuild.
    Line(Vec<String>),
}

/// A command that knows what it runs.
struct Prepared {
    flags: RunFlags,
    plan: Plan,
    root: PathBuf,
    merged: Merged,
    farm: Farm,
    client: Arc<FarmClient>,
    title: String,
    began: Instant,
}

/// Runs it, or says with `--dry-run` what would be run.
pub(crate) async fn run(context: &mut Context<'_>, flags: RunFlags, what: What) -> Result<Ending, CommandError> {
    let began = Instant::now();
    let layers = context.layers(flags.values())?;
    // What is wrong without the farm is said before the farm is asked; only what its defaults may add is waited for.
    let early = plan(context, (&layers, &layers.merged()), &what);
    if let Err(error) = early
        && !error.a_farm_may_help()
    {
        return Err(error);
    }
    let Connected { client, farm } = context.connect(&layers).await?;
    let merged = layers.merged_with(&farm)?;
    let (plan, root, title) = plan(context, (&layers, &merged), &what)?;
    judge(context, (&layers, &merged), &what, (&plan, &farm))?;
    if flags.supersede.is_some() {
        ask_for(&farm, Feature::SUPERSEDE)?;
    }
    context.reporter.facts(&Label::Notice, &merged.notices);
    context.reporter.facts(&Label::Notice, &plan.notices);
    let prepared = Prepared { flags, plan, root, merged, farm, client: Arc::new(client), title, began };
    let source = bundle(context, &prepared).await?;
    let submission = submission(context, &prepared, &source);
    if prepared.flags.dry_run {
        return dry_run::run(&prepared.client, context.reporter, &submission, (&prepared.plan, &source)).await;
    }
    let (accepted, uploaded) = submit(context, &prepared, &source, submission).await?;
    let place = Place::new(&prepared.root, prepared.flags.artifacts.as_deref(), &context.environment.working_directory);
    remember(context, &prepared.root, &place, &accepted);
    if prepared.flags.detach {
        return Ok(detached(context, &accepted));
    }
    let followed = watch(context, &prepared, &source, *accepted).await?;
    let (total, wait) = (prepared.began.elapsed(), followed.story.waited());
    let times = Times { title: prepared.title.clone(), total, upload: uploaded.elapsed, wait };
    finish::tell_run(context.reporter, followed.story.run(), &times);
    if let Some(stopped) = followed.stopped {
        let run_id = followed.story.run().plan.run_id.clone();
        let error = match stopped {
            Stopped::Cancelled => CommandError::Interrupted,
            Stopped::Left => CommandError::Left { run_id: run_id.clone() },
            Stopped::Unheard => CommandError::Unheard { run_id: run_id.clone() },
        };
        return Ok(Ending { run_id: Some(run_id), ..error.tell(context.reporter) });
    }
    complete(context, &prepared, &followed, &place).await
}

/// What is to be run, in which tree, and what to call it.
pub(super) fn plan(
    context: &Context<'_>,
    (layers, merged): (&Layers, &Merged),
    what: &What,
) -> Result<(Plan, PathBuf, String), CommandError> {
    let settings = Settings::new(merged);
    let working = &context.environment.working_directory;
    if let What::Line(words) = what {
        let root = context.root(layers);
        let plan = read(&settings, words, Directories { root: &root, working }, None).into_plan(&settings, &root)?;
        let title = plan.steps.first().map_or_else(|| "xcodebuild".to_owned(), |step| step.name.clone());
        return Ok((plan, root, title));
    }
    let root = layers.root().ok_or_else(|| NoRepoConfig::new(working.clone(), proposal(context)))?;
    let (names, title) = match what {
        What::Actions(names) => (names.clone(), names.join(", ")),
        What::Verify | What::Line(_) => (settings.verify()?, "verify".to_owned()),
    };
    Ok((from_config(&settings, &names, root)?, root.to_owned(), title))
}

/// What `rch xcode init` would write, without asking a farm.
fn proposal(context: &Context<'_>) -> Option<String> {
    Standing::of(context).propose(None).ok().map(|proposal| proposal.text)
}

/// The farm's own policy over what is to be run, what it knows of, and what a job's time allows: the coordinator would refuse the same, after the
/// upload.
fn judge(
    context: &Context<'_>,
    (layers, merged): (&Layers, &Merged),
    what: &What,
    (plan, farm): (&Plan, &Farm),
) -> Result<(), CommandError> {
    let settings = Settings::new(merged);
    if let What::Line(words) = what {
        let (root, working) = (context.root(layers), &context.environment.working_directory);
        let reading = read(&settings, words, Directories { root: &root, working }, Some(&farm.policy));
        if let Some(refused) = reading.refused() {
            return Err(PlanError::Rejected { what: "this line".to_owned(), refused }.into());
        }
    }
    plan.features().into_iter().try_for_each(|feature| ask_for(farm, feature))?;
    plan.judge(|_| farm.policy.clone())?;
    for step in &plan.steps {
        invocation::check_allowances(&step.classified.sanitized_argv, settings.timeouts().overall_seconds).map_err(PlanError::from)?;
    }
    Ok(())
}

/// An older farm would leave out what it does not know of.
fn ask_for(farm: &Farm, feature: &'static str) -> Result<(), CommandError> {
    if farm.features.iter().any(|known| known == feature) {
        return Ok(());
    }
    Err(CommandError::FeatureMissing { farm: farm.name.clone(), version: farm.version.clone(), feature })
}

/// What the tree is to hold for this plan: for the steps of which anything can run.
pub(super) fn projects(plan: &Plan) -> Vec<Project> {
    let project = |step: &crate::plan::Step| {
        let container = match step.classified.container.clone() {
            Some(Container::Workspace(path)) => preflight::Container::Workspace(path),
            Some(Container::Project(path)) => preflight::Container::Project(path),
            None => preflight::Container::Package(step.directory.as_ref().map_or(".", TreeDirectory::as_str).to_owned()),
        };
        let xcconfig = invocation::xcconfig_of(&step.classified.sanitized_argv).map(str::to_owned);
        Project { container, scheme: step.classified.scheme.clone(), xcconfig }
    };
    plan.steps.iter().filter(|step| !plan.is_refused(step)).map(project).collect()
}

async fn bundle(context: &mut Context<'_>, prepared: &Prepared) -> Result<Source, CommandError> {
    context.reporter.live(Some((&Label::Bundling, "reading the tree")));
    let projects = projects(&prepared.plan);
    let cache = StatCache::of(&context.environment);
    let bundling = Source::bundle(prepared.root.clone(), Settings::new(&prepared.merged).bundle(), projects, cache);
    let source = tokio::select! {
        source = bundling => source?,
        () = context.interrupts.asked(1) => return Err(CommandError::Interrupted),
    };
    context.reporter.live(None);
    context.reporter.fact(&Label::Bundling, &source.describe());
    Ok(source)
}

fn submission(context: &Context<'_>, prepared: &Prepared, source: &Source) -> Submission {
    let request_id = prepared.flags.request_id.clone().unwrap_or_else(clock::new_request_id);
    let presence = if prepared.flags.detach { Presence::Leaves } else { Presence::Follows };
    let mut request = request(request_id, &prepared.plan, source, (&prepared.merged, &context.environment), presence);
    request.options.supersede.clone_from(&prepared.flags.supersede);
    Submission::new(&request)
}

/// Submits until the run is recorded, sending what the farm lacks in between.
async fn submit(
    context: &mut Context<'_>,
    prepared: &Prepared,
    source: &Source,
    mut submission: Submission,
) -> Result<(Box<RunAccepted>, Uploaded), CommandError> {
    let client = &prepared.client;
    let (mut uploaded, mut told) = (Uploaded::default(), false);
    loop {
        match submission.ask(client).await? {
            Submitted::Accepted(accepted) => {
                if !told {
                    selection::tell_run(context.reporter, client, &accepted.run).await;
                }
                let superseded = accepted.run.supersedes.iter().map(|older| format!("run {older} is cancelled: this one takes its place"));
                context.reporter.facts(&Label::Notice, &superseded.collect::<Vec<_>>());
                return Ok((accepted, uploaded));
            }
            Submitted::Missing(missing) => {
                if !std::mem::replace(&mut told, true) {
                    told = preview(context, client, &submission).await;
                }
                let sent = send(context, prepared, source, &missing).await?;
                uploaded.elapsed += sent.elapsed;
            }
        }
    }
}

/// Tells who will run it before the upload, which may take long; whether that could be told.
async fn preview(context: &mut Context<'_>, client: &FarmClient, submission: &Submission) -> bool {
    let Ok(preview) = client.preview(submission.body()).await else { return false };
    for evidence in &preview.selections {
        selection::tell(context.reporter, evidence);
    }
    !preview.selections.is_empty()
}

async fn send(
    context: &mut Context<'_>,
    prepared: &Prepared,
    source: &Source,
    missing: &[rch_schemas::Sha256],
) -> Result<Uploaded, CommandError> {
    let reporter = &mut *context.reporter;
    let progress = |done: &Uploaded| {
        let text = format!("{}, {} of {}", bytes(done.bytes), grouped(done.chunks as u64), count(missing.len() as u64, "chunk"));
        reporter.live(Some((&Label::Uploading, &text)));
    };
    let sent = tokio::select! {
        sent = upload(&prepared.client, source, missing, progress) => sent?,
        () = context.interrupts.asked(1) => return Err(CommandError::Interrupted),
    };
    context.reporter.live(None);
    context.reporter.fact(&Label::Uploading, &sent.describe(source.packed().chunks().len()));
    Ok(sent)
}

/// So that `last` means this run, wherever its artifacts go. A tree that cannot be written to is no reason to lose the run.
fn remember(context: &mut Context<'_>, root: &Path, place: &Place, accepted: &RunAccepted) {
    let own = Place::new(root, None, &context.environment.working_directory);
    let remembered = own.remember(&accepted.run_id).and_then(|()| place.prepare(&accepted.run_id).map(drop));
    if let Err(error) = remembered {
        context.reporter.fact(&Label::Notice, &format!("`last` will not name this run: {error}"));
    }
}

fn detached(context: &mut Context<'_>, accepted: &RunAccepted) -> Ending {
    context.reporter.fact(&Label::Run, &format!("{} (goes on by itself: rch tail last)", accepted.run_id));
    context.reporter.data(accepted.run_id.as_str());
    let ending = Ending::success("accepted").with_document(json!(accepted.run));
    Ending { run_id: Some(accepted.run_id.clone()), ..ending }
}

async fn watch(context: &mut Context<'_>, prepared: &Prepared, source: &Source, accepted: RunAccepted) -> Result<Followed, CommandError> {
    context.reporter.fact(&Label::Run, &format!("{} (Ctrl-C cancels)", accepted.run_id));
    let following = Following {
        client: Arc::clone(&prepared.client),
        run: accepted.run,
        telling: Telling { log: log_mode(context, &prepared.flags), paths: TreePaths::new(source.paths()), only: None },
        source: Some(source.clone()),
        on_interrupt: OnInterrupt::Cancel,
    };
    follow(following, context.reporter, &mut context.interrupts).await
}

/// Short for a person at a terminal, raw where output is kept, nothing for a program that did not ask.
fn log_mode(context: &Context<'_>, flags: &RunFlags) -> LogMode {
    let at_terminal = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
    match (flags.log, context.reporter.style()) {
        (Some(mode), _) => mode,
        (None, Style::Json) => LogMode::None,
        (None, Style::Human) if at_terminal => LogMode::Short,
        (None, Style::Human) => LogMode::Raw,
    }
}

/// Fetches and checks the artifacts, and says how it all ended.
async fn complete(context: &mut Context<'_>, prepared: &Prepared, followed: &Followed, place: &Place) -> Result<Ending, CommandError> {
    let (run, reporter) = (followed.story.run(), &mut *context.reporter);
    let ending = finish::ending(run, None);
    let wanted = match Settings::new(&prepared.merged).download() {
        Download::None => {
            reporter.fact(&Label::Artifacts, "stay on the farm: rch fetch last");
            return Ok(ending);
        }
        Download::Small => Wanted::Small,
        Download::All => Wanted::All,
    };
    let collector = Collector { client: &prepared.client, farm: &prepared.farm, place, wanted };
    reporter.live(Some((&Label::Artifacts, "being fetched")));
    let mut collected: Collected = tokio::select! {
        collected = collector.run(run, None) => collected,
        () = context.interrupts.asked(1) => return Err(CommandError::Interrupted),
    };
    reporter.live(None);
    finish::tell_failures(reporter, &followed.story, &collected, Some(&prepared.root));
    reporter.facts(&Label::Notice, &collected.notices);
    let first_error = finish::first_error(run, &collected, place);
    let directory = place.shown(&place.run(&run.plan.run_id));
    finish::tell_artifacts(reporter, &collected, &Here { directory, exit_code: ending.exit_code, first_error, id: "last" });
    match finish::worst(&mut collected, reporter) {
        Some(error) => Err(Box::new(error).into()),
        None => Ok(ending),
    }
}
