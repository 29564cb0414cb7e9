//! `rch doctor`: this machine, the way to the farm, and the tree, each looked at by itself, with what to do about what is wrong.
//!
//! Everything is looked at, whatever was found before: one mistake must not hide the next. Nothing is written, sent or waited for.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use rch_bundle::preflight;
use rch_bundle::tree;
use rch_schemas::document::Farm;
use rch_schemas::protocol::ProtocolRange;
use rch_schemas::wire::http::{Intake, Liveness};
use serde::Serialize;
use serde_json::json;

use super::run::{self, What};
use super::{Context, workers};
use crate::clock;
use crate::config::{Layers, Merged, Settings};
use crate::error::CommandError;
use crate::farm::{FarmClient, FarmError};
use crate::output::{Ending, Why, bytes, count, duration};
use crate::plan::Plan;
use crate::source::SourceError;

/// Two clocks further apart than this make times hard to read; the contract's own limit for a worker's clock.
const CLOCK_MAX: Duration = Duration::from_secs(30);

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Health {
    Ok,
    Warn,
    Fail,
}

/// What was looked at, and what was found.
#[derive(Debug, Clone, Serialize)]
struct Check {
    health: Health,
    what: &'static str,
    found: String,
    #[serde(skip)]
    why: Option<Why>,
}

impl Check {
    fn ok(what: &'static str, found: impl Into<String>) -> Self {
        Self { health: Health::Ok, what, found: found.into(), why: None }
    }

    fn warn(what: &'static str, found: impl Into<String>) -> Self {
        Self { health: Health::Warn, what, found: found.into(), why: None }
    }

    fn fail(what: &'static str, error: &CommandError) -> Self {
        let found = std::iter::once(error.sentence()).chain(error.details()).filter(|line| !line.is_empty()).collect::<Vec<_>>();
        Self { health: Health::Fail, what, found: found.join("\n"), why: Some(error.why()) }
    }
}

/// Looks at everything; ends as the first thing that fails would end a run.
pub(crate) async fn run(context: &mut Context<'_>) -> Result<Ending, CommandError> {
    let mut checks = vec![Check::ok("rch", format!("{}, speaks protocol {}", env!("CARGO_PKG_VERSION"), ProtocolRange::OURS))];
    match context.layers(Vec::new()) {
        Ok(layers) => {
            checks.push(config(context, &layers));
            let (found, farm) = farm(context, &layers).await;
            checks.extend(found);
            let merged = farm.and_then(|farm| layers.merged_with(&farm).ok()).unwrap_or_else(|| layers.merged());
            checks.extend(merged.notices.iter().map(|notice| Check::warn("config", notice)));
            checks.extend(tree(context, &layers, &merged).await);
        }
        Err(error) => checks.push(Check::fail("config", &error)),
    }
    for check in &checks {
        let word = match check.health {
            Health::Ok => "ok",
            Health::Warn => "warn",
            Health::Fail => "fail",
        };
        for (index, line) in check.found.lines().enumerate() {
            let (word, what) = if index == 0 { (word, check.what) } else { ("", "") };
            context.reporter.data(format!("{word:<4}  {what:<11}  {line}").trim_end());
        }
    }
    let number = |health| checks.iter().filter(|check| check.health == health).count();
    let (failed, warned) = (number(Health::Fail), number(Health::Warn));
    let text = format!("{} checked: {failed} failed, {warned} to look at", count(checks.len() as u64, "thing"));
    let ending = match checks.iter().find_map(|check| check.why) {
        Some(why) => Ending::because(why, text),
        None => Ending::success(text),
    };
    Ok(ending.with_document(json!({ "checks": checks })))
}

fn config(context: &Context<'_>, layers: &Layers) -> Check {
    let merged = layers.merged();
    let places: BTreeSet<String> = merged.origins.values().map(ToString::to_string).filter(|place| place != "built-in").collect();
    let user = context.environment.user_config().filter(|path| !path.exists());
    let user = user.map(|path| format!("; there is no {}", path.display())).unwrap_or_default();
    let from = if places.is_empty() { "built-in values only".to_owned() } else { places.into_iter().collect::<Vec<_>>().join(", ") };
    Check::ok("config", format!("{from}{user}"))
}

