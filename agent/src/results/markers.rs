//! The line with which xcodebuild says how an action ended.

/// How an action ended, in xcodebuild's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marker {
    /// `** … SUCCEEDED **`
    Succeeded,
    /// `** … FAILED **`
    Failed,
    /// `** … INTERRUPTED **`
    Interrupted,
}

/// Reads an end marker. That of `clean` is none: it says nothing about the action behind it.
pub(super) fn read(line: &str) -> Option<Marker> {
    // Two streams meet in one pipe: the marker may stand right behind a line that is not yet ended. What is quoted has a blank before it.
    let words = line
        .strip_prefix("** ")
        .or_else(|| Some(line.split_once("** ").filter(|(before, _)| !before.ends_with(char::is_whitespace))?.1))?;
    // Newer versions write the time in brackets behind the marker.
    let (words, _) = words.split_once(" **")?;
    let (action, end) = words.rsplit_once(' ')?;
    if !["BUILD", "TEST", "ANALYZE", "TEST BUILD", "TEST EXECUTE"].contains(&action) {
        return None;
    }
    match end {
        "SUCCEEDED" => Some(Marker::Succeeded),
        "FAILED" => Some(Marker::Failed),
        "INTERRUPTED" => Some(Marker::Interrupted),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_marker_but_that_of_clean_counts() {
        for (line, expected) in [
            ("** BUILD SUCCEEDED **", Some(Marker::Succeeded)),
            ("** TEST EXECUTE FAILED **", Some(Marker::Failed)),
            ("** TEST BUILD FAILED ** [1.234 sec]", Some(Marker::Failed)),
            ("** BUILD INTERRUPTED **", Some(Marker::Interrupted)),
            ("** CLEAN SUCCEEDED **", None),
            ("Test Case '-[A.B some** TEST SUCCEEDED **", Some(Marker::Succeeded)),
            ("printed: ** TEST FAILED **", None),
            ("** my own banner **", None),
        ] {
            assert_eq!(read(line), expected, "{line}");
        }
    }
}
