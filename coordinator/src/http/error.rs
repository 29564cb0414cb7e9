//! Why a request is not answered as asked, and with which status: the one place that decides.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rch_schemas::Reason;
use rch_schemas::wire::http::Problem;
use rch_store::StoreError;
use rch_store::chunk::{GetChunkError, PutChunkError};
use rch_store::set::{OpenSetError, ReadSetError};

use crate::dispatcher::AskError;
use crate::effects::{ControlError, RestoreError};
use crate::error_line::error_line;
use crate::projection::ProjectionError;

/// The content type of a refusal.
pub(super) const PROBLEM: &str = "application/problem+json";
/// Seconds after which a refused client may try again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");

/// A request that fails.
#[derive(Debug)]
pub(super) struct ApiError(Box<Problem>);

/// The result of a handler.
pub(super) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// A failure with its code and one line.
    pub(super) fn new(code: Reason, detail: impl Into<String>) -> Self {
        Self(Box::new(Problem::new(status_of(code).as_u16(), code, detail)))
    }

    /// There is no such thing.
    pub(super) fn not_found(kind: &str, name: &str) -> Self {
        Self::new(Reason::NotFound, format!("there is no {kind} {name}")).found(name)
    }

    /// Something in the request is wrong, with what was expected there.
    pub(super) fn invalid(field: &str, expected: &str, found: &str) -> Self {
        let mut error = Self::new(Reason::InvalidRequest, format!("{field}: expected {expected}, found {found:?}"));
        error.0.field = Some(field.to_owned());
        error.0.expected = Some(expected.to_owned());
        error.found(found)
    }

    /// A member of the request cannot be read; `wrong` says what was expected and found there.
    pub(super) fn in_field(field: &str, wrong: &str) -> Self {
        let mut error = Self::new(Reason::InvalidRequest, format!("{field}: {wrong}"));
        error.0.field = Some(field.to_owned());
        error
    }

    /// What was found.
    #[must_use]
    pub(super) fn found(mut self, found: &str) -> Self {
        self.0.found = Some(found.chars().take(200).collect());
        self
    }

    /// What to do next.
    #[must_use]
    pub(super) fn fix(mut self, fix: &str) -> Self {
        self.0.fix = Some(fix.to_owned());
        self
    }
}

/// The status of each code that answers a request; all others say that something of ours failed.
const STATUSES: [(Reason, StatusCode); 14] = [
    (Reason::InvalidRequest, StatusCode::UNPROCESSABLE_ENTITY),
    (Reason::SourceCorrupt, StatusCode::UNPROCESSABLE_ENTITY),
    (Reason::UnsupportedProtocol, StatusCode::UNPROCESSABLE_ENTITY),
    (Reason::Unauthorized, StatusCode::UNAUTHORIZED),
    (Reason::NotFound, StatusCode::NOT_FOUND),
    (Reason::Conflict, StatusCode::CONFLICT),
    (Reason::Stale, StatusCode::CONFLICT),
    (Reason::ArtifactsGone, StatusCode::GONE),
    (Reason::PayloadTooLarge, StatusCode::PAYLOAD_TOO_LARGE),
    (Reason::SourceMissing, StatusCode::FAILED_DEPENDENCY),
    (Reason::Transfer, StatusCode::BAD_GATEWAY),
    (Reason::Offline, StatusCode::SERVICE_UNAVAILABLE),
    (Reason::Overloaded, StatusCode::SERVICE_UNAVAILABLE),
    (Reason::OutcomeUnknown, StatusCode::SERVICE_UNAVAILABLE),
];

fn status_of(code: Reason) -> StatusCode {
    let found = STATUSES.iter().find(|(known, _)| *known == code);
    found.map_or(StatusCode::INTERNAL_SERVER_ERROR, |(_, status)| *status)
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.0).expect("problems serialize");
        let mut response = (status, [(header::CONTENT_TYPE, PROBLEM)], body).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response
    }
}

impl From<Box<Problem>> for ApiError {
    fn from(problem: Box<Problem>) -> Self {
        Self(problem)
    }
}

impl From<AskError> for ApiError {
    fn from(error: AskError) -> Self {
        let fix = "send the same request again, with the same request_id";
        match error {
            AskError::NotLeading | AskError::Overloaded => Self::new(Reason::Overloaded, error.to_string()).fix(fix),
            AskError::Unknown => Self::new(Reason::OutcomeUnknown, error.to_string()).fix(fix),
        }
    }
}

impl From<ProjectionError> for ApiError {
    fn from(error: ProjectionError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "projection failed while it was read");
        Self::new(Reason::Internal, "the coordinator's projection failed; it is being restarted")
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        tracing::warn!(error = &error as &dyn std::error::Error, "store failed");
        match error {
            StoreError::TooLarge { .. } => Self::new(Reason::IntegrityMismatch, error.to_string()),
            StoreError::Timeout { .. } | StoreError::Backend { .. } => Self::new(Reason::Transfer, error.to_string()),
        }
    }
}

impl From<PutChunkError> for ApiError {
    fn from(error: PutChunkError) -> Self {
        match error {
            PutChunkError::Store(error) => error.into(),
            PutChunkError::Frame { .. } | PutChunkError::Digest { .. } => {
                Self::new(Reason::SourceCorrupt, error_line(&error)).fix("send one zstd frame that holds exactly the chunk")
            }
        }
    }
}

impl From<GetChunkError> for ApiError {
    fn from(error: GetChunkError) -> Self {
        match error {
            GetChunkError::Store(error) => error.into(),
            GetChunkError::Missing(_) | GetChunkError::Corrupt { .. } | GetChunkError::Size { .. } => {
                Self::new(Reason::IntegrityMismatch, error_line(&error))
            }
        }
    }
}

impl From<OpenSetError> for ApiError {
    fn from(error: OpenSetError) -> Self {
        match error {
            OpenSetError::Store(error) => error.into(),
            OpenSetError::Missing(_) => Self::new(Reason::ArtifactsGone, error.to_string()),
            OpenSetError::Manifest { .. } | OpenSetError::Attestation { .. } | OpenSetError::Malformed { .. } => {
                Self::new(Reason::IntegrityMismatch, error_line(&error))
            }
        }
    }
}

impl From<ReadSetError> for ApiError {
    fn from(error: ReadSetError) -> Self {
        match error {
            ReadSetError::Store(error) => error.into(),
            ReadSetError::NoSuchPath(_) | ReadSetError::InDirectory { .. } | ReadSetError::NotChunked(_) => {
                Self::new(Reason::NotFound, error.to_string())
            }
            ReadSetError::Mismatch(_)
            | ReadSetError::Mismatches(_)
            | ReadSetError::Recipe { .. }
            | ReadSetError::Chunk { .. }
            | ReadSetError::Unpack { .. } => Self::new(Reason::IntegrityMismatch, error_line(&error)),
        }
    }
}

impl From<RestoreError> for ApiError {
    fn from(error: RestoreError) -> Self {
        match error {
            RestoreError::Projection(error) => error.into(),
            RestoreError::Chunks(error) => error.into(),
            RestoreError::Ask(error) => error.into(),
        }
    }
}

impl From<ControlError> for ApiError {
    fn from(error: ControlError) -> Self {
        Self::new(Reason::Offline, error_line(&error)).fix("see whether the agent runs on that Mac and reaches NATS")
    }
}