/// The way to the farm, and what is at its end.
async fn farm(context: &Context<'_>, layers: &Layers) -> (Vec<Check>, Option<Farm>) {
    let merged = layers.merged();
    let client = match Settings::new(&merged).coordinator().map_err(CommandError::from) {
        Ok(url) => context.client(url),
        Err(error) => Err(error),
    };
    let client = match client {
        Ok(client) => client,
        Err(error) => return (vec![Check::fail("coordinator", &error)], None),
    };
    let asked = Instant::now();
    let farm = match client.farm().await {
        Ok(farm) => farm,
        Err(error) => return (vec![Check::fail("coordinator", &error.into())], None),
    };
    let took = asked.elapsed();
    let protocol = farm.protocol.to_string();
    let told = format!("{} at {}, rch {}, protocol {protocol}, answered in {} ms", farm.name, client.url(), farm.version, took.as_millis());
    let mut checks = vec![Check::ok("coordinator", told), clocks(&farm, took)];
    checks.push(health(&client).await.unwrap_or_else(|error| Check::fail("farm", &error.into())));
    checks.push(fleet(&client).await.unwrap_or_else(|error| Check::fail("workers", &error.into())));
    (checks, Some(farm))
}

/// The farm's clock when it answered, which was at most `took` ago.
fn clocks(farm: &Farm, took: Duration) -> Check {
    let apart = Duration::from_millis(clock::now().unix_ms().abs_diff(farm.created_at.unix_ms())).saturating_sub(took);
    if apart <= CLOCK_MAX {
        return Check::ok("clock", format!("{} from the farm's", duration(apart)));
    }
    Check::warn("clock", format!("{} from the farm's: set this machine's clock (timedatectl, or System Settings)", duration(apart)))
}

async fn health(client: &FarmClient) -> Result<Check, FarmError> {
    let health = client.health().await?;
    let mut found = vec![if health.ready { "placing jobs" } else { "not ready: jobs wait until it is" }.to_owned()];
    found.extend(health.problems);
    Ok(if health.ready && found.len() == 1 { Check::ok("farm", found.join("\n")) } else { Check::warn("farm", found.join("\n")) })
}

async fn fleet(client: &FarmClient) -> Result<Check, FarmError> {
    let all = client.workers().await?;
    let taking = all.iter().filter(|worker| worker.liveness == Liveness::Online && worker.intake == Intake::Open).count();
    let text = format!("{taking} of {} take jobs", all.len());
    if taking > 0 {
        return Ok(Check::ok("workers", text));
    }
    let states: Vec<String> = all.iter().map(|worker| format!("{} is {}", worker.worker, workers::state(worker))).collect();
    let states = if states.is_empty() { "the inventory is empty".to_owned() } else { states.join(", ") };
    Ok(Check::warn("workers", format!("{text}: {states}; `rch workers show NAME` says why")))
}

/// The tree as it would be sent, and whether what would run is allowed.
async fn tree(context: &Context<'_>, layers: &Layers, merged: &Merged) -> Vec<Check> {
    let mut checks = Vec::new();
    let (plan, root) = match run::plan(context, (layers, merged), &What::Verify) {
        Ok((plan, root, _)) => (Some(plan), root),
        Err(error) => {
            // Without a configuration there is no tree to look at: most commands do not need one.
            let check = Check::fail("tree", &error);
            let is_absent = matches!(error, CommandError::NoRepoConfig { .. });
            checks.push(if is_absent { Check::warn("tree", error.sentence()) } else { check });
            if is_absent {
                return checks;
            }
            (None, context.root(layers))
        }
    };
    checks.extend(plan.as_ref().map(|plan| {
        let steps: Vec<&str> = plan.steps.iter().map(|step| step.name.as_str()).collect();
        Check::ok("tree", format!("{}: verify runs {} of {}", root.display(), steps.join(", "), plan.project))
    }));
    let git = root.ancestors().any(|directory| directory.join(".git").exists());
    checks.push(if git {
        Check::ok("git", "tracked files are sent, and untracked ones that are not ignored")
    } else {
        Check::warn("git", "this is no checkout: every file is sent that .rchignore does not name")
    });
    checks.push(bundle(&root, merged, plan.as_ref()).await);
    checks
}

/// What stands in the way of the tree's upload. Names and sizes only: no file is read to its end.
async fn bundle(root: &Path, merged: &Merged, plan: Option<&Plan>) -> Check {
    let (root, options) = (root.to_owned(), Settings::new(merged).bundle());
    let projects = plan.map(run::projects).unwrap_or_default();
    let look = move || -> Result<Check, SourceError> {
        let tree = tree::walk(&root, &options)?;
        for project in &projects {
            preflight::check(&tree, project)?;
        }
        let untracked = match tree.untracked().count() as u64 {
            0 => String::new(),
            number => format!("; {number} untracked (list: rch xcode verify --dry-run)"),
        };
        Ok(Check::ok("bundle", format!("{}, {}{untracked}", count(tree.files() as u64, "file"), bytes(tree.content_bytes()))))
    };
    match tokio::task::spawn_blocking(look).await {
        Ok(looked) => looked.unwrap_or_else(|error| Check::fail("bundle", &error.into())),
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
