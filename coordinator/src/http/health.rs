//! Whether this coordinator does its work.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use rch_schemas::wire::http::Health;

use super::server::Api;
use crate::metrics;
use crate::nats::Durability;

/// `GET /healthz`: the process answers; what it says is for people.
pub(super) async fn healthz(State(api): State<Api>) -> Json<Health> {
    Json(health(&api))
}

/// `GET /readyz`: 200 only when it can do its work.
pub(super) async fn readyz(State(api): State<Api>) -> (StatusCode, Json<Health>) {
    let health = health(&api);
    (if health.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(health))
}

/// `GET /metrics`, for Prometheus.
pub(super) async fn metrics(State(api): State<Api>) -> String {
    let degraded = api.shared.board.durability() != Durability::Synced;
    ::metrics::gauge!(metrics::DURABILITY_DEGRADED).set(if degraded { 1.0 } else { 0.0 });
    api.metrics.render()
}

fn health(api: &Api) -> Health {
    let (board, asks) = (&api.shared.board, &api.shared.asks);
    let (leader, connected, durability) = (asks.is_leading(), asks.is_connected(), board.durability());
    let mut problems = board.problems();
    if !connected {
        problems.push(format!("no connection to NATS at {}; see whether the server runs", api.shared.config.nats_url));
    } else if !leader {
        problems.push("another coordinator leads, or nobody does yet; this one takes over when the lease ends".to_owned());
    }
    problems.extend(durability.problem().map(str::to_owned));
    Health {
        ready: leader && connected,
        leader,
        durability: durability.as_str().to_owned(),
        ledger_seq: api.shared.projection.applied(),
        problems,
    }
}
