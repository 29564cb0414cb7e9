//! The only place that asks what time it is, and makes ids that hold it.

use std::time::{SystemTime, UNIX_EPOCH};

use rch_schemas::{RequestId, Timestamp};

/// The wall clock, for documents and display.
pub(crate) fn now() -> Timestamp {
    timestamp(SystemTime::now())
}

/// A request id nobody has used before: a ULID.
pub(crate) fn new_request_id() -> RequestId {
    ulid::Ulid::generate().to_string().parse().expect("a ULID is a valid request id")
}

/// When a request was first made. A ULID says it, so that a repeated request has the same bytes; any other id was made just now.
pub(crate) fn requested_at(request_id: &RequestId) -> Timestamp {
    request_id.as_str().parse::<ulid::Ulid>().map_or_else(|_| now(), |id| timestamp(id.datetime()))
}

fn timestamp(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_request_was_made_when_its_id_was() {
        let id: RequestId = "01KBQ3M5T2Y8ZC4W6N0R7HXA1D".parse().expect("a ULID");
        assert_eq!(requested_at(&id), requested_at(&id));
        assert!(requested_at(&id) < now());
    }
}
