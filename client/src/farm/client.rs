//! The requests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rch_schemas::capabilities::Facts;
use rch_schemas::document::{Farm, Queue, Recipe, Why};
use rch_schemas::protocol::ProtocolRange;
use rch_schemas::seal::PublicKey;
use rch_schemas::wire::http::{
    ChangeIntake, Health, JobView, LEDGER_SEQ_HEADER, MIN_SEQ_HEADER, Problem, RemoveWorker, RunAccepted, RunLine, RunView,
    SelectionPreview, WorkerRemoved, WorkerView,
};
use rch_schemas::{JobId, LedgerSeq, Reason, RunId, Sha256, WorkerName};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::backoff::Backoff;
use super::error::FarmError;
use super::events::Events;
use super::reading::{ReadError, read};
use crate::credentials::{Access, PlainHttp, address};

/// A stream of run events is never silent longer than this: the coordinator's keep-alive comes every 15 s, and three may be lost.
const RUN_EVENTS_IDLE: Duration = Duration::from_mins(1);
/// For the TCP and TLS handshake of one try.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// For one request with a small answer. The coordinator gives up on its own side after a few seconds.
const REQUEST: Duration = Duration::from_secs(30);
/// Tries for a small answer from a farm that has answered before; a few seconds in all.
const READ_TRIES_MAX: u32 = 4;
/// For one chunk of at most 2 MiB up a slow line, or the silence between two pieces of a download.
const BYTES: Duration = Duration::from_mins(2);
/// The largest JSON answer: a thousand workers or runs fit.
const JSON_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The largest frame: a chunk that does not compress, and what zstd puts around it.
const FRAME_BYTES_MAX: u64 = rch_bundle::chunk::CHUNK_BYTES_MAX as u64 + 64 * 1024;
/// The largest problem.
const PROBLEM_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// The answer to a submission.
#[derive(Debug)]
pub(crate) enum SubmitAnswer {
    /// The run is recorded.
    Accepted(Box<RunAccepted>),
    /// Nothing is recorded; these chunks are to be uploaded first.
    SourceMissing(Vec<Sha256>),
}

/// A coordinator.
#[derive(Debug)]
pub(crate) struct FarmClient {
    http: reqwest::Client,
    base: Url,
    /// The only key whose farm will do.
    pinned: Option<PublicKey>,
    /// The newest record any answer depended on: a replica that has not seen it yet makes us wait rather than go back in time.
    newest: AtomicU64,
}

impl FarmClient {
    /// A client of the coordinator at `base`, of which nothing is known. Connects to nothing yet.
    #[cfg(test)]
    pub(crate) fn new(base: Url) -> Result<Self, FarmError> {
        Self::with(base, &Access::default())
    }

