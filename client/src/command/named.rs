//! The run or job that `ID` names.

use std::path::Path;
use std::sync::Arc;

use rch_schemas::document::Farm;
use rch_schemas::wire::http::{JobView, RunView};
use rch_schemas::{JobId, Reason};

use super::Context;
use crate::download::Place;
use crate::error::CommandError;
use crate::farm::{FarmClient, FarmError};

/// What people write for the newest run.
const LAST: &str = "last";

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

/// Finds a run or job by id, unique prefix, or `last`: the newest run of this tree, else of the farm.
pub(super) async fn find(context: &mut Context<'_>, id: &str, artifacts: Option<&Path>) -> Result<Named, CommandError> {
    let layers = context.layers(Vec::new())?;
    let working = context.environment.working_directory.clone();
    let place = Place::new(&context.root(&layers), artifacts, &working);
    let connected = context.connect(&layers).await?;
    let client = Arc::new(connected.client);
    let asked = match place.last().filter(|_| id == LAST) {
        Some(last) => last.to_string(),
        None => id.to_owned(),
    };
    if asked.is_empty() || !asked.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return Err(not_found(format!("{id:?} is no id of a run or job")));
    }
    let (run, job) = match client.run(&asked).await {
        Ok(run) => (run, None),
        Err(error) if is_missing(&error) => {
            let job: JobView = client.job(&asked).await.map_err(|error| explained(error, &asked))?;
            (client.run(job.run_id.as_str()).await?, Some(job.job_id))
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Named { client, farm: connected.farm, place, run, job })
}

fn is_missing(error: &FarmError) -> bool {
    error.code() == Some(Reason::NotFound)
}

fn explained(error: FarmError, id: &str) -> CommandError {
    if is_missing(&error) { not_found(format!("the farm has no run and no job {id}")) } else { error.into() }
}

fn not_found(what: String) -> CommandError {
    CommandError::NotFound { what, fix: "`rch runs` lists the newest ones" }
}
