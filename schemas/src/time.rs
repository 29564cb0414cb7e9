//! Wall-clock instants, for display only. Clocks of two machines never order events; sequences do.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::id::InvalidId;

/// RFC 3339 in UTC with `Z`, to the millisecond: `2026-03-02T09:30:00.125Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant `milliseconds` after 1970-01-01T00:00:00Z, clamped to the years 0 to 9999.
    pub fn from_unix_ms(milliseconds: i64) -> Self {
        const YEAR_ZERO: i64 = -62_167_219_200_000;
        const YEAR_9999_END: i64 = 253_402_207_200_000;
        Self(milliseconds.clamp(YEAR_ZERO, YEAR_9999_END))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn unix_ms(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = jiff::Timestamp::from_millisecond(self.0).expect("clamped to jiff's range when made");
        write!(f, "{instant:.3}")
    }
}

impl FromStr for Timestamp {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId::new("time", "RFC 3339 in UTC, such as 2026-03-02T09:30:00.125Z", text);
        if !text.ends_with('Z') {
            return Err(invalid());
        }
        let instant: jiff::Timestamp = text.parse().map_err(|_| invalid())?;
        Ok(Self::from_unix_ms(instant.as_millisecond()))
    }
}

impl TryFrom<String> for Timestamp {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(time: Timestamp) -> Self {
        time.to_string()
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time", "pattern": "Z$", "description": "RFC 3339 in UTC with `Z`, to the millisecond: `2026-03-02T09:30:00.125Z`." })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_prints_in_utc_to_the_millisecond_and_reads_back() {
        let time = Timestamp::from_unix_ms(1_772_443_800_125);
        assert_eq!(time.to_string(), "2026-03-02T09:30:00.125Z");
        assert_eq!(time.to_string().parse(), Ok(time));
        assert_eq!(Timestamp::from_unix_ms(0).to_string(), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn another_offset_and_a_bare_date_are_refused() {
        for bad in ["2026-03-02T09:30:00+01:00", "2026-03-02", "now", "", "Z"] {
            assert!(bad.parse::<Timestamp>().is_err(), "{bad}");
        }
    }

    #[test]
    fn no_number_of_milliseconds_panics() {
        for ms in [i64::MIN, i64::MAX, -1] {
            assert!(Timestamp::from_unix_ms(ms).to_string().ends_with('Z'));
        }
    }
}