    /// The same with what is known of the farm.
    ///
    /// # Errors
    /// [`FarmError::PlainHttp`] when the token would be readable on its way.
    pub(crate) fn with(base: Url, access: &Access) -> Result<Self, FarmError> {
        if access.token.is_some() && base.scheme() == "http" && !is_loopback(&base) && access.plain_http == PlainHttp::Refused {
            return Err(FarmError::PlainHttp { url: base.to_string() });
        }
        // Another client of this process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("rch/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(HANDSHAKE)
            .read_timeout(BYTES)
            // A redirect would carry the token to whoever is named.
            .redirect(reqwest::redirect::Policy::none())
            .default_headers(access.token.iter().map(|token| (AUTHORIZATION, token.header())).collect());
        if is_loopback(&base) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| FarmError::unreachable(&base, &error))?;
        Ok(Self { http, base, pinned: access.pinned.clone(), newest: AtomicU64::new(0) })
    }

    /// Where the coordinator is.
    pub(crate) fn url(&self) -> &Url {
        &self.base
    }

    /// What the farm says of itself; refuses a farm that has another key than the pinned one, or shares no protocol version with us.
    pub(crate) async fn farm(&self) -> Result<Farm, FarmError> {
        let asked = self.send(self.request(Method::GET, &["farm"]).timeout(REQUEST)).await;
        let response = asked.map_err(|error| self.or_no_coordinator(error))?;
        let (place, bytes) = self.whole(response).await?;
        // Before all else: the document of a farm that shares no version with us may be another one altogether.
        if let Ok(Speaks { protocol, version }) = serde_json::from_slice(&bytes)
            && protocol.intersect(ProtocolRange::OURS).is_none()
        {
            return Err(FarmError::Protocol { theirs: protocol, version, ours: ProtocolRange::OURS });
        }
        let farm: Farm = place.parse(&bytes).map_err(|error| if is_document(&bytes) { error } else { self.or_no_coordinator(error) })?;
        if let Some(pinned) = self.pinned.as_ref().filter(|pinned| **pinned != farm.public_key) {
            let (expected, found) = (pinned.fingerprint(), farm.public_key.fingerprint());
            return Err(FarmError::KeyChanged { url: address(&self.base), expected, found });
        }
        Ok(farm)
    }

    /// Submits the request whose JSON is `body`. The same bytes again are the same run.
    pub(crate) async fn submit(&self, body: &[u8]) -> Result<SubmitAnswer, FarmError> {
        match self.post(&["runs"], body).await {
            Ok(accepted) => Ok(SubmitAnswer::Accepted(Box::new(accepted))),
            Err(FarmError::Problem { problem, .. }) if problem.code == Reason::SourceMissing && !problem.missing.is_empty() => {
                Ok(SubmitAnswer::SourceMissing(problem.missing))
            }
            Err(error) => Err(error),
        }
    }

    /// What would happen if `body` were submitted.
    pub(crate) async fn preview(&self, body: &[u8]) -> Result<SelectionPreview, FarmError> {
        self.post(&["selection"], body).await
    }

    /// Sends one chunk as one zstd frame.
    pub(crate) async fn put_chunk(&self, sha256: &Sha256, frame: Vec<u8>) -> Result<(), FarmError> {
        let request = self.request(Method::PUT, &["chunks", &sha256.to_string()]).timeout(BYTES);
        self.send(request.header(CONTENT_TYPE, "application/zstd").body(frame)).await.map(drop)
    }

    /// The newest runs.
    pub(crate) async fn runs(&self, limit: u32) -> Result<Vec<RunLine>, FarmError> {
        let mut url = self.url_of(&["runs"]);
        url.query_pairs_mut().append_pair("limit", &limit.to_string());
        self.read_again(|| self.with_newest(self.http.get(url.clone()))).await
    }

    /// Jobs that wait: of one worker in the order of its line, else of all in order of arrival.
    pub(crate) async fn queue(&self, worker: Option<&WorkerName>, limit: u32) -> Result<Queue, FarmError> {
        let mut url = self.url_of(&["queue"]);
        url.query_pairs_mut().append_pair("limit", &limit.to_string());
        if let Some(worker) = worker {
            url.query_pairs_mut().append_pair("worker", worker.as_str());
        }
        self.read_again(|| self.with_newest(self.http.get(url.clone()))).await
    }

    /// Why a job is where it is.
    pub(crate) async fn why(&self, id: &JobId) -> Result<Why, FarmError> {
        self.get(&["jobs", id.as_str(), "why"]).await
    }

    /// The records of the ledger from `from` on, one a line, to be read piece by piece; and the last that will come.
    pub(crate) async fn ledger(&self, from: u64) -> Result<(Response, u64), FarmError> {
        let mut url = self.url_of(&["ledger"]);
        url.query_pairs_mut().append_pair("from", &from.to_string());
        let response = self.send(self.with_newest(self.http.get(url))).await?;
        let last = number(response.headers(), LEDGER_SEQ_HEADER).unwrap_or_default();
        Ok((response, last))
    }

    /// A run by id or unique prefix.
    pub(crate) async fn run(&self, id: &str) -> Result<RunView, FarmError> {
        self.get(&["runs", id]).await
    }

    /// A job by id or unique prefix.
    pub(crate) async fn job(&self, id: &str) -> Result<JobView, FarmError> {
        self.get(&["jobs", id]).await
    }

    /// Asks for a run to be cancelled.
    pub(crate) async fn cancel_run(&self, id: &RunId) -> Result<RunView, FarmError> {
        self.post(&["runs", id.as_str(), "cancel"], b"").await
    }

    /// Asks for a job to be cancelled.
    pub(crate) async fn cancel_job(&self, id: &JobId) -> Result<JobView, FarmError> {
        self.post(&["jobs", id.as_str(), "cancel"], b"").await
    }

    /// The workers.
    pub(crate) async fn workers(&self) -> Result<Vec<WorkerView>, FarmError> {
        self.get(&["workers"]).await
    }

    /// A worker.
    pub(crate) async fn worker(&self, name: &WorkerName) -> Result<WorkerView, FarmError> {
        self.get(&["workers", name.as_str()]).await
    }

    /// Asks for a worker to begin nothing new.
    pub(crate) async fn drain(&self, name: &WorkerName, request: &ChangeIntake) -> Result<WorkerView, FarmError> {
        self.post(&["workers", name.as_str(), "drain"], &body(request)).await
    }

    /// Asks for a worker to take jobs again.
    pub(crate) async fn resume(&self, name: &WorkerName, request: &ChangeIntake) -> Result<WorkerView, FarmError> {
        self.post(&["workers", name.as_str(), "resume"], &body(request)).await
    }

    /// Asks for a worker to leave the fleet.
    pub(crate) async fn remove(&self, name: &WorkerName, request: &RemoveWorker) -> Result<WorkerRemoved, FarmError> {
        self.post(&["workers", name.as_str(), "remove"], &body(request)).await
    }

    /// Asks for a worker's machine to be read again; what is found comes later.
    pub(crate) async fn probe(&self, name: &WorkerName) -> Result<WorkerView, FarmError> {
        self.post(&["workers", name.as_str(), "probe"], b"").await
    }

    /// What a worker can do; `None` when it, or the coordinator, does not say.
    pub(crate) async fn worker_facts(&self, name: &WorkerName) -> Result<Option<Facts>, FarmError> {
        match self.get(&["workers", name.as_str(), "facts"]).await {
            Ok(facts) => Ok(Some(facts)),
            Err(error) if error.code() == Some(Reason::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The coordinator's health; one that is not ready says so with 503, and is an answer too.
    pub(crate) async fn health(&self) -> Result<Health, FarmError> {
        let response = self.answer(self.request(Method::GET, &["readyz"]).timeout(REQUEST)).await?;
        self.read_json(response).await
    }

    /// Changes of a run, after the event of id `after`; from the whole run when there is none.
    pub(crate) async fn run_events(&self, id: &RunId, after: Option<&str>) -> Result<Events, FarmError> {
        let mut request = self.request(Method::GET, &["runs", id.as_str(), "events"]);
        if let Some(after) = after {
            request = request.header("Last-Event-ID", after);
        }
        self.stream(request, RUN_EVENTS_IDLE).await
    }

    /// The log of a job from `cursor` (`attempt:offset`) on.
    pub(crate) async fn job_log(&self, id: &JobId, cursor: &str) -> Result<Events, FarmError> {
        let mut url = self.url_of(&["jobs", id.as_str(), "log"]);
        url.query_pairs_mut().append_pair("cursor", cursor);
        let request = self.with_newest(self.http.get(url));
        self.stream(request, RUN_EVENTS_IDLE).await
    }

    /// A small document of a run.
    pub(crate) async fn run_file(&self, id: &RunId, path: &str, bytes_max: u64) -> Result<Vec<u8>, FarmError> {
        let response = self.send(self.file(&["runs", id.as_str(), "artifacts"], path).timeout(REQUEST)).await?;
        self.read(response, bytes_max).await
    }

    /// A small file of a job's set.
    pub(crate) async fn job_file(&self, id: &JobId, path: &str, bytes_max: u64) -> Result<Vec<u8>, FarmError> {
        let response = self.send(self.file(&["jobs", id.as_str(), "artifacts"], path).timeout(REQUEST)).await?;
        self.read(response, bytes_max).await
    }

    /// A file of a job's set, to be read piece by piece.
    pub(crate) async fn job_file_stream(&self, id: &JobId, path: &str) -> Result<Response, FarmError> {
        self.send(self.file(&["jobs", id.as_str(), "artifacts"], path)).await
    }

    /// How a stored directory of a job's set is stored.
    pub(crate) async fn job_recipe(&self, id: &JobId, path: &str) -> Result<Recipe, FarmError> {
        self.json(self.file(&["jobs", id.as_str(), "recipe"], path).timeout(REQUEST)).await
    }

    /// One chunk as one zstd frame.
    pub(crate) async fn get_chunk(&self, sha256: &Sha256) -> Result<Vec<u8>, FarmError> {
        let response = self.send(self.request(Method::GET, &["chunks", &sha256.to_string()]).timeout(BYTES)).await?;
        self.read(response, FRAME_BYTES_MAX).await
    }

    /// The next piece of a response.
    pub(crate) async fn chunk(&self, response: &mut Response) -> Result<Option<bytes::Bytes>, FarmError> {
        response.chunk().await.map_err(|error| FarmError::unreachable(&self.base, &error))
    }

    fn file(&self, before: &[&str], path: &str) -> RequestBuilder {
        let segments: Vec<&str> = before.iter().copied().chain(path.split('/')).collect();
        self.request(Method::GET, &segments)
    }

    fn url_of(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("http URLs have paths").pop_if_empty().push("v1").extend(segments);
        url
    }

    fn request(&self, method: Method, segments: &[&str]) -> RequestBuilder {
        self.with_newest(self.http.request(method, self.url_of(segments)))
    }

    fn with_newest(&self, request: RequestBuilder) -> RequestBuilder {
        match self.newest.load(Ordering::Relaxed) {
            0 => request,
            newest => request.header(MIN_SEQ_HEADER, newest),
        }
    }

    async fn get<T: DeserializeOwned>(&self, segments: &[&str]) -> Result<T, FarmError> {
        self.read_again(|| self.request(Method::GET, segments)).await
    }

    /// Asks for something that can be asked for as often as one likes, and does so while what fails may pass.
    async fn read_again<T: DeserializeOwned>(&self, request: impl Fn() -> RequestBuilder) -> Result<T, FarmError> {
        let mut backoff = Backoff::default();
        loop {
            match self.json(request().timeout(REQUEST)).await {
                Err(error) if error.is_passing() && backoff.tries() < READ_TRIES_MAX => {
                    tokio::time::sleep(backoff.next(error.retry_after())).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn post<T: DeserializeOwned>(&self, segments: &[&str], body: &[u8]) -> Result<T, FarmError> {
        let request = self.request(Method::POST, segments).timeout(REQUEST);
        self.json(request.header(CONTENT_TYPE, "application/json").body(body.to_vec())).await
    }

    async fn stream(&self, request: RequestBuilder, idle: Duration) -> Result<Events, FarmError> {
        self.send(request.header(ACCEPT, "text/event-stream")).await.map(|response| Events::new(self.base.clone(), response, idle))
    }

    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, FarmError> {
        let response = self.send(request).await?;
        self.read_json(response).await
    }

    /// A response whatever its status; notes the ledger's sequence.
    async fn answer(&self, request: RequestBuilder) -> Result<Response, FarmError> {
        let response = request.send().await.map_err(|error| FarmError::unreachable(&self.base, &error))?;
        if let Some(seq) = number(response.headers(), LEDGER_SEQ_HEADER) {
            self.has_seen(LedgerSeq(seq));
        }
        Ok(response)
    }

    /// An answer or an event told of this record: nothing that is asked from here on is answered from before it, not even by a coordinator that was
    /// started anew and still reads its ledger.
    pub(crate) fn has_seen(&self, seq: LedgerSeq) {
        self.newest.fetch_max(seq.0, Ordering::Relaxed);
    }

    /// A response that succeeded.
    async fn send(&self, request: RequestBuilder) -> Result<Response, FarmError> {
        let response = self.answer(request).await?;
        if response.status().is_success() { Ok(response) } else { Err(self.problem(response).await) }
    }

    async fn problem(&self, response: Response) -> FarmError {
        let (url, status) = (response.url().to_string(), response.status());
        let retry_after = number(response.headers(), RETRY_AFTER.as_str()).map(Duration::from_secs);
        let bytes = match self.read(response, PROBLEM_BYTES_MAX).await {
            Ok(bytes) => bytes,
            Err(error) => return error,
        };
        match read::<Problem>(&bytes) {
            Ok(problem) => FarmError::Problem { problem: Box::new(problem), retry_after },
            Err(_) if status == StatusCode::NOT_FOUND => {
                let problem = Problem::new(status.as_u16(), Reason::NotFound, format!("{url} is not there"));
                FarmError::Problem { problem: Box::new(problem), retry_after }
            }
            Err(_) => {
                let found: String = String::from_utf8_lossy(&bytes).chars().take(200).collect();
                FarmError::Answer { url, status: status.as_u16(), expected: "a problem document".to_owned(), found: format!("{found:?}") }
            }
        }
    }

    /// What a failure to learn what the farm says of itself comes to: every coordinator answers that, or says in a problem why not. What a proxy
    /// before one says of a token, or of a coordinator that is away, is left as it is.
    fn or_no_coordinator(&self, error: FarmError) -> FarmError {
        let is_foreign = matches!(&error, FarmError::Answer { status, .. } if !matches!(status, 401 | 403 | 502..=504))
            || matches!(&error, FarmError::Problem { problem, .. } if problem.status == StatusCode::NOT_FOUND.as_u16());
        if is_foreign { FarmError::NotACoordinator { url: address(&self.base) } } else { error }
    }

    async fn read_json<T: DeserializeOwned>(&self, response: Response) -> Result<T, FarmError> {
        let (place, bytes) = self.whole(response).await?;
        place.parse(&bytes)
    }

    /// The whole body of a JSON answer, and where it is from.
    async fn whole(&self, response: Response) -> Result<(Place, Vec<u8>), FarmError> {
        let place = Place { url: response.url().to_string(), status: response.status().as_u16() };
        let bytes = self.read(response, JSON_BYTES_MAX).await?;
        Ok((place, bytes))
    }

    /// The whole body, when it has at most `bytes_max` bytes.
    async fn read(&self, mut response: Response, bytes_max: u64) -> Result<Vec<u8>, FarmError> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.chunk(&mut response).await? {
            if (bytes.len() + piece.len()) as u64 > bytes_max {
                return Err(FarmError::Answer {
                    url: response.url().to_string(),
                    status: response.status().as_u16(),
                    expected: format!("at most {bytes_max} bytes"),
                    found: "more".to_owned(),
                });
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }
}

/// What of a farm's document is needed to know whether the rest can be read.
#[derive(Debug, Deserialize)]
struct Speaks {
    protocol: ProtocolRange,
    #[serde(default)]
    version: String,
}

/// Where an answer is from.
struct Place {
    url: String,
    status: u16,
}

impl Place {
    fn parse<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<T, FarmError> {
        read(bytes).map_err(|error| match error {
            ReadError::OtherMajor { found, expected } => FarmError::OtherMajor { url: self.url, found, expected },
            ReadError::Json(error) => FarmError::Answer {
                url: self.url,
                status: self.status,
                expected: format!("the JSON of {}", std::any::type_name::<T>().rsplit("::").next().unwrap_or("an answer")),
                found: error.to_string(),
            },
        })
    }
}

/// Whether these bytes are a document of ours, be it one that cannot be read.
fn is_document(bytes: &[u8]) -> bool {
    let value: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    value["schema_id"].as_str().is_some_and(|id| id.starts_with("rch-xcode/"))
}

fn body(request: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(request).expect("requests of texts and switches serialize")
}

fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()),
        None => false,
    }
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}
