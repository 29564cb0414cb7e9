//! A bearer token.

use std::fmt;
use std::io::{self, Read};

use reqwest::header::HeaderValue;

use super::error::CredentialsError;

/// The longest token.
const TOKEN_BYTES_MAX: usize = 4096;

/// A token. It is shown nowhere: neither by `Debug` nor by any message.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

impl Token {
    /// The token that `text` is; `place` names where it came from. What stands around it, such as a last line feed, is dropped.
    pub(crate) fn parse(text: &str, place: &str) -> Result<Self, CredentialsError> {
        let token = text.trim();
        let refused = |found: &str| Err(CredentialsError::Token { place: place.to_owned(), found: found.to_owned() });
        if token.is_empty() {
            refused("nothing")
        } else if token.len() > TOKEN_BYTES_MAX {
            refused("more")
        } else if token.contains(['\n', '\r']) {
            refused("several lines")
        } else if token.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(token.to_owned()))
        } else {
            refused("other characters")
        }
    }

    /// The token in a file or a stream.
    pub(crate) fn read(from: impl Read, place: &str) -> Result<Self, CredentialsError> {
        let mut bytes = Vec::new();
        let limit = (TOKEN_BYTES_MAX + 2) as u64;
        let unreadable = |source: io::Error| CredentialsError::Unreadable { path: place.into(), source };
        from.take(limit).read_to_end(&mut bytes).map_err(unreadable)?;
        Self::parse(&String::from_utf8_lossy(&bytes), place)
    }

    /// The value of the `Authorization` header, marked so that no log of the HTTP client shows it.
    pub(crate) fn header(&self) -> HeaderValue {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0)).expect("a token is visible ASCII");
        value.set_sensitive(true);
        value
    }

    /// The text, for the file of credentials.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(not shown)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_line_of_visible_characters_and_shown_nowhere() {
        let token = Token::read(b"s3cr3t.A_b-1=\n".as_slice(), "standard input").expect("a token");
        assert!(token.header().is_sensitive() && token.header() == "Bearer s3cr3t.A_b-1=");
        assert!(!format!("{token:?}").contains("s3cr3t"));
        for (text, found) in [
            (String::new(), "nothing"),
            (" \n".to_owned(), "nothing"),
            ("s3cr3t\nuser".to_owned(), "several lines"),
            ("s3cr3t é".to_owned(), "other characters"),
            ("x".repeat(5000), "more"),
        ] {
            let error = Token::read(text.as_bytes(), "standard input").expect_err(found).to_string();
            assert!(error.ends_with(&format!("found {found}")) && !error.contains("s3cr3t"), "{error}");
        }
    }
}
