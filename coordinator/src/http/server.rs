//! Routes, and the server that serves them.

use std::net::SocketAddr;
use std::time::Duration;

use axum::routing::{get, post};
use axum::{Router, middleware};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{artifacts, chunks, farm, health, jobs, ledger, log, queue, run_events, runs, submit, workers};
use crate::shared::Shared;

/// How long open requests may take after the streams were told to end.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// What handlers need.
#[derive(Clone)]
pub(crate) struct Api {
    /// The coordinator's parts.
    pub(crate) shared: Shared,
    /// Ends every stream.
    pub(crate) shutdown: CancellationToken,
    /// The metrics of this process.
    pub(crate) metrics: PrometheusHandle,
}

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: is another coordinator running? Set `listen` to a free port, or to port 0")]
pub(crate) struct BindError {
    address: SocketAddr,
    source: std::io::Error,
}

/// Takes the address.
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|source| BindError { address, source })
}

/// Serves until shutdown, then lets open requests end, for a bounded time.
pub(crate) async fn serve(listener: TcpListener, api: Api) -> std::io::Result<()> {
    let shutdown = api.shutdown.clone();
    let serving = axum::serve(listener, router(api)).with_graceful_shutdown(shutdown.clone().cancelled_owned()).into_future();
    let too_long = async {
        shutdown.cancelled().await;
        tokio::time::sleep(STOP_WITHIN).await;
    };
    tokio::select! {
        served = serving => served,
        () = too_long => {
            tracing::warn!("requests did not end in time, they are cut off");
            Ok(())
        }
    }
}

fn router(api: Api) -> Router {
    let v1 = Router::new()
        .route("/farm", get(farm::get))
        .route("/selection", post(submit::preview))
        .route("/runs", get(runs::list).post(submit::submit))
        .route("/runs/{run}", get(runs::get))
        .route("/runs/{run}/events", get(run_events::get))
        .route("/runs/{run}/cancel", post(runs::cancel))
        .route("/runs/{run}/evidence", get(artifacts::evidence))
        .route("/runs/{run}/artifacts/{*path}", get(artifacts::of_run))
        .route("/jobs/{job}", get(jobs::get))
        .route("/jobs/{job}/cancel", post(jobs::cancel))
        .route("/jobs/{job}/log", get(log::get))
        .route("/jobs/{job}/artifacts", get(artifacts::manifest))
        .route("/jobs/{job}/artifacts/{*path}", get(artifacts::of_job))
        .route("/jobs/{job}/recipe/{*path}", get(artifacts::recipe))
        .route("/jobs/{job}/why", get(queue::why))
        .route("/queue", get(queue::get))
        .route("/ledger", get(ledger::get))
        .route("/bundles/{sha256}/missing", post(chunks::missing))
        .route("/chunks/{sha256}", get(chunks::get).put(chunks::put))
        .route("/workers", get(workers::list))
        .route("/workers/{worker}", get(workers::get))
        .route("/workers/{worker}/facts", get(workers::facts))
        .route("/workers/{worker}/drain", post(workers::drain))
        .route("/workers/{worker}/resume", post(workers::resume))
        .route("/workers/{worker}/remove", post(workers::remove))
        .route("/workers/{worker}/probe", post(workers::probe))
        .route_layer(middleware::from_fn_with_state(api.clone(), super::middleware::after_first_reading))
        .merge(probes());
    Router::new()
        .nest("/v1", v1)
        .merge(probes())
        .fallback(farm::no_such_route)
        .method_not_allowed_fallback(farm::no_such_method)
        .layer(middleware::from_fn_with_state(api.clone(), super::middleware::around))
        .with_state(api)
}

/// What supervisors ask, where they look for it.
fn probes() -> Router<Api> {
    Router::new().route("/healthz", get(health::healthz)).route("/readyz", get(health::readyz)).route("/metrics", get(health::metrics))
}
