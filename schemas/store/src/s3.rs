//! The client for S3: which requests, how long, how often again.
//!
//! Everything is put in one request. The largest object of ours is a recipe of 16 MiB, nearly all are chunks below 2 MiB: an upload in parts would be
//! three requests where one does, could not be conditional, and would leave parts behind when it is cut off. A request is signed over its body's
//! SHA-256, so a body that changes on the way is refused by the server.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpResponseBody, HttpService};
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use crate::credentials::Credentials;
use crate::place::{Bucket, OpenError};

/// A server on the same continent accepts a connection well within a second.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Without a byte. It counts while a body is sent, too: eight chunks of 2 MiB side by side need a line of 4.5 Mbit/s.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// A server that restarts is back after a few seconds, so the first pauses are short; a busy one is not asked more often than each 5 s.
const PAUSE_FIRST: Duration = Duration::from_millis(200);
/// See [`PAUSE_FIRST`].
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Pauses are random, between the first and so many times the one before: half as long again each time, on average.
const PAUSE_GROWTH: f64 = 3.0;
/// No further try begins after this, so that an operation of 60 s still has time to say why it failed.
const RETRY_FOR: Duration = Duration::from_secs(45);
/// More than fit into [`RETRY_FOR`], so that time is the limit: a server that refuses at once is given as long as one that hangs.
const RETRIES_MAX: usize = 100;
/// How much of what a server says about a failure is read; its code stands at the beginning.
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// The longest word of a server that is passed on.
const CODE_LENGTH_MAX: usize = 64;

/// Opens a bucket.
pub(crate) fn open(bucket: &Bucket, credentials: Option<&Credentials>) -> Result<Arc<dyn ObjectStore>, OpenError> {
    let Some(credentials) = credentials else { return Err(OpenError::NoCredentials { bucket: bucket.to_string() }) };
    // Another part of this process may have chosen a provider already; then that one serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let unusable = |source: Box<dyn std::error::Error + Send + Sync>| OpenError::Client { bucket: bucket.to_string(), source };
    let mut client = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT);
    if bucket.is_here() {
        client = client.no_proxy();
    }
    let client = HttpClient::new(client.build().map_err(|error| unusable(error.into()))?);
    let objects = over(client, bucket, credentials, retry()).map_err(|error| unusable(error.into()))?;
    Ok(Arc::new(objects))
}

/// A bucket over an HTTP client.
fn over(client: HttpClient, bucket: &Bucket, credentials: &Credentials, retry: RetryConfig) -> Result<AmazonS3, object_store::Error> {
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&bucket.name)
        .with_region(&bucket.region)
        // Both given always: without them the builder would ask the metadata service of the network we happen to be in.
        .with_access_key_id(&credentials.access_key_id)
        .with_secret_access_key(&credentials.secret_access_key)
        .with_virtual_hosted_style_request(false)
        .with_retry(retry)
        .with_http_connector(Connector(client));
    if let Some(token) = &credentials.session_token {
        builder = builder.with_token(token);
    }
    if let Some(endpoint) = &bucket.endpoint {
        builder = builder.with_endpoint(endpoint.as_str());
    }
    builder.build()
}

fn retry() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig { init_backoff: PAUSE_FIRST, max_backoff: PAUSE_MAX, base: PAUSE_GROWTH },
        max_retries: RETRIES_MAX,
        retry_timeout: RETRY_FOR,
    }
}

/// Hands out one client, whatever is asked for: its time limits are set here, in one place.
#[derive(Debug)]
struct Connector(HttpClient);

impl HttpConnector for Connector {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Terse(self.0.clone())))
    }
}

/// Cuts what a server says of a failure down to its code. Some quote the whole request there, a session's token included.
#[derive(Debug)]
struct Terse(HttpClient);

#[async_trait]
impl HttpService for Terse {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let response = self.0.execute(request).await?;
        if !response.status().is_client_error() && !response.status().is_server_error() {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let text = beginning(body).await;
        Ok(HttpResponse::from_parts(parts, HttpResponseBody::from(code(&text).to_owned())))
    }
}

/// The beginning of a body. A failure is a failure even if the words about it do not arrive.
async fn beginning(body: HttpResponseBody) -> String {
    let mut bytes = Vec::new();
    let mut pieces = body.bytes_stream();
    while bytes.len() < ANSWER_BYTES_MAX
        && let Some(Ok(piece)) = pieces.next().await
    {
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The code in an answer of S3: `NoSuchBucket` of `<Error><Code>NoSuchBucket</Code>...`. Empty when there is none that is a word.
fn code(answer: &str) -> &str {
    let word = answer.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map_or("", |(word, _)| word);
    let is_word = word.len() <= CODE_LENGTH_MAX && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_word { word } else { "" }
}

#[cfg(test)]
#[path = "s3_tests.rs"]
mod tests;
