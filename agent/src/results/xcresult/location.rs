//! Places in the source as a result bundle writes them.

/// A place, counted from 1 as everywhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Location {
    pub(super) path: String,
    pub(super) line: Option<u32>,
    pub(super) column: Option<u32>,
}

/// Reads `file:///A%20B.swift#StartingColumnNumber=27&StartingLineNumber=6`, where lines and columns count from 0.
pub(super) fn read(url: &str) -> Option<Location> {
    let (path, fragment) = url.split_once('#').unwrap_or((url, ""));
    let path = percent_decoded(path.strip_prefix("file://")?);
    let number = |name: &str| {
        let value = fragment.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
        value.parse::<u32>().ok()?.checked_add(1)
    };
    let line = number("StartingLineNumber");
    (!path.is_empty()).then(|| Location { path, line, column: line.and_then(|_| number("StartingColumnNumber")) })
}

/// A URL's path as text; what is no escape stays.
pub(super) fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let byte = escape.and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        decoded.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_of_a_bundle_count_from_0_and_ours_from_1() {
        let place = |url: &str| read(url).map(|place| (place.path, place.line, place.column));
        for (url, expected) in [
            (
                "file:///s/View%20A.swift#CharacterRangeLen=0&EndingColumnNumber=27&EndingLineNumber=6&StartingColumnNumber=27&StartingLineNumber=6",
                Some(("/s/View A.swift".to_owned(), Some(7), Some(28))),
            ),
            ("file:///s/A.swift#EndingLineNumber=43&StartingLineNumber=43", Some(("/s/A.swift".to_owned(), Some(44), None))),
            ("file:///s/App.xcodeproj", Some(("/s/App.xcodeproj".to_owned(), None, None))),
            ("file:///s/100%", Some(("/s/100%".to_owned(), None, None))),
            ("file:///s/A.swift#StartingLineNumber=4294967295", Some(("/s/A.swift".to_owned(), None, None))),
            ("#CharacterRangeLen=0", None),
            ("", None),
        ] {
            assert_eq!(place(url), expected, "{url}");
        }
    }
}
