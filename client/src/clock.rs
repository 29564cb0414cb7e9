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

/// `08:50 UTC`; with the day when that is not today's.
pub(crate) fn time_of_day(at: Timestamp, now: Timestamp) -> String {
    const DAY: usize = "2026-03-02".len();
    const MINUTE: usize = "2026-03-02T08:50".len();
    let (at, now) = (at.to_string(), now.to_string());
    let (day, time) = (&at[..DAY], &at[DAY + 1..MINUTE]);
    if day == &now[..DAY] { format!("{time} UTC") } else { format!("{day} {time} UTC") }
}

fn timestamp(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_another_day_says_which() {
        let time = |text: &str| text.parse().expect("a time");
        let now = time("2026-03-02T09:30:00Z");
        assert_eq!(time_of_day(time("2026-03-02T08:50:59.999Z"), now), "08:50 UTC");
        assert_eq!(time_of_day(time("2026-02-28T23:05:00Z"), now), "2026-02-28 23:05 UTC");
    }

    #[test]
    fn a_repeated_request_was_made_when_its_id_was() {
        let id: RequestId = "01KBQ3M5T2Y8ZC4W6N0R7HXA1D".parse().expect("a ULID");
        assert_eq!(requested_at(&id), requested_at(&id));
        assert!(requested_at(&id) < now());
    }
}
