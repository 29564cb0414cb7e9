//! The whole coordinator, put together and taken apart again in order.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rch_schemas::seal::SigningKey;
use rch_store::{OpenError, ProbeError, Store};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::config::{Config, InventoryError, read_inventory};
use crate::dispatcher::{Dispatcher, DispatcherError, queues};
use crate::health::Board;
use crate::http::{self, Api};
use crate::inventory_watch::watch_inventory;
use crate::metrics;
use crate::nats::{self, Durability, Link};
use crate::projection::{self, Projection, ProjectionError};
use crate::queue_board::QueueBoard;
use crate::shared::Shared;
use crate::shutdown;
use crate::store_check::check_store;

/// How long everything may take to end.
const STOP_WITHIN: Duration = Duration::from_secs(15);
/// The name of this replica, in the data directory: only one process can hold that.
const REPLICA_FILE: &str = "replica_id";

/// Why the coordinator does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProgramError {
    #[error("cannot read the farm's key {}: expected 64 hexadecimal digits in a file of its own", path.display())]
    Key { path: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("others can read the farm's key {}; run: chmod 600 {}", path.display(), path.display())]
    KeyExposed { path: PathBuf },
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    #[error("cannot open the store")]
    Store(#[from] OpenError),
    #[error("the store is not what is needed")]
    Probe(#[from] ProbeError),
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    #[error("cannot use {}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Bind(#[from] http::BindError),
    #[error("the metrics could not be set up")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
    #[error("HTTP could not be served any longer")]
    Http(#[source] std::io::Error),
    #[error("signals cannot be handled")]
    Signals(#[source] std::io::Error),
    #[error(transparent)]
    Dispatcher(#[from] DispatcherError),
    #[error("the projection failed; the log says how")]
    ProjectionFailed,
    #[error("a part of the coordinator panicked: {0}")]
    Panicked(String),
}

/// Runs until a signal, or until it cannot.
pub(crate) async fn run(config: Config) -> Result<(), ProgramError> {
    let (shutdown, failed) = (CancellationToken::new(), CancellationToken::new());
    let key = read_key(&config.key_file)?;
    let store = Store::open(&config.store, config.store_credentials.as_ref())?;
    let mut farm_config = config.farm.clone();
    farm_config.inventory = read_inventory(&config.inventory)?;
    let opened = projection::open(&config.data_dir)?;
    if let Some(path) = &opened.moved_aside {
        tracing::warn!(path = %path.display(), "projection of another form moved aside, it is rebuilt from the ledger");
    }
    let replica = replica_id(&config.data_dir)?;
    let listener = http::bind(config.listen).await?;
    let address = listener.local_addr().map_err(ProgramError::Http)?;
    let (link, link_rx) = watch::channel(Link::default());
    let (asks, queues) = queues(link_rx.clone());
    let (farm, farm_rx) = watch::channel(farm_config);
    let shared = Shared {
        config: Arc::new(config),
        key: Arc::new(key),
        store,
        projection: Projection::start(opened.database, failed.clone())?,
        asks,
        board: Board::new(),
        queue_board: QueueBoard::new(),
        connection: Arc::new(OnceLock::new()),
    };
    let api = Api { shared: shared.clone(), shutdown: shutdown.clone(), metrics: metrics::install()? };
    println!("listening on http://{address}");
    let mut parts = JoinSet::new();
    let token = shutdown.clone();
    parts.spawn(async move { shutdown::on_signal(token).await.map_err(ProgramError::Signals) });
    parts.spawn(upkeep(api.metrics.clone(), shutdown.clone()));
    parts.spawn(async move { http::serve(listener, api).await.map_err(ProgramError::Http) });
    let (store, board, token) = (shared.store.clone(), shared.board.clone(), shutdown.clone());
    parts.spawn(async move { Ok(check_store(store, board, token).await?) });
    let (path, board, token) = (shared.config.inventory.clone(), shared.board.clone(), shutdown.clone());
    parts.spawn(async move {
        watch_inventory(&path, farm, board, token).await;
        Ok(())
    });
    let dispatcher = Dispatcher::new(shared.clone(), queues, farm_rx, replica, shutdown.clone());
    parts.spawn(connect_and_dispatch(shared, dispatcher, link, shutdown.clone()));
    supervise(parts, shutdown, failed).await
}

/// Connects, keeps asking about durability, and decides.
async fn connect_and_dispatch(
    shared: Shared,
    dispatcher: Dispatcher,
    link: watch::Sender<Link>,
    shutdown: CancellationToken,
) -> Result<(), ProgramError> {
    let Some(connection) = nats::connect(&shared.config.nats_url, "rch-coordinator", link, &shutdown).await else { return Ok(()) };
    let connection = shared.connection.get_or_init(|| connection).clone();
    let asking = ask_durability(shared, connection.clone());
    tokio::select! {
        outcome = dispatcher.run(connection) => Ok(outcome?),
        never = asking => never,
    }
}

/// Asks at each new connection; the server may have been started with other settings.
async fn ask_durability(shared: Shared, connection: nats::Connection) -> Result<(), ProgramError> {
    let mut link = connection.link.clone();
    loop {
        let seen = link.borrow_and_update().connections;
        let durability = Durability::ask(&connection.client, shared.config.nats_monitor_url.as_deref()).await;
        shared.board.set_durability(durability);
        if let Some(problem) = durability.problem() {
            tracing::warn!(problem, "acknowledged work may not survive a power cut");
        } else {
            tracing::info!("acknowledged work survives a power cut");
        }
        if link.wait_for(|link| link.connected && link.connections != seen).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Ends everything as soon as one part fails, or the shutdown is asked for, and waits a bounded time.
async fn supervise(
    mut parts: JoinSet<Result<(), ProgramError>>,
    shutdown: CancellationToken,
    failed: CancellationToken,
) -> Result<(), ProgramError> {
    let mut outcome = Ok(());
    while !shutdown.is_cancelled() {
        tokio::select! {
            () = failed.cancelled() => {
                outcome = Err(ProgramError::ProjectionFailed);
                shutdown.cancel();
            }
            () = shutdown.cancelled() => {}
            Some(ended) = parts.join_next() => {
                if let Err(error) = flatten(ended) {
                    outcome = Err(error);
                    shutdown.cancel();
                }
            }
        }
    }
    let rest = async {
        while let Some(ended) = parts.join_next().await {
            if let Err(error) = flatten(ended)
                && outcome.is_ok()
            {
                outcome = Err(error);
            }
        }
    };
    if tokio::time::timeout(STOP_WITHIN, rest).await.is_err() {
        tracing::warn!("not everything ended in time");
    }
    outcome
}

fn flatten(ended: Result<Result<(), ProgramError>, tokio::task::JoinError>) -> Result<(), ProgramError> {
    ended.unwrap_or_else(|error| Err(ProgramError::Panicked(error.to_string())))
}

/// The recorder of metrics forgets old samples when it is told to.
async fn upkeep(metrics: metrics_exporter_prometheus::PrometheusHandle, shutdown: CancellationToken) -> Result<(), ProgramError> {
    const EVERY: Duration = Duration::from_secs(5);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            () = tokio::time::sleep(EVERY) => metrics.run_upkeep(),
        }
    }
}

fn read_key(path: &Path) -> Result<SigningKey, ProgramError> {
    use std::os::unix::fs::PermissionsExt as _;
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| ProgramError::Key { path: path.to_owned(), source };
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.into()))?;
    let mode = std::fs::metadata(path).map_err(|error| failed(error.into()))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(ProgramError::KeyExposed { path: path.to_owned() });
    }
    SigningKey::from_seed_hex(&text).map_err(|error| failed(error.into()))
}

/// The replica's name, made at its first start. The lock on the projection beside it lets only one process have it.
fn replica_id(data_dir: &Path) -> Result<String, ProgramError> {
    let path = data_dir.join(REPLICA_FILE);
    let failed = |source| ProgramError::File { path: path.clone(), source };
    match std::fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        Ok(_) => make_replica_id(&path).map_err(failed),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => make_replica_id(&path).map_err(failed),
        Err(error) => Err(failed(error)),
    }
}

fn make_replica_id(path: &Path) -> std::io::Result<String> {
    let id = clock::instance();
    std::fs::write(path, &id)?;
    Ok(id)
}
