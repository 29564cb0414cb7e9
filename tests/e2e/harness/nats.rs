//! The farm's NATS server, as somebody who does not belong on it would use it.

use std::time::Duration;

use async_nats::Client;
use futures_util::StreamExt;
use rch_local::Farm;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection with a runtime of its own.
#[derive(Debug)]
pub(crate) struct Nats {
    client: Client,
    runtime: Runtime,
}

impl Nats {
    /// Connects.
    pub(crate) fn of(farm: &Farm) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let client = runtime.block_on(async_nats::connect(farm.nats_url())).unwrap();
        Self { client, runtime }
    }

    /// Publishes bytes, and returns when the server has them.
    pub(crate) fn publish(&self, subject: &str, bytes: &[u8]) {
        self.runtime.block_on(async {
            self.client.publish(subject.to_owned(), bytes.to_vec().into()).await.unwrap();
            self.client.flush().await.unwrap();
        });
    }

    /// Sends a request and returns the answer.
    pub(crate) fn request(&self, subject: &str, body: &Value) -> Value {
        let payload = serde_json::to_vec(body).unwrap();
        let answer = self.runtime.block_on(async {
            let asked = self.client.request(subject.to_owned(), payload.into());
            tokio::time::timeout(PATIENCE, asked).await.expect("an answer in time").unwrap()
        });
        serde_json::from_slice(&answer.payload).unwrap()
    }

    /// The next message on a subject.
    pub(crate) fn next(&self, subject: &str) -> Value {
        let message = self.runtime.block_on(async {
            let mut messages = self.client.subscribe(subject.to_owned()).await.unwrap();
            tokio::time::timeout(PATIENCE, messages.next()).await.expect("a message in time").unwrap()
        });
        serde_json::from_slice(&message.payload).unwrap()
    }
}
