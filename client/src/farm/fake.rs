//! A coordinator of a few lines, for tests: it answers what it is told to answer, and remembers what it was asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use reqwest::Url;
use tokio::task::JoinSet;

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Method and path with query, without the version: `GET /farm`.
    pub(crate) what: String,
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// Its body.
    pub(crate) body: Bytes,
    /// How often the same was asked before.
    pub(crate) before: usize,
}

/// One answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Answer {
    /// These bytes.
    pub(crate) fn bytes(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.into() }
    }

    /// A JSON document.
    pub(crate) fn json(value: &impl serde::Serialize) -> Self {
        Self::bytes(serde_json::to_vec(value).expect("a test's document serializes"))
    }

    /// A stream of events that ends.
    pub(crate) fn events(events: &[(&str, serde_json::Value)]) -> Self {
        let texts: Vec<String> = events.iter().map(|(id, data)| format!("id: {id}\ndata: {data}\n\n")).collect();
        Self::bytes(texts.concat()).with("content-type", "text/event-stream")
    }

    /// A problem.
    pub(crate) fn problem(problem: &rch_schemas::wire::http::Problem) -> Self {
        Self { status: problem.status, ..Self::json(problem) }
    }

    /// Nothing there.
    pub(crate) fn not_found() -> Self {
        Self::problem(&rch_schemas::wire::http::Problem::new(404, rch_schemas::Reason::NotFound, "not there"))
    }

    /// The same with another status.
    pub(crate) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The same with a header.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// A coordinator on a port of this machine.
pub(crate) struct Fake {
    /// Where it is.
    pub(crate) url: Url,
    asked: Arc<Mutex<Vec<Asked>>>,
    _server: JoinSet<()>,
}

impl Fake {
    /// One that answers so.
    pub(crate) async fn serve(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (answer, log) = (Arc::new(answer), Arc::clone(&asked));
        let router = axum::Router::new().fallback(move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
            async move { respond(&note(&log, &method, &uri, headers, body), answer.as_ref()) }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/", listener.local_addr().expect("a bound port")).parse().expect("a URL");
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.expect("the server runs until it is dropped") });
        Self { url, asked, _server: server }
    }

    /// Everything that was asked, in order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no test panics while noting").clone()
    }

    /// How often each thing was asked.
    pub(crate) fn counts(&self) -> HashMap<String, usize> {
        self.asked().into_iter().fold(HashMap::new(), |mut counts, asked| {
            *counts.entry(asked.what).or_default() += 1;
            counts
        })
    }
}

fn note(log: &Mutex<Vec<Asked>>, method: &Method, uri: &Uri, headers: HeaderMap, body: Bytes) -> Asked {
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    let what = format!("{method} {}", path.strip_prefix("/v1").unwrap_or(path));
    let mut log = log.lock().expect("no test panics while noting");
    let before = log.iter().filter(|asked| asked.what == what).count();
    log.push(Asked { what, headers, body, before });
    log.last().expect("pushed above").clone()
}

fn respond(asked: &Asked, answer: &(impl Fn(&Asked) -> Answer + ?Sized)) -> Response {
    let answer = answer(asked);
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).expect("a status");
    for (name, value) in answer.headers {
        response.headers_mut().insert(name, value.parse().expect("a header"));
    }
    response
}
