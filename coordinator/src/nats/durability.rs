//! Whether acknowledged work survives a power cut: `sync_interval: always`, asked of the server itself.
//!
//! An ordinary account cannot read the setting. So the service `rch.sys.jsz` is asked, which our `nats.conf` imports from the system account;
//! failing that the monitoring address; failing both it is not known, and said so.

use std::time::Duration;

use async_nats::Client;
use rch_schemas::wire::subject::SERVER_JETSTREAM;
use serde::Deserialize;

/// How long a server may take to say.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// What is known about the server's durability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Acknowledged means on disk.
    Synced,
    /// Acknowledged writes of the last two minutes may be lost in a power cut.
    Degraded,
    /// Nobody could say.
    Unknown,
}

impl Durability {
    /// The word in documents.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::Degraded => "degraded",
            Self::Unknown => "unknown",
        }
    }

    /// What an operator should know and do; `None` when all is well.
    pub(crate) fn problem(self) -> Option<&'static str> {
        match self {
            Self::Synced => None,
            Self::Degraded => Some(
                "durability is degraded: the NATS server does not sync before it acknowledges; set jetstream { sync_interval: always } and restart it",
            ),
            Self::Unknown => Some(
                "durability is unknown: neither the service rch.sys.jsz nor nats_monitor_url answered; import the service as in deploy/nats.conf, or set nats_monitor_url",
            ),
        }
    }

    /// Asks the server.
    pub(crate) async fn ask(client: &Client, monitor_url: Option<&str>) -> Self {
        if let Some(known) = ask_service(client).await {
            return known;
        }
        match monitor_url {
            Some(url) => ask_monitor(url).await.unwrap_or(Self::Unknown),
            None => Self::Unknown,
        }
    }

    fn of(config: &JetStreamConfig) -> Self {
        if config.sync_always { Self::Synced } else { Self::Degraded }
    }
}

/// The part of a server's answer that we read; `sync_always` is absent when off.
#[derive(Debug, Deserialize)]
struct JetStreamConfig {
    #[serde(default)]
    sync_always: bool,
}

#[derive(Debug, Deserialize)]
struct Jsz {
    config: JetStreamConfig,
}

#[derive(Debug, Deserialize)]
struct ServiceAnswer {
    data: Jsz,
}

async fn ask_service(client: &Client) -> Option<Durability> {
    let asked = client.request(SERVER_JETSTREAM, r#"{"config":true}"#.into());
    let message = tokio::time::timeout(ANSWER_WITHIN, asked).await.ok()?.ok()?;
    let answer: ServiceAnswer = serde_json::from_slice(&message.payload).ok()?;
    Some(Durability::of(&answer.data.config))
}

async fn ask_monitor(url: &str) -> Option<Durability> {
    let client = reqwest::Client::builder().timeout(ANSWER_WITHIN).build().ok()?;
    let address = format!("{}/jsz?config=true", url.trim_end_matches('/'));
    let body = client.get(address).send().await.ok()?.error_for_status().ok()?.bytes().await.ok()?;
    let answer: Jsz = serde_json::from_slice(&body).ok()?;
    Some(Durability::of(&answer.config))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn an_absent_setting_means_that_acknowledged_is_not_on_disk() {
        let answer: ServiceAnswer = serde_json::from_str(r#"{"server":{},"data":{"config":{"sync_interval":120000000000}}}"#).unwrap();
        assert_eq!(Durability::of(&answer.data.config), Durability::Degraded);
        let answer: Jsz = serde_json::from_str(r#"{"config":{"sync_always":true}}"#).unwrap();
        assert_eq!(Durability::of(&answer.config), Durability::Synced);
        assert!(serde_json::from_str::<Jsz>("{}").is_err());
    }
}
