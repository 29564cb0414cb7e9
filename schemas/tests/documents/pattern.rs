//! Texts with a rule: the pattern in the schema allows what the type reads, and nothing else.

use std::fmt;
use std::str::FromStr;

use rch_schemas::id::CacheNamespace;
use rch_schemas::requirement::{Version, XcodeRequirement};
use rch_schemas::{RunId, Sha256, Timestamp, WorkerName};
use schemars::JsonSchema;
use serde_json::json;

/// Checks that type and schema agree about each text, and that both say of the first `good` ones that they are.
fn agree<T: FromStr<Err: fmt::Debug> + JsonSchema>(good: &[&str], bad: &[&str]) {
    let schema = serde_json::to_value(schemars::schema_for!(T)).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    for text in good {
        assert!(text.parse::<T>().is_ok() && validator.is_valid(&json!(text)), "{text:?} is a {}", T::schema_name());
    }
    for text in bad {
        assert!(text.parse::<T>().is_err() && !validator.is_valid(&json!(text)), "{text:?} is no {}", T::schema_name());
    }
}

#[test]
fn the_pattern_of_each_text_allows_what_its_type_reads() {
    agree::<Version>(&["16", "16.2", "15.3.1", "1.2.3.4"], &["", "16.", ".2", "16.2b", "1.2.3.4.5", "16 2", "latest"]);
    agree::<XcodeRequirement>(
        &["16C5032a", "12D4e", "16.2", ">=16,<17", ">= 16.0, < 16.3", "=16"],
        &["", "Xcode 16", "16C", "C5032", ">=", ">=16,", "16,<17", "16C5032ab"],
    );
    agree::<RunId>(&["0123456789", "01KBQ3M5T2Y8ZC4W6N0R7HXA1D"], &["", "short", "-123456789", "has/slash0"]);
    agree::<WorkerName>(&["macmini-02", "0"], &["", "-x", "MacMini", "mac mini", "mac.mini"]);
    agree::<CacheNamespace>(&["SampleApp", "a.b-c_d"], &["", ".a", "a..b", "a/b", "프로"]);
    agree::<Sha256>(&[&"0f".repeat(32)], &["", &"0F".repeat(32), &"0".repeat(63)]);
    agree::<Timestamp>(
        &["2026-03-02T09:30:00.125Z", "2024-02-29T00:00:00Z"],
        &["2026-03-02", "2026-03-02T09:30:00+01:00", "2026-02-30T09:30:00Z", "now", "Z"],
    );
}
