//! The one change that `rch` makes to a file of the user's: the first `coordinator`.

use std::path::Path;

use super::file;

const KEY: &str = "coordinator";
const BOM: char = '\u{feff}';

/// The coordinator that the user's file names.
pub(crate) fn user_coordinator(path: &Path) -> Option<reqwest::Url> {
    let (values, _) = file::read(path).ok().flatten()?;
    values.get(KEY)?.as_str()?.parse().ok()
}

/// `text` with a first line that names the coordinator, all else byte for byte; `None` when it names one, or is not understood.
pub(crate) fn set_coordinator(text: &str, url: &str) -> Option<String> {
    let before = file::parse(text.trim_start_matches(BOM)).ok()?;
    let mut expected = before.as_object()?.clone();
    if expected.insert(KEY.to_owned(), url.into()).is_some() {
        return None;
    }
    let (mark, rest) = if text.starts_with(BOM) { text.split_at(BOM.len_utf8()) } else { ("", text) };
    let end = if text.split_once('\n').is_some_and(|(line, _)| line.ends_with('\r')) { "\r\n" } else { "\n" };
    // At the top, where no table has begun.
    let after = format!("{mark}{KEY} = {url:?}{end}{rest}");
    let read = file::parse(after.trim_start_matches(BOM)).ok()?;
    (read.as_object() == Some(&expected)).then_some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coordinator_is_added_and_the_rest_stays_byte_for_byte() {
        let url = "http://farm:7070";
        for (before, after) in [
            ("", "coordinator = \"http://farm:7070\"\n"),
            (
                "# mine\n[timeouts] # short\nqueue_seconds=60",
                "coordinator = \"http://farm:7070\"\n# mine\n[timeouts] # short\nqueue_seconds=60",
            ),
            ("\u{feff}[run]\r\n", "\u{feff}coordinator = \"http://farm:7070\"\r\n[run]\r\n"),
        ] {
            assert_eq!(set_coordinator(before, url).as_deref(), Some(after));
        }
        for text in ["coordinator = \"http://other\"\n", "[broken", "\"coordinator\" = 1"] {
            assert_eq!(set_coordinator(text, url), None, "{text}");
        }
    }
}
