//! Durations as Apple's tools print them.

/// Milliseconds of `0.001`, `0,0011s`, `2s`, `1m 14s`, `1h 2m 3s`, `Ran for 1 minute, 14 seconds`. `None` for anything else.
pub(super) fn milliseconds(text: &str) -> Option<u64> {
    let mut rest = ["Ran for ", "Average duration "].iter().find_map(|words| text.strip_prefix(words)).unwrap_or(text).trim();
    if rest.is_empty() {
        return None;
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let (digits, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',').unwrap_or(rest.len()));
        let after = after.trim_start();
        let (unit, after) = after.split_at(after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len()));
        let factor = match unit {
            "" | "s" | "second" | "seconds" => 1.0,
            "ms" => 0.001,
            "m" | "min" | "minute" | "minutes" => 60.0,
            "h" | "hour" | "hours" => 3_600.0,
            _ => return None,
        };
        seconds += number(digits)? * factor;
        rest = after.trim_start_matches([',', ' ']);
    }
    of_seconds(seconds)
}

/// Whole milliseconds of seconds; `None` for what no test can have taken.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "finite, not negative and below 2^53 by then")]
pub(super) fn of_seconds(seconds: f64) -> Option<u64> {
    let milliseconds = (seconds * 1_000.0).round();
    (milliseconds.is_finite() && (0.0..9_007_199_254_740_992.0).contains(&milliseconds)).then_some(milliseconds as u64)
}

/// A number whose decimal mark is a point or a comma.
fn number(text: &str) -> Option<f64> {
    let starts = text.starts_with(|c: char| c.is_ascii_digit());
    if starts { text.replace(',', ".").parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recorded_way_to_write_a_duration_is_read() {
        for (text, expected) in [
            ("0.001", Some(1)),
            ("0,0011s", Some(1)),
            ("0,2s", Some(200)),
            ("2s", Some(2_000)),
            ("0.1s", Some(100)),
            ("1m 14s", Some(74_000)),
            ("1h 2m 3s", Some(3_723_000)),
            ("Ran for 1 minute, 14 seconds", Some(74_000)),
            ("Ran for 0,18 seconds", Some(180)),
            ("Average duration 16 seconds", Some(16_000)),
            ("", None),
            ("soon", None),
            ("12", Some(12_000)),
            ("12 parsecs", None),
            ("-1", None),
            ("1e999", None),
        ] {
            assert_eq!(milliseconds(text), expected, "{text:?}");
        }
    }
}
