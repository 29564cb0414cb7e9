//! Golden vectors of RFC 8785, and a second implementation as oracle.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

#[test]
fn sha256_of_abc_is_the_published_vector() {
    assert_eq!(Sha256::of("abc").to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[test]
fn a_saved_hasher_goes_on_where_it_was() {
    let text = [7; 200];
    for at in [0, 1, 63, 64, 65, 128, 199] {
        let mut hasher = Hasher::new();
        hasher.update(&text[..at]);
        let saved = hasher.save();
        assert!(Hasher::resume(&saved, at as u64 + 1).is_none(), "{at}");
        let mut resumed = Hasher::resume(&saved, at as u64).unwrap();
        resumed.update(&text[at..]);
        assert_eq!(resumed.finish(), Sha256::of(text), "{at}");
    }
    assert!(Hasher::resume(&[0xff; HASHER_STATE_BYTES], 7).is_none());
}

#[test]
fn the_form_of_a_saved_hasher_never_changes() {
    // Saved states outlive the program in caches: another form here asks for another name of the cache's format.
    let mut hasher = Hasher::new();
    hasher.update(&[b'a'; 70]);
    let digest = Sha256::of(hasher.save()).to_string();
    assert_eq!(digest, "af1ed9a46dee91057f820e5931a44bfd8587bf7465459c5dc7fb415fd1dcd352");
}

#[test]
fn members_sort_by_utf16_code_units() {
    // RFC 8785, section 3.2.3: CR, 1, U+0080, ö, €, the surrogate pair of U+1F600, then U+FB33.
    let value = json!({ "\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "\u{1f600}": 5, "\u{80}": 6, "\u{f6}": 7 });
    let text = String::from_utf8(canonical(&value).unwrap()).unwrap();
    assert_eq!(text, "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}");
}

#[test]
fn strings_escape_as_the_rfc_says() {
    let value = json!({ "string": "\u{20ac}$\u{000f}\nA'\u{0042}\u{0022}\u{005c}\\\"\u{002f}", "literals": [null, true, false] });
    let text = String::from_utf8(canonical(&value).unwrap()).unwrap();
    assert_eq!(text, "{\"literals\":[null,true,false],\"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

#[test]
fn numbers_that_could_collide_are_refused_with_their_place() {
    for (value, place) in
        [(json!({"a": [0.5]}), "/a/0"), (json!(9_007_199_254_740_992_u64), ""), (json!({"b": -9_007_199_254_740_992_i64}), "/b")]
    {
        match canonical(&value) {
            Err(CanonicalError::Number { path, .. }) => assert_eq!(path, place),
            other => panic!("{value} was not refused: {other:?}"),
        }
    }
    assert!(canonical(&json!([9_007_199_254_740_991_u64, -9_007_199_254_740_991_i64])).is_ok());
}

#[test]
fn a_digest_parses_only_from_64_lower_case_digits() {
    let digest = Sha256::of("x");
    assert_eq!(digest.to_string().parse::<Sha256>().unwrap(), digest);
    for bad in ["", "ab", &digest.to_string().to_uppercase(), &format!("{digest}0")] {
        assert!(bad.parse::<Sha256>().is_err(), "{bad}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-((1_i64 << 53) - 1)..(1_i64 << 53)).prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(".*", inner, 0..6).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn a_second_implementation_gives_the_same_bytes(value in any_json()) {
        prop_assert_eq!(canonical(&value).unwrap(), serde_json_canonicalizer::to_vec(&value).unwrap());
    }
}
