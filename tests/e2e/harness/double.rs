//! A farm that says other things: it stands between `rch` and a coordinator, remembers what was asked, and changes answers as a test wants.

use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use axum::routing::any;
use futures_util::StreamExt;
use rch_local::Farm;
use reqwest::Client;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// No request of a test is larger.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// One answer, as it may be changed.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    /// What was asked: `GET /v1/farm`.
    pub(crate) what: &'a str,
    /// The status.
    pub(crate) status: u16,
    /// The body; of a stream of events, the data of one of them.
    pub(crate) body: Vec<u8>,
    /// Whether this is an event of a stream.
    pub(crate) is_event: bool,
    /// Events that go before this one, as they are.
    pub(crate) before: &'static str,
}

impl Answer<'_> {
    /// Changes the body as JSON, when it is some.
    pub(crate) fn json(&mut self, change: impl FnOnce(&mut Value)) {
        if let Ok(mut value) = serde_json::from_slice(&self.body) {
            change(&mut value);
            self.body = serde_json::to_vec(&value).unwrap();
        }
    }
}

/// How answers are changed.
type Change = Arc<dyn Fn(&mut Answer<'_>) + Send + Sync>;
/// What was asked, with the body.
type Asked = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A farm's double. It ends when dropped.
pub(crate) struct Double {
    url: String,
    asked: Asked,
    _runtime: Runtime,
}

#[derive(Clone)]
struct Wire {
    farm: String,
    client: Client,
    change: Change,
    asked: Asked,
}

impl Double {
    /// Of this farm, with each answer changed so.
    pub(crate) fn of(farm: &Farm, change: impl Fn(&mut Answer<'_>) + Send + Sync + 'static) -> Self {
        // Another test of this process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let asked = Asked::default();
        let client = Client::builder().no_proxy().build().unwrap();
        let wire = Wire { farm: farm.url().to_owned(), client, change: Arc::new(change), asked: Arc::clone(&asked) };
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = axum::Router::new().fallback(any(move |request| pass(wire.clone(), request)));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { url, asked, _runtime: runtime }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The bodies that came with each `what`, in order.
    pub(crate) fn asked(&self, what: &str) -> Vec<Vec<u8>> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(found, _)| found == what).map(|(_, body)| body.clone()).collect()
    }
}

/// One request to the farm and its answer back.
async fn pass(wire: Wire, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, BODY_BYTES_MAX).await.unwrap_or_default();
    let what = format!("{} {}", head.method, head.uri.path());
    wire.asked.lock().unwrap().push((what.clone(), body.to_vec()));
    let mut headers = head.headers;
    for name in [HOST, CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    let url = format!("{}{}", wire.farm, head.uri);
    let Ok(answer) = wire.client.request(head.method, url).headers(headers).body(body).send().await else {
        return Response::builder().status(502).body(Body::from("the farm does not answer")).unwrap();
    };
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers().iter().filter(|(name, _)| **name != CONTENT_LENGTH && **name != TRANSFER_ENCODING) {
        response = response.header(name, value);
    }
    if answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream")) {
        return response.body(events(wire.change, what, answer)).unwrap();
    }
    let status = answer.status().as_u16();
    let body = answer.bytes().await.unwrap_or_default().to_vec();
    let mut changed = Answer { what: &what, status, body, is_event: false, before: "" };
    (wire.change)(&mut changed);
    response.status(changed.status).body(Body::from(changed.body)).unwrap()
}

/// A stream of events, each changed by itself.
fn events(change: Change, what: String, answer: reqwest::Response) -> Body {
    let mut text = Vec::new();
    let changed = answer.bytes_stream().map(move |bytes| {
        text.extend_from_slice(&bytes?);
        let mut out = Vec::new();
        while let Some(end) = text.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = text.drain(..end + 2).collect();
            out.extend(event_changed(&change, &what, &event));
        }
        Ok::<_, reqwest::Error>(Bytes::from(out))
    });
    Body::from_stream(changed)
}

fn event_changed(change: &Change, what: &str, event: &[u8]) -> Vec<u8> {
    let event = String::from_utf8_lossy(event).into_owned();
    let (data, others): (Vec<&str>, Vec<&str>) = event.lines().filter(|line| !line.is_empty()).partition(|line| line.starts_with("data:"));
    if data.is_empty() {
        return event.into_bytes();
    }
    let data: Vec<&str> = data.into_iter().map(|line| line["data:".len()..].trim_start()).collect();
    let mut answer = Answer { what, status: 200, body: data.join("\n").into_bytes(), is_event: true, before: "" };
    change(&mut answer);
    let others: String = others.iter().flat_map(|line| [line, "\n"]).collect();
    format!("{}{others}data: {}\n\n", answer.before, String::from_utf8(answer.body).unwrap()).into_bytes()
}
