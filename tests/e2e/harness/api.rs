//! The coordinator's HTTP interface, as a stranger would use it.

use std::time::Duration;

use futures_util::StreamExt;
use rch_local::Farm;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use super::schemas;

/// No test waits longer for something to happen.
const PATIENCE: Duration = Duration::from_mins(2);
/// Between two tries to reach a coordinator that is starting.
const PAUSE: Duration = Duration::from_millis(50);

/// A client with a runtime of its own: tests are plain functions.
#[derive(Debug)]
pub(crate) struct Api {
    url: String,
    client: Client,
    runtime: Runtime,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answered {
    /// The status.
    pub(crate) status: u16,
    /// The content type.
    pub(crate) kind: String,
    /// The body as JSON; as a string when it is none.
    pub(crate) body: Value,
}

impl Api {
    /// The farm's coordinator.
    pub(crate) fn of(farm: &Farm) -> Self {
        Self::at(farm.url())
    }

    /// The coordinator at this URL.
    pub(crate) fn at(url: &str) -> Self {
        // Another test of this process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().build().unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Self { url: url.to_owned(), client, runtime }
    }

    /// The JSON at `path`, or the status and text of a refusal.
    pub(crate) fn get(&self, path: &str) -> Result<Value, (StatusCode, String)> {
        let bytes = self.bytes(path)?;
        let value = serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{path}: {error}: {}", String::from_utf8_lossy(&bytes)));
        schemas::check_all(&value, path);
        Ok(value)
    }

    /// The bytes at `path`, or the status and text of a refusal.
    pub(crate) fn bytes(&self, path: &str) -> Result<Vec<u8>, (StatusCode, String)> {
        self.runtime.block_on(async {
            let response = self.request(Method::GET, path, "*/*").await.map_err(|error| (StatusCode::BAD_GATEWAY, error.to_string()))?;
            let status = response.status();
            let bytes = response.bytes().await.map_err(|error| (status, error.to_string()))?;
            if status.is_success() { Ok(bytes.to_vec()) } else { Err((status, String::from_utf8_lossy(&bytes).into_owned())) }
        })
    }

    /// Any request, with the answer whatever its status.
    pub(crate) fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answered {
        let mut request = self.client.request(method, format!("{}{path}", self.url)).body(body).timeout(PATIENCE);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.runtime.block_on(async {
            let response = request.send().await.unwrap_or_else(|error| panic!("{path}: {error}"));
            let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned()).unwrap_or_default();
            let status = response.status().as_u16();
            let bytes = response.bytes().await.unwrap();
            let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into_owned().into());
            schemas::check_all(&body, path);
            Answered { status, kind, body }
        })
    }

    /// Sends JSON.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Answered {
        self.send(Method::POST, path, &[("content-type", "application/json")], serde_json::to_vec(body).unwrap())
    }

    /// The text at `path`.
    pub(crate) fn text(&self, path: &str) -> String {
        String::from_utf8(self.bytes(path).unwrap()).unwrap()
    }

    /// Follows a run's events until the run is as wanted. A stream that breaks is taken up again: coordinators are killed here.
    pub(crate) fn wait_for_run(&self, run: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let path = format!("/v1/runs/{run}/events");
        self.follow(&path, |event| {
            let run = &event["change"]["run"];
            (!run.is_null() && wanted(run)).then(|| run.clone())
        })
    }

    /// Waits until the run's first job runs, and returns the job.
    pub(crate) fn wait_for_running(&self, run: &str) -> Value {
        let run = self.wait_for_run(run, |run| job_in(run, "RUNNING").is_some());
        job_in(&run, "RUNNING").unwrap().clone()
    }

    /// Follows the events at `path` until `found` finds something in the data of one.
    pub(crate) fn follow<T>(&self, path: &str, mut found: impl FnMut(&Value) -> Option<T>) -> T {
        let search = async {
            loop {
                if let Ok(response) = self.request(Method::GET, path, "text/event-stream").await
                    && response.status().is_success()
                    && let Some(value) = first(response, &mut found).await
                {
                    return value;
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        let waited = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, search).await });
        waited.unwrap_or_else(|_| panic!("nothing at {path} was as wanted within {} s", PATIENCE.as_secs()))
    }

    async fn request(&self, method: Method, path: &str, accept: &str) -> reqwest::Result<Response> {
        self.client.request(method, format!("{}{path}", self.url)).header("accept", accept).send().await
    }
}

/// The first job of a run that is in `state`.
pub(crate) fn job_in<'a>(run: &'a Value, state: &str) -> Option<&'a Value> {
    run["jobs"].as_array()?.iter().find(|job| job["state"] == state)
}

/// The first event of which `found` makes something; nothing when the stream ends before.
async fn first<T>(response: Response, found: &mut impl FnMut(&Value) -> Option<T>) -> Option<T> {
    let mut stream = response.bytes_stream();
    let mut text = Vec::new();
    while let Some(Ok(bytes)) = stream.next().await {
        text.extend_from_slice(&bytes);
        while let Some(end) = text.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = text.drain(..end + 2).collect();
            let event = String::from_utf8(event).unwrap();
            let data: Vec<&str> = event.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim_start).collect();
            if data.is_empty() {
                continue;
            }
            let data = serde_json::from_str(&data.join("\n")).unwrap_or_else(|error| panic!("{error} in {event}"));
            schemas::check_all(&data, &event);
            if let Some(value) = found(&data) {
                return Some(value);
            }
        }
    }
    None
}
