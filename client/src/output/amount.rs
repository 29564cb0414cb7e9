//! Numbers as people read them.

use std::time::Duration;

/// `1 file`, `5,012 files`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

/// Digits in groups of three: `5,012`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `612 B`, `14 KiB`, `0.2 MiB`, `48.3 MiB`, `84 MiB`, `1.0 TiB`.
pub(crate) fn bytes(number: u64) -> String {
    const KIB: u64 = 1024;
    const MIB: u64 = KIB.pow(2);
    /// Each with the least number it is used for: tenths of a MiB still read well.
    const UNITS: [(&str, u64, u64); 3] = [("TiB", KIB.pow(4), KIB.pow(4)), ("GiB", KIB.pow(3), KIB.pow(3)), ("MiB", MIB, MIB / 10)];
    if number < KIB {
        return format!("{number} B");
    }
    let unit = UNITS.iter().find(|(_, _, least)| number >= *least);
    let Some((name, size, _)) = unit else { return format!("{} KiB", number.div_ceil(KIB)) };
    let tenths = (u128::from(number) * 10 + u128::from(size / 2)) / u128::from(*size);
    match (tenths / 10, tenths % 10) {
        (whole, 0) if whole >= 10 => format!("{whole} {name}"),
        (whole, tenth) => format!("{whole}.{tenth} {name}"),
    }
}

/// `0.3 s`, `48.2 s`, `1m 03s`, `2h 05m`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    if time < Duration::from_millis(59_950) {
        return format!("{:.1} s", time.as_secs_f64());
    }
    let seconds = seconds.max(60);
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}h {minutes:02}m") } else { format!("{minutes}m {rest:02}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_groups_and_a_plural() {
        assert_eq!([count(1, "file"), count(0, "file"), count(5_012, "file")], ["1 file", "0 files", "5,012 files"]);
        assert_eq!([grouped(999), grouped(1_000), grouped(1_234_567)], ["999", "1,000", "1,234,567"]);
    }

    #[test]
    fn sizes_read_as_in_the_transcripts() {
        const MIB: u64 = 1024 * 1024;
        for (number, expected) in [
            (0, "0 B"),
            (612, "612 B"),
            (14_000, "14 KiB"),
            (MIB / 5, "0.2 MiB"),
            (50_646_221, "48.3 MiB"),
            (84 * MIB, "84 MiB"),
            (1024 * 1024 * MIB, "1.0 TiB"),
            (812 * 1024 * MIB, "812 GiB"),
            (11 * 1024 * MIB, "11 GiB"),
            (u64::MAX, "16777216 TiB"),
        ] {
            assert_eq!(bytes(number), expected);
        }
    }

    #[test]
    fn durations_read_as_in_the_transcripts() {
        for (milliseconds, expected) in [
            (0, "0.0 s"),
            (300, "0.3 s"),
            (48_249, "48.2 s"),
            (59_949, "59.9 s"),
            (59_990, "1m 00s"),
            (63_000, "1m 03s"),
            (97_400, "1m 37s"),
            (7_500_000, "2h 05m"),
        ] {
            assert_eq!(duration(Duration::from_millis(milliseconds)), expected);
        }
    }
}
