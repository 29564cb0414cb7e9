//! The tables. Values are JSON: rows are few kilobytes, and a person can read them.

use redb::TableDefinition;

/// Single values by name.
pub(super) const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
/// Runs of the state, by id.
pub(super) const RUNS: TableDefinition<&str, &[u8]> = TableDefinition::new("runs");
/// Jobs of the state, by id.
pub(super) const JOBS: TableDefinition<&str, &[u8]> = TableDefinition::new("jobs");
/// Workers, by name.
pub(super) const WORKERS: TableDefinition<&str, &[u8]> = TableDefinition::new("workers");
/// Runs that left the state and can still be read, by id.
pub(super) const OLD_RUNS: TableDefinition<&str, &[u8]> = TableDefinition::new("old_runs");
/// Their jobs, by id.
pub(super) const OLD_JOBS: TableDefinition<&str, &[u8]> = TableDefinition::new("old_jobs");
/// Run ids in order of arrival: by record and place in the record.
pub(super) const ARRIVALS: TableDefinition<(u64, u32), &str> = TableDefinition::new("arrivals");

/// Judgements of the state, by digest.
pub(super) const JUDGEMENTS: TableDefinition<&str, &[u8]> = TableDefinition::new("judgements");
/// Judgements that left the state, by digest: choices of ended runs rest on them.
pub(super) const OLD_JUDGEMENTS: TableDefinition<&str, &[u8]> = TableDefinition::new("old_judgements");
/// Ids of runs that wait for chunks of their source.
pub(super) const GAPS: TableDefinition<&str, ()> = TableDefinition::new("gaps");

/// In [`META`]: the form of rows and what `apply` makes of events; a number.
pub(super) const APPLY_VERSION_KEY: &str = "apply_version";
/// In [`META`]: the end of what was applied.
pub(super) const POSITION_KEY: &str = "position";
/// In [`META`]: what belongs to no run, job or worker.
pub(super) const FARM_KEY: &str = "farm";
