//! The streams, exactly as the architecture lists them, and whether what is there is that.

use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{CreateStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::kv;
use async_nats::jetstream::stream::{Config, DiscardPolicy, PersistenceMode, RetentionPolicy, StorageType};
use rch_schemas::LedgerSeq;
use rch_schemas::wire::subject;

/// How long log chunks are kept: a job may run a day, and be looked at the day after.
const OUTPUT_AGE: Duration = Duration::from_hours(48);
/// How much log is kept; the oldest goes first, and whole logs are in the object store.
const OUTPUT_BYTES: i64 = 2 * 1024 * 1024 * 1024;
/// Room for offers: some kilobytes each, one a waiting or running attempt.
const JOBS_BYTES: i64 = 64 * 1024 * 1024;
/// How long the leader's lease lasts without renewal.
pub(crate) const LEASE: Duration = Duration::from_secs(15);

/// Why a stream cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    #[error(
        "stream {stream} is not as the farm needs it: {differences}. It holds what cannot be made again; stop everything, back it up, and create it anew with these settings"
    )]
    Different { stream: String, differences: String },
    #[error(
        "there is no stream RCH_LEDGER, but its records up to {applied} were applied here: the NATS server lost its store, or is another one. Restore the stream; or, to begin a new farm, move the projection in data_dir aside"
    )]
    LedgerGone { applied: LedgerSeq },
    #[error("the server refuses stream {stream}: {reason}")]
    Refused { stream: String, reason: String },
    #[error("the server does not answer about stream {stream}: {reason}")]
    Silent { stream: String, reason: String },
}

impl StreamError {
    /// Whether trying again may help.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Silent { .. })
    }
}

/// Makes sure of what outlives a restart of the server: ledger, output, and the bucket of the lease. Returns the bucket. A ledger of which
/// records up to `applied` are known here is not made anew: it would be another one.
pub(crate) async fn ensure_lasting(jetstream: &Context, applied: LedgerSeq) -> Result<kv::Store, StreamError> {
    let found = match find(jetstream, subject::LEDGER_STREAM).await? {
        Some(found) => found,
        None if applied.0 > 0 => return Err(StreamError::LedgerGone { applied }),
        None => create(jetstream, &ledger()).await?,
    };
    let differences = differences(&ledger(), &found);
    if !differences.is_empty() {
        return Err(StreamError::Different { stream: subject::LEDGER_STREAM.to_owned(), differences });
    }
    ensure_replaceable(jetstream, &output()).await?;
    ensure_bucket(jetstream).await
}

/// Makes sure of the offers' stream, which lies in memory and is gone after a restart of the server. True when it had to be made.
pub(crate) async fn ensure_jobs(jetstream: &Context) -> Result<bool, StreamError> {
    ensure_replaceable(jetstream, &jobs()).await
}

fn ledger() -> Config {
    Config {
        name: subject::LEDGER_STREAM.to_owned(),
        subjects: vec![subject::LEDGER_SUBJECT.to_owned()],
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        num_replicas: 1,
        discard: DiscardPolicy::New,
        max_bytes: -1,
        max_messages: -1,
        max_messages_per_subject: -1,
        deny_delete: true,
        deny_purge: true,
        ..Config::default()
    }
}

fn jobs() -> Config {
    Config {
        name: subject::JOBS_STREAM.to_owned(),
        subjects: vec![subject::JOBS_SUBJECTS.to_owned()],
        retention: RetentionPolicy::WorkQueue,
        storage: StorageType::Memory,
        num_replicas: 1,
        discard: DiscardPolicy::New,
        discard_new_per_subject: true,
        max_messages_per_subject: 1,
        max_messages: -1,
        max_bytes: JOBS_BYTES,
        ..Config::default()
    }
}

fn output() -> Config {
    Config {
        name: subject::OUTPUT_STREAM.to_owned(),
        subjects: vec![subject::OUTPUT_SUBJECTS.to_owned()],
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        num_replicas: 1,
        discard: DiscardPolicy::Old,
        max_age: OUTPUT_AGE,
        max_bytes: OUTPUT_BYTES,
        max_messages: -1,
        max_messages_per_subject: -1,
        persist_mode: Some(PersistenceMode::Async),
        ..Config::default()
    }
}

/// For a stream whose content can be lost: a different one is deleted and made anew. True when it was made.
async fn ensure_replaceable(jetstream: &Context, wanted: &Config) -> Result<bool, StreamError> {
    if let Some(found) = find(jetstream, &wanted.name).await? {
        let differences = differences(wanted, &found);
        if differences.is_empty() {
            return Ok(false);
        }
        tracing::warn!(stream = wanted.name, differences, "stream is not as the farm needs it, making it anew");
        let silent = |error: &dyn std::fmt::Display| StreamError::Silent { stream: wanted.name.clone(), reason: error.to_string() };
        jetstream.delete_stream(&wanted.name).await.map_err(|error| silent(&error))?;
    }
    let made = create(jetstream, wanted).await?;
    let differences = differences(wanted, &made);
    if differences.is_empty() { Ok(true) } else { Err(StreamError::Different { stream: wanted.name.clone(), differences }) }
}

