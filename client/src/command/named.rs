//! The run or job that `ID` names.

use std::path::Path;
use std::sync::Arc;

use rch_schemas::document::Farm;
use rch_schemas::wire::http::{JobView, RunView};
use rch_schemas::{JobId, Reason};

use super::context::{Connected, Context};
use crate::download::Place;
use crate::error::CommandError;
use crate::farm::{FarmClient, FarmError};

/// What people write for the newest run of the tree they are in.
pub(super) const LAST: &str = "last";

/// What was named, and the farm that has it.
pub(super) struct Named {
    pub(super) client: Arc<FarmClient>,
    pub(super) farm: Farm,
    pub(super) place: Place,
    /// The run, or the one of the job.
    pub(super) run: RunView,
    /// The job, when a job was named.
    pub(super) job: Option<JobId>,
}

/// Finds a run or job by id, unique prefix, or `last`: the newest run of this tree, and of no other.
pub(super) async fn find(context: &mut Context<'_>, id: &str, artifacts: Option<&Path>) -> Result<Named, CommandError> {
    let layers = context.layers(Vec::new())?;
    let (root, working) = (context.root(&layers), context.environment.working_directory.clone());
    let asked = if id == LAST { last(&root, &working)? } else { id.to_owned() };
    if asked.is_empty() || !asked.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return Err(not_found(format!("{id:?} is no id of a run or job")));
    }
    let Connected { client, farm } = context.connect(&layers).await?;
    let missing = || match id {
        LAST => not_found(format!("{} has no run {asked}, which was the last one of this tree", client.url())),
        _ => not_found(format!("the farm has no run and no job {asked}")),
    };
    let (run, job) = match client.run(&asked).await {
        Ok(run) => (run, None),
        Err(error) if is_missing(&error) => {
            let job: JobView = client.job(&asked).await.map_err(|error| if is_missing(&error) { missing() } else { error.into() })?;
            (client.run(job.run_id.as_str()).await?, Some(job.job_id))
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Named { client: Arc::new(client), farm, place: Place::new(&root, artifacts, &working), run, job })
}

/// The run that the tree at `root` remembers.
fn last(root: &Path, working: &Path) -> Result<String, CommandError> {
    match Place::new(root, None, working).last() {
        Some(run_id) => Ok(run_id.to_string()),
        None => Err(not_found(format!("`last` is the newest run of a tree, and none was started in {}", root.display()))),
    }
}

fn is_missing(error: &FarmError) -> bool {
    error.code() == Some(Reason::NotFound)
}

fn not_found(what: String) -> CommandError {
    CommandError::NotFound { what, fix: "`rch runs` lists the farm's newest ones" }
}
