//! What a NATS server must be: 2.12 or newer, with JetStream.

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{AccountError, AccountErrorKind};

use super::connection::Connection;

/// Older servers silently ignore settings we need.
const OLDEST: (i64, i64, i64) = (2, 12, 0);
/// Older ones lack fixes for work queues.
const ADVISED: (i64, i64, i64) = (2, 14, 5);

/// Why the farm cannot run on this server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServerError {
    #[error(
        "the NATS server is version {found}, which silently ignores settings the farm needs; install 2.12 or newer (2.14.5 or newer is advised)"
    )]
    TooOld { found: String },
    #[error(
        "the NATS server {server} has no JetStream for this account: add a jetstream {{ store_dir, sync_interval: always }} block to its configuration and start it again"
    )]
    NoJetStream { server: String },
    #[error("the NATS server does not answer: {0}")]
    Silent(String),
}

impl ServerError {
    /// Whether trying again may help.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Silent(_) => true,
            Self::TooOld { .. } | Self::NoJetStream { .. } => false,
        }
    }
}

/// Refuses, by name, a server the farm cannot run on.
pub(crate) async fn check_server(connection: &Connection) -> Result<(), ServerError> {
    let info = connection.client.server_info();
    let compatible = |(major, minor, patch)| connection.client.is_server_compatible(major, minor, patch);
    if !compatible(OLDEST) {
        return Err(ServerError::TooOld { found: info.version });
    }
    if !compatible(ADVISED) {
        tracing::warn!(version = info.version, "the nats server lacks fixes for work queues, 2.14.5 or newer is advised");
    }
    if !info.jetstream {
        return Err(ServerError::NoJetStream { server: info.server_name });
    }
    match connection.jetstream.query_account().await {
        Ok(_) => Ok(()),
        Err(error) if refuses_jetstream(&error) => Err(ServerError::NoJetStream { server: info.server_name }),
        Err(error) => Err(ServerError::Silent(error.to_string())),
    }
}

/// No responders is not among them: a server that is just starting answers so, and its greeting says whether it has JetStream.
fn refuses_jetstream(error: &AccountError) -> bool {
    match error.kind() {
        AccountErrorKind::JetStream(refusal) => {
            [ErrorCode::JETSTREAM_NOT_ENABLED, ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT].contains(&refusal.error_code())
        }
        AccountErrorKind::JetStreamUnavailable | AccountErrorKind::TimedOut | AccountErrorKind::Other => false,
    }
}
