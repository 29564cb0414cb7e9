//! What most parts of the coordinator need, in one handle; nothing of it is decided here.

use std::sync::{Arc, OnceLock};

use rch_schemas::seal::SigningKey;
use rch_store::Store;

use crate::config::Config;
use crate::dispatcher::Asks;
use crate::health::Board;
use crate::nats::Connection;
use crate::projection::Projection;
use crate::queue_board::QueueBoard;

/// The parts that are there from the start, and the connection once there is one. Cloning gives another handle to the same.
#[derive(Clone)]
pub(crate) struct Shared {
    /// The configuration.
    pub(crate) config: Arc<Config>,
    /// The farm's key.
    pub(crate) key: Arc<SigningKey>,
    /// The object store.
    pub(crate) store: Store,
    /// What the ledger says by now.
    pub(crate) projection: Projection,
    /// Where commands are asked.
    pub(crate) asks: Asks,
    /// What is wrong, for health.
    pub(crate) board: Board,
    /// Who waits for what.
    pub(crate) queue_board: QueueBoard,
    /// Set once, when there is a connection to NATS.
    pub(crate) connection: Arc<OnceLock<Connection>>,
}
