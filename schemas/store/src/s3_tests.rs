//! The client for S3 against a double that gives prepared answers: what is asked again, what is not, and what is said.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::VecDeque;
use std::io;
use std::sync::Mutex;

use bytes::Bytes;
use object_store::client::HttpErrorKind;
use rch_schemas::Sha256;

use super::*;
use crate::store::{Store, StoreError};
use crate::{Creates, layout};

/// What a server quotes of a request that was signed wrong.
const QUOTED: &str = "<?xml version=\"1.0\"?><Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>canary-id</AWSAccessKeyId>\
    <CanonicalRequest>PUT x-amz-security-token:canary-token</CanonicalRequest></Error>";

/// One answer of the double.
#[derive(Debug, Clone, Copy)]
enum Answer {
    Status(u16, &'static str),
    /// It is lost after the request was sent.
    Lost,
    /// There is no connection.
    Refused,
}

/// A double of an S3 server: gives prepared answers, the last one again and again, and remembers what it was asked.
#[derive(Debug)]
struct Double {
    answers: Mutex<VecDeque<Answer>>,
    asked: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl HttpService for Double {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let condition = if request.headers().contains_key("if-none-match") { " unless there" } else { "" };
        self.asked.lock().unwrap().push(format!("{}{condition}", request.method()));
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().copied() };
        match answer.unwrap() {
            Answer::Status(status, body) => {
                let mut response = HttpResponse::new(HttpResponseBody::from(body.to_owned()));
                *response.status_mut() = status.try_into().unwrap();
                let headers = response.headers_mut();
                headers.insert("etag", "\"e\"".parse().unwrap());
                headers.insert("last-modified", "Sun, 22 Nov 2026 12:00:00 GMT".parse().unwrap());
                headers.insert("content-length", body.len().into());
                Ok(response)
            }
            Answer::Lost => Err(HttpError::new(HttpErrorKind::Interrupted, io::Error::from(io::ErrorKind::ConnectionReset))),
            Answer::Refused => Err(HttpError::new(HttpErrorKind::Connect, io::Error::from(io::ErrorKind::ConnectionRefused))),
        }
    }
}

/// As [`retry`], in a time that a test has: the client measures it on a clock that cannot be stopped.
fn impatient() -> RetryConfig {
    let backoff = BackoffConfig { init_backoff: Duration::from_micros(10), max_backoff: Duration::from_micros(20), base: PAUSE_GROWTH };
    RetryConfig { backoff, max_retries: 9, ..retry() }
}

/// A store on a server that gives these answers, and what it was asked.
fn store(answers: &[Answer]) -> (Store, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::default();
    let double = Double { answers: Mutex::new(answers.iter().copied().collect()), asked: Arc::clone(&asked) };
    let endpoint = "http://127.0.0.1:9000".parse().unwrap();
    let bucket = Bucket { name: "rch".to_owned(), region: "us-east-1".to_owned(), endpoint: Some(endpoint) };
    let credentials = Credentials {
        access_key_id: "canary-id".to_owned(),
        secret_access_key: "canary-secret".to_owned(),
        session_token: Some("canary-token".to_owned()),
    };
    let objects = over(HttpClient::new(double), &bucket, &credentials, impatient()).unwrap();
    (Store { objects: Arc::new(objects), name: bucket.to_string().into() }, asked)
}

fn key() -> layout::Key {
    layout::recipe(&Sha256::of("recipe"))
}

async fn refusal(answers: &[Answer]) -> (String, Vec<String>) {
    let (store, asked) = store(answers);
    let error = store.put(&key(), Bytes::from_static(b"bytes")).await.unwrap_err();
    assert!(matches!(error, StoreError::Backend { .. }));
    let text = format!("{error} {error:?}");
    assert!(!text.contains("canary"), "{text}");
    let asked = asked.lock().unwrap().clone();
    (error.to_string(), asked)
}

#[tokio::test]
async fn a_busy_server_is_asked_again_until_it_can() {
    let slow_down = Answer::Status(503, "<Error><Code>SlowDown</Code></Error>");
    let (store, asked) = store(&[slow_down, slow_down, Answer::Refused, Answer::Lost, Answer::Status(200, "")]);
    store.put(&key(), Bytes::from_static(b"bytes")).await.unwrap();
    assert_eq!(asked.lock().unwrap().len(), 5);
}

#[tokio::test]
async fn a_server_that_stays_away_is_given_up_with_words() {
    let (said, asked) = refusal(&[Answer::Refused]).await;
    assert!(
        said.starts_with(&format!("the store s3://rch at http://127.0.0.1:9000 could not put {}: connection refused", key())),
        "{said}"
    );
    assert!(said.ends_with("; see whether it runs and can be reached from here"), "{said}");
    assert_eq!(asked.len(), 10);

    let (said, asked) = refusal(&[Answer::Status(503, "<Error><Code>SlowDown</Code></Error>")]).await;
    assert!(said.contains(": 503 Service Unavailable: SlowDown; see its own log"), "{said}");
    assert_eq!(asked.len(), 10);
}

#[tokio::test]
async fn a_refusal_is_not_repeated_and_nothing_of_what_the_server_quotes_is_shown() {
    let (said, asked) = refusal(&[Answer::Status(403, QUOTED)]).await;
    assert!(said.contains(": 403 Forbidden: SignatureDoesNotMatch; check the credentials"), "{said}");
    assert_eq!(asked, ["PUT"]);
    let (said, _) = refusal(&[Answer::Status(404, "<Error><Code>NoSuchBucket</Code></Error>")]).await;
    assert!(said.ends_with("make the bucket, or correct its name"), "{said}");
    let (said, _) = refusal(&[Answer::Status(400, "<Error><Code>a canary</Code></Error>")]).await;
    assert!(said.ends_with(": 400 Bad Request"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_answer_is_lost_is_looked_for_and_made_if_it_is_not_there() {
    let made = b"bytes".as_slice();
    for (answers, expected) in [
        // The first try made it.
        (vec![Answer::Lost, Answer::Status(200, "")], vec!["PUT unless there", "HEAD"]),
        // It did not.
        (vec![Answer::Lost, Answer::Status(404, ""), Answer::Status(200, "")], vec!["PUT unless there", "HEAD", "PUT unless there"]),
        // It did, and said that it could not.
        (vec![Answer::Status(500, ""), Answer::Status(412, "")], vec!["PUT unless there", "PUT unless there"]),
    ] {
        let (store, asked) = store(&answers);
        store.create(&key(), Bytes::from_static(made)).await.unwrap();
        assert_eq!(*asked.lock().unwrap(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_that_was_there_after_a_lost_answer_is_believed_by_its_digest_alone() {
    // Lost, there, with other bytes: put again.
    let answers = [Answer::Lost, Answer::Status(200, ""), Answer::Status(200, "not the chunk"), Answer::Status(200, "")];
    let (store, asked) = store(&answers);
    store.put_plain_chunk(b"the chunk".to_vec()).await.unwrap();
    assert_eq!(*asked.lock().unwrap(), ["PUT unless there", "HEAD", "GET", "PUT"]);
}

#[tokio::test]
async fn a_store_that_ignores_conditions_is_found_out() {
    let (store, _) = store(&[Answer::Status(200, "")]);
    assert_eq!(store.try_creating(&key()).await.unwrap(), Creates::Again(16));
}
