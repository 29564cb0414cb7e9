//! The life of the dispatcher: connect, follow, lead, and again.

use std::time::Duration;

use rch_scheduler::FarmConfig;
use rch_schemas::LedgerSeq;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::queues::Queues;
use super::replica::{Replica, ReplicaError};
use super::term::{End, Term};
use crate::error_line::error_line;
use crate::health::Source;
use crate::leader::{Keeper, Lease};
use crate::ledger::JetStreamLog;
use crate::nats::{self, Connection, ServerError, StreamError};
use crate::shared::Shared;

/// Between two tries at what may pass by itself, and how often a standby looks for new records.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// Why the coordinator cannot do its work at all; the process ends with these words.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DispatcherError {
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error(transparent)]
    Replica(#[from] ReplicaError),
}

impl DispatcherError {
    fn is_passing(&self) -> bool {
        match self {
            Self::Server(error) => error.is_passing(),
            Self::Stream(error) => error.is_passing(),
            Self::Replica(error) => error.is_passing(),
        }
    }
}

/// The owner of the state, not yet running.
pub(crate) struct Dispatcher {
    pub(super) shared: Shared,
    pub(super) queues: Queues,
    /// The configuration that decisions should use; it enters the ledger when it differs.
    pub(super) farm: watch::Receiver<FarmConfig>,
    /// What this replica is called in the lease.
    replica: String,
    pub(super) shutdown: CancellationToken,
}

impl Dispatcher {
    /// A dispatcher that is not running yet.
    pub(crate) fn new(
        shared: Shared,
        queues: Queues,
        farm: watch::Receiver<FarmConfig>,
        replica: String,
        shutdown: CancellationToken,
    ) -> Self {
        Self { shared, queues, farm, replica, shutdown }
    }

    /// Follows and leads until shutdown.
    ///
    /// # Errors
    /// When this coordinator can never do its work as things are.
    pub(crate) async fn run(mut self, connection: Connection) -> Result<(), DispatcherError> {
        let applied = self.shared.projection.applied();
        let Some(store) = self.keep_trying(Source::Nats, || prepare(&connection, applied)).await? else { return Ok(()) };
        let open = || async { JetStreamLog::open(connection.jetstream.clone()).await.map_err(passing_ledger) };
        let Some(log) = self.keep_trying(Source::Ledger, open).await? else { return Ok(()) };
        let (keeper, lease) = Keeper::new(store, self.replica.clone());
        // The lease is given back only after the last record: whoever takes it next would otherwise meet this one's append.
        let (mut keeping, released) = (JoinSet::new(), CancellationToken::new());
        keeping.spawn(keeper.run(released.clone()));
        let outcome = self.follow_and_lead(&connection, &log, &lease).await;
        released.cancel();
        while keeping.join_next().await.is_some() {}
        outcome
    }

    async fn follow_and_lead(&mut self, connection: &Connection, log: &JetStreamLog, lease: &Lease) -> Result<(), DispatcherError> {
        let mut replica = Replica::load(&self.shared.projection, self.shared.projection.applied()).await.map_err(DispatcherError::from)?;
        let replica_checked = &replica;
        if self.keep_trying(Source::Ledger, || async { Ok(replica_checked.check(log).await?) }).await?.is_none() {
            return Ok(());
        }
        while self.follow(&mut replica, log, lease).await? {
            let mut term = Term::new(self, connection, log, lease);
            match term.lead(&mut replica).await {
                Ok(End::Shutdown) => return Ok(()),
                Ok(End::Lost(why)) => tracing::warn!(why, "no longer leading"),
                Err(error) if error.is_passing() => tracing::warn!(error = &error as &dyn std::error::Error, "no longer leading"),
                Err(error) => return Err(error.into()),
            }
            self.queues.clear();
            replica = Replica::load(&self.shared.projection, replica.written).await?;
        }
        Ok(())
    }

    /// Applies what others append until this coordinator should lead; false at shutdown.
    async fn follow(&mut self, replica: &mut Replica, log: &JetStreamLog, lease: &Lease) -> Result<bool, DispatcherError> {
        loop {
            match replica.catch_up(log, &self.shared.projection).await {
                Ok(()) => {
                    self.shared.board.set(Source::Ledger, None);
                    self.shared.projection.set_floor(replica.position.seq);
                }
                Err(error) if error.is_passing() => self.note(Source::Ledger, &error),
                Err(error) => return Err(error.into()),
            }
            tokio::select! {
                () = self.shutdown.cancelled() => return Ok(false),
                () = lease.acquired() => return Ok(true),
                () = tokio::time::sleep(AGAIN_AFTER) => {}
            }
        }
    }

    /// Repeats what may succeed later; `None` at shutdown.
    async fn keep_trying<T, F>(&self, source: Source, mut attempt: impl FnMut() -> F) -> Result<Option<T>, DispatcherError>
    where
        F: Future<Output = Result<T, DispatcherError>>,
    {
        loop {
            match attempt().await {
                Ok(value) => {
                    self.shared.board.set(source, None);
                    return Ok(Some(value));
                }
                Err(error) if error.is_passing() => self.note(source, &error),
                Err(error) => return Err(error),
            }
            tokio::select! {
                () = self.shutdown.cancelled() => return Ok(None),
                () = tokio::time::sleep(AGAIN_AFTER) => {}
            }
        }
    }

    fn note(&self, source: Source, error: &dyn std::error::Error) {
        let error = error_line(error);
        tracing::warn!(error, "not possible now, trying again");
        self.shared.board.set(source, Some(error));
    }
}

async fn prepare(connection: &Connection, applied: LedgerSeq) -> Result<async_nats::jetstream::kv::Store, DispatcherError> {
    nats::check_server(connection).await?;
    Ok(nats::ensure_lasting(&connection.jetstream, applied).await?)
}

fn passing_ledger(error: crate::ledger::LogError) -> DispatcherError {
    DispatcherError::Replica(ReplicaError::Tail(error.into()))
}
