//! The name of one attempt, in maps and in directories.

use std::fmt;
use std::str::FromStr;

use rch_schemas::wire::agent::WantedAttempt;
use rch_schemas::{Attempt, JobId};

/// One attempt of one job.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AttemptKey {
    pub(crate) job_id: JobId,
    pub(crate) attempt: Attempt,
}

impl AttemptKey {
    pub(crate) fn new(job_id: &JobId, attempt: Attempt) -> Self {
        Self { job_id: job_id.clone(), attempt }
    }
}

impl From<&WantedAttempt> for AttemptKey {
    fn from(wanted: &WantedAttempt) -> Self {
        Self::new(&wanted.job_id, wanted.attempt)
    }
}

/// `<job>.<attempt>`: a job id holds no point.
impl fmt::Display for AttemptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.job_id, self.attempt)
    }
}

/// The text names no attempt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the name of an attempt: expected <job>.<number>")]
pub(crate) struct InvalidKey(String);

impl FromStr for AttemptKey {
    type Err = InvalidKey;
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let parsed = text.split_once('.').and_then(|(job, number)| Some(Self::new(&job.parse().ok()?, Attempt(number.parse().ok()?))));
        parsed.filter(|key| key.to_string() == text).ok_or_else(|| InvalidKey(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_back_and_nothing_else_is_one() {
        let key: Result<AttemptKey, _> = "job-000001.2".parse();
        assert_eq!(key.map(|key| key.to_string()), Ok("job-000001.2".to_owned()));
        for bad in ["job-000001", "job-000001.x", "job-000001.02", "..", "short.1", ".DS_Store"] {
            assert_eq!(bad.parse::<AttemptKey>(), Err(InvalidKey(bad.to_owned())));
        }
    }
}
