//! Puts the agent together: reads what is on the disk, connects, sweeps, and hands over to the dispatcher.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rch_schemas::capabilities::XcodeState;
use rch_schemas::protocol::Dialect;
use rch_store::{OpenError, ProbeError, Store};

use crate::attempt::{EPHEMERAL_PREFIX, Workshop, Workspace, sweep_simulators};
use crate::caches::{ChunkCache, Sources};
use crate::config::{Config, ConfigError};
use crate::dispatcher::{Dispatcher, StopReason};
use crate::identity::IdentityError;
use crate::nats::{ConnectError, Link};
use crate::outbox::Outbox;
use crate::probe::{Probe, Prober};
use crate::shutdown::Shutdown;
use crate::store_check::check_store;
use crate::tool::Tools;
use crate::{durable, identity, recover};

/// Why the agent did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error("store")]
    Store(#[from] OpenError),
    #[error("the store is not what is needed")]
    Probe(#[from] ProbeError),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("cannot use data_dir {}", path.display())]
    Data { path: PathBuf, source: io::Error },
    #[error("data_dir {} is in use by another agent: give each agent its own", path.display())]
    InUse { path: PathBuf },
    #[error("cannot take over signals")]
    Signals(#[source] io::Error),
}

/// Runs the agent until it is told to stop, or cannot go on.
pub(crate) async fn serve(config: Config, dialect: Dialect) -> Result<StopReason, StartError> {
    let key = identity::read(&config.key_file)?;
    let mut shutdown = Shutdown::listen().map_err(StartError::Signals)?;
    let _lock = lock(&config)?;
    let data = |source| StartError::Data { path: config.data_dir.clone(), source };
    let attempts = config.data_dir.join("attempts");
    let outbox = Outbox::open(config.data_dir.join("outbox")).map_err(data)?;
    let owed = recover::sweep(&attempts, &outbox).map_err(data)?;
    let sources = Arc::new(Sources::open(config.data_dir.join("sources")).map_err(data)?);
    let chunks = ChunkCache::open(config.data_dir.join("caches/chunks")).map_err(data)?;
    chunks.evict().map_err(data)?;
    let store = Store::open(&config.store, config.store_credentials.as_ref())?;
    tokio::select! {
        () = shutdown.told() => return Ok(StopReason::Told),
        usable = check_store(&store) => usable?,
    }
    let link = Link::connect(&config.nats_url, &config.name, dialect.protocol).await?;
    println!("rch-agent {}: listening on {}", config.name, without_credentials(&config.nats_url));

    let tools = Tools::new(&config);
    let prober = Prober::new(&config, tools.clone(), key.public_key().fingerprint());
    let probe = prober.probe().await;
    for problem in &probe.facts.problems {
        tracing::warn!(problem, "probe");
    }
    sweep_simulators_of(&tools, &probe).await;
    let workspace = Workspace { store, chunks, sources, bytes_max: config.max_upload_bytes };
    let (worker, kill_grace) = (config.name.clone(), config.kill_grace);
    let shop = Arc::new(Workshop { worker, dialect, key, tools, workspace, link, outbox, attempts, kill_grace });
    Ok(Dispatcher::new(shop, prober, config.slots, probe, owed).run(shutdown).await)
}

/// Held for as long as the agent runs: two agents would wipe each other's attempts.
fn lock(config: &Config) -> Result<File, StartError> {
    let path = config.data_dir.clone();
    let data = |source| StartError::Data { path: path.clone(), source };
    durable::create_dir(&path).map_err(data)?;
    let file = File::create(path.join("agent.lock")).map_err(data)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StartError::InUse { path }),
        Err(std::fs::TryLockError::Error(source)) => Err(data(source)),
    }
}

/// Any Xcode's tool reaches the simulators of all.
async fn sweep_simulators_of(tools: &Tools, probe: &Probe) {
    let ready = probe.facts.xcodes.iter().find(|xcode| xcode.state == XcodeState::Ready);
    if let Some(xcode) = ready {
        sweep_simulators(tools, &xcode.developer_dir, EPHEMERAL_PREFIX).await;
    }
}

/// A URL without the user and password that may stand before its host.
fn without_credentials(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, host)| host)),
        None => url.rsplit_once('@').map_or(url, |(_, host)| host).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_printed() {
        assert_eq!(without_credentials("nats://agent:secret@127.0.0.1:4222"), "nats://127.0.0.1:4222");
        assert_eq!(without_credentials("nats://127.0.0.1:4222"), "nats://127.0.0.1:4222");
        assert_eq!(without_credentials("agent:secret@host"), "host");
    }
}