async fn find(jetstream: &Context, name: &str) -> Result<Option<Config>, StreamError> {
    match jetstream.get_stream(name).await {
        Ok(stream) => Ok(Some(stream.cached_info().config.clone())),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(refusal) if refusal.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
            GetStreamErrorKind::JetStream(_)
            | GetStreamErrorKind::Request
            | GetStreamErrorKind::EmptyName
            | GetStreamErrorKind::InvalidStreamName => Err(StreamError::Silent { stream: name.to_owned(), reason: error.to_string() }),
        },
    }
}

async fn create(jetstream: &Context, wanted: &Config) -> Result<Config, StreamError> {
    match jetstream.create_stream(wanted.clone()).await {
        Ok(stream) => {
            tracing::info!(stream = wanted.name, "stream made");
            Ok(stream.cached_info().config.clone())
        }
        Err(error) => {
            let (stream, reason) = (wanted.name.clone(), error.to_string());
            match error.kind() {
                CreateStreamErrorKind::JetStream(_) => Err(StreamError::Refused { stream, reason }),
                CreateStreamErrorKind::EmptyStreamName
                | CreateStreamErrorKind::InvalidStreamName
                | CreateStreamErrorKind::DomainAndExternalSet
                | CreateStreamErrorKind::JetStreamUnavailable
                | CreateStreamErrorKind::TimedOut
                | CreateStreamErrorKind::Response
                | CreateStreamErrorKind::NotFound
                | CreateStreamErrorKind::ResponseParse => Err(StreamError::Silent { stream, reason }),
            }
        }
    }
}

async fn ensure_bucket(jetstream: &Context) -> Result<kv::Store, StreamError> {
    let name = subject::LEADER_BUCKET;
    let silent = |error: &dyn std::fmt::Display| StreamError::Silent { stream: name.to_owned(), reason: error.to_string() };
    let config = kv::Config {
        bucket: name.to_owned(),
        history: 1,
        max_age: LEASE,
        storage: StorageType::File,
        num_replicas: 1,
        ..kv::Config::default()
    };
    let store = match find(jetstream, &format!("KV_{name}")).await? {
        Some(_) => jetstream.get_key_value(name).await.map_err(|error| silent(&error))?,
        None => jetstream.create_key_value(config).await.map_err(|error| silent(&error))?,
    };
    let status = store.status().await.map_err(|error| silent(&error))?;
    if status.max_age() != LEASE || status.history() != 1 {
        let differences = format!("max_age {:?} instead of {LEASE:?}, history {} instead of 1", status.max_age(), status.history());
        return Err(StreamError::Different { stream: name.to_owned(), differences });
    }
    Ok(store)
}

/// Each setting of ours that reads back otherwise, in words; empty when there is none. An absent persistence mode is the synchronous default.
fn differences(wanted: &Config, found: &Config) -> String {
    let mode = |config: &Config| format!("{:?}", config.persist_mode.unwrap_or(PersistenceMode::Default));
    let rows = [
        ("subjects", format!("{:?}", wanted.subjects), format!("{:?}", found.subjects)),
        ("retention", format!("{:?}", wanted.retention), format!("{:?}", found.retention)),
        ("storage", format!("{:?}", wanted.storage), format!("{:?}", found.storage)),
        ("discard", format!("{:?}", wanted.discard), format!("{:?}", found.discard)),
        ("discard_new_per_subject", wanted.discard_new_per_subject.to_string(), found.discard_new_per_subject.to_string()),
        ("max_msgs_per_subject", wanted.max_messages_per_subject.to_string(), found.max_messages_per_subject.to_string()),
        ("max_bytes", wanted.max_bytes.to_string(), found.max_bytes.to_string()),
        ("max_age", format!("{:?}", wanted.max_age), format!("{:?}", found.max_age)),
        ("deny_delete", wanted.deny_delete.to_string(), found.deny_delete.to_string()),
        ("deny_purge", wanted.deny_purge.to_string(), found.deny_purge.to_string()),
        ("persist_mode", mode(wanted), mode(found)),
    ];
    let different = rows.into_iter().filter(|(_, wanted, found)| wanted != found);
    different.map(|(name, wanted, found)| format!("{name} is {found}, expected {wanted}")).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_reads_back_as_asked_for_has_no_differences() {
        for config in [ledger(), jobs(), output()] {
            assert_eq!(differences(&config, &config.clone()), "");
        }
    }

    #[test]
    fn each_difference_names_setting_found_and_expected() {
        let found = Config { deny_delete: false, persist_mode: Some(PersistenceMode::Async), ..ledger() };
        let words = differences(&ledger(), &found);
        assert!(
            words.contains("deny_delete is false, expected true") && words.contains("persist_mode is Async, expected Default"),
            "{words}"
        );
    }
}
