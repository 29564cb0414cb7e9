//! Names of the coordinator's metrics, and what they mean. Base units; closed label sets; never an id, a path or a requester.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// Runs that ended, by `status`.
pub(crate) const RUNS: &str = "rch_runs_total";
/// Jobs that ended, by `status`.
pub(crate) const JOBS: &str = "rch_jobs_total";
/// Attempts that were offered.
pub(crate) const ATTEMPTS_OFFERED: &str = "rch_attempts_offered_total";
/// Time from when a job could have run to its first start.
pub(crate) const QUEUE_WAIT_SECONDS: &str = "rch_queue_wait_seconds";
/// By how much the first estimate that was told of a wait was wrong.
pub(crate) const WAIT_ESTIMATE_ERROR_SECONDS: &str = "rch_wait_estimate_error_seconds";
/// Whether this coordinator leads.
pub(crate) const LEADER: &str = "rch_leader";
/// Time from an append to its acknowledgement.
pub(crate) const APPEND_SECONDS: &str = "rch_ledger_append_seconds";
/// Commands in one record.
pub(crate) const COMMANDS_PER_APPEND: &str = "rch_ledger_commands_per_append";
/// Appends whose outcome was unknown at first.
pub(crate) const APPENDS_UNKNOWN: &str = "rch_ledger_appends_unknown_total";
/// Records the projection has not applied yet.
pub(crate) const PROJECTION_LAG: &str = "rch_projection_lag_records";
/// Whether acknowledged work may be lost in a power cut, or that is not known.
pub(crate) const DURABILITY_DEGRADED: &str = "rch_durability_degraded";
/// Messages of agents that could not be read, by `carrier`.
pub(crate) const MESSAGES_DROPPED: &str = "rch_messages_dropped_total";
/// Workers that are silent long enough to be lost, and are not since they are so many at once.
pub(crate) const WORKERS_SILENT_TOGETHER: &str = "rch_workers_silent_together";
/// Readings of a worker's machine that were asked for, by `outcome`: `read` or `failed`.
pub(crate) const PROBES: &str = "rch_probes_total";
/// Commands that panicked.
pub(crate) const POISONED: &str = "rch_poisoned_commands_total";
/// Bytes of chunks that clients uploaded.
pub(crate) const UPLOAD_BYTES: &str = "rch_upload_bytes_total";
/// Time to answer an HTTP request, by `route` and `code`.
pub(crate) const HTTP_SECONDS: &str = "rch_http_request_seconds";

/// Buckets for everything in seconds: from a fast append to a slow job.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// Buckets for waits in a queue, in seconds: from none to an hour and more.
const WAITS: [f64; 10] = [0.5, 1.0, 5.0, 15.0, 60.0, 180.0, 600.0, 1_800.0, 3_600.0, 7_200.0];
/// Buckets for commands in a record; the largest is a full one.
const COMMANDS: [f64; 7] = [1.0, 2.0, 4.0, 16.0, 64.0, 128.0, 256.0];

/// Installs the recorder of this process; in a process that has one already, as in tests, its own stays and this one shows nothing.
///
/// # Errors
/// Never, with the constant buckets above; the builder's type says so of any.
pub(crate) fn install() -> Result<PrometheusHandle, BuildError> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Full(QUEUE_WAIT_SECONDS.to_owned()), &WAITS)?
        .set_buckets_for_metric(Matcher::Full(WAIT_ESTIMATE_ERROR_SECONDS.to_owned()), &WAITS)?
        .set_buckets_for_metric(Matcher::Full(COMMANDS_PER_APPEND.to_owned()), &COMMANDS)?
        .build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::debug!("another recorder of metrics is installed in this process");
    }
    describe();
    Ok(handle)
}

fn describe() {
    describe_counter!(RUNS, "Runs that ended, by status.");
    describe_counter!(JOBS, "Jobs that ended, by status.");
    describe_counter!(ATTEMPTS_OFFERED, "Attempts that were offered to a worker.");
    describe_histogram!(QUEUE_WAIT_SECONDS, Unit::Seconds, "Time from when a job could have run to its first start.");
    describe_histogram!(
        WAIT_ESTIMATE_ERROR_SECONDS,
        Unit::Seconds,
        "Difference between a wait and the first estimate of it that was told, whichever is longer."
    );
    describe_gauge!(LEADER, "1 while this coordinator leads.");
    describe_histogram!(APPEND_SECONDS, Unit::Seconds, "Time from an append to the ledger to its acknowledgement.");
    describe_histogram!(COMMANDS_PER_APPEND, "Commands that shared one record of the ledger.");
    describe_counter!(APPENDS_UNKNOWN, "Appends that were not acknowledged in time, so that the ledger had to be read.");
    describe_gauge!(PROJECTION_LAG, "Records of the ledger that the projection has not applied yet.");
    describe_gauge!(DURABILITY_DEGRADED, "1 when acknowledged work may be lost in a power cut, or when that is not known.");
    describe_counter!(MESSAGES_DROPPED, "Messages of agents that could not be read.");
    describe_gauge!(WORKERS_SILENT_TOGETHER, "Workers that would be lost, were they not so many at once; above 0 a person must look.");
    describe_counter!(PROBES, "Readings of a worker's machine that were asked for, by what came of them.");
    describe_counter!(POISONED, "Commands that panicked and were set aside.");
    describe_counter!(UPLOAD_BYTES, Unit::Bytes, "Bytes of chunks that clients uploaded.");
    describe_histogram!(HTTP_SECONDS, Unit::Seconds, "Time to answer an HTTP request.");
}
