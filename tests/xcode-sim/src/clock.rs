//! The time of day, in the forms the tools print it. All of it is UTC: a Mac prints local time, nothing here depends on it.

use std::time::{SystemTime, UNIX_EPOCH};

/// A moment, as seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moment(f64);

impl Moment {
    /// The only place this crate reads the clock.
    pub(crate) fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(since.as_secs_f64())
    }

    /// A moment that was written down in seconds.
    pub(crate) const fn at(seconds: f64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970, to a millisecond.
    pub(crate) fn seconds(self) -> f64 {
        (self.0 * 1000.0).round() / 1000.0
    }

    /// Seconds since 2001, which is how Apple counts.
    pub(crate) fn apple_seconds(self) -> f64 {
        self.0 - 978_307_200.0
    }

    /// "2025-02-17 12:38:15.972", as the test log has it.
    pub(crate) fn log_form(self) -> String {
        let [year, month, day, hour, minute, second, milli] = self.fields();
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{milli:03}")
    }

    /// "2025-02-17T12:38:15Z", as simctl has it.
    pub(crate) fn iso_form(self) -> String {
        let [year, month, day, hour, minute, second, _] = self.fields();
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// "2025-02-17T12:38:15.972+0000", as the older result bundles have it.
    pub(crate) fn json_form(self) -> String {
        let [year, month, day, hour, minute, second, milli] = self.fields();
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}+0000")
    }

    /// "2025.02.17_12-38-15-+0000", as result bundles are named.
    pub(crate) fn file_form(self) -> String {
        let [year, month, day, hour, minute, second, _] = self.fields();
        format!("{year:04}.{month:02}.{day:02}_{hour:02}-{minute:02}-{second:02}-+0000")
    }

    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit an i64 for the next 292 million years")]
    fn fields(self) -> [i64; 7] {
        let millis = (self.0 * 1000.0) as i64;
        let (days, in_day) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
        let [year, month, day] = civil_from_days(days);
        [year, month, day, in_day / 3_600_000, in_day / 60_000 % 60, in_day / 1000 % 60, in_day % 1000]
    }
}

/// Howard Hinnant's `civil_from_days`: the date `days` after 1970-01-01, without leap-year tables.
fn civil_from_days(days: i64) -> [i64; 3] {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    [year, month, day]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_each_tools_form() {
        let moment = Moment(1_739_795_895.972);
        assert_eq!(moment.log_form(), "2025-02-17 12:38:15.972");
        assert_eq!(moment.iso_form(), "2025-02-17T12:38:15Z");
        assert_eq!(moment.file_form(), "2025.02.17_12-38-15-+0000");
    }

    #[test]
    fn leap_days_are_dates() {
        assert_eq!(Moment(1_709_164_800.0).iso_form(), "2024-02-29T00:00:00Z");
        assert_eq!(Moment(951_782_400.0).iso_form(), "2000-02-29T00:00:00Z");
    }
}
