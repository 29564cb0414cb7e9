//! Golden vectors of RFC 8785, and a second implementation as oracle.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

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

/// SplitMix64: enough to reach every branch, the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A character of those that escaping, sorting and encoding treat differently, or any.
    fn character(&mut self) -> char {
        const TELLING: [char; 20] = [
            '"',
            '\\',
            '/',
            '\u{8}',
            '\t',
            '\n',
            '\u{b}',
            '\u{c}',
            '\r',
            '\0',
            '\u{1f}',
            '\u{7f}',
            '\u{80}',
            '\u{2028}',
            '\u{d7ff}',
            '\u{e000}',
            '\u{ffff}',
            '\u{10000}',
            '\u{1f600}',
            '\u{10ffff}',
        ];
        match self.below(4) {
            0 => TELLING[usize::try_from(self.below(20)).unwrap()],
            1 => char::from_u32(u32::try_from(self.below(0x11_0000)).unwrap()).unwrap_or('\u{fb33}'),
            _ => char::from(b'a' + u8::try_from(self.below(26)).unwrap()),
        }
    }

    fn text(&mut self) -> String {
        (0..self.below(8)).map(|_| self.character()).collect()
    }

    fn integer(&mut self) -> Value {
        let edge = i64::try_from(INTEGER_MAX).unwrap();
        let near = i64::try_from(self.below(3)).unwrap();
        let signed = match self.below(4) {
            0 => edge - near,
            1 => near - edge,
            2 => i64::try_from(self.next() & INTEGER_MAX).unwrap(),
            _ => -i64::try_from(self.below(1000)).unwrap(),
        };
        signed.into()
    }

    fn value(&mut self, depth: u32) -> Value {
        match self.below(if depth == 0 { 4 } else { 8 }) {
            0 => Value::Null,
            1 => self.below(2).eq(&0).into(),
            2 => self.integer(),
            3 => self.text().into(),
            4 | 5 => (0..self.below(5)).map(|_| self.value(depth - 1)).collect(),
            _ => Value::Object((0..self.below(6)).map(|_| (self.text(), self.value(depth - 1))).collect()),
        }
    }
}

#[test]
fn a_second_implementation_gives_the_same_bytes_for_100_000_values() {
    let (mut bytes, mut astral) = (0, 0);
    for seed in 0..100_000 {
        let value = Random(seed).value(4);
        let ours = canonical(&value).unwrap();
        let theirs = serde_json_canonicalizer::to_vec(&value).unwrap();
        assert_eq!(ours, theirs, "seed {seed}: {value}");
        bytes += ours.len();
        astral += usize::from(value.as_object().is_some_and(|members| members.keys().any(|name| name.contains(|c| c > '\u{ffff}'))));
    }
    // Without names that sort differently by UTF-16 the two could agree on a wrong order.
    assert!(bytes > 1_000_000 && astral > 1_000, "{bytes} bytes, {astral} with astral names");
}
