//! Property lists in the old OpenStep form, which is what `project.pbxproj` is.

use std::collections::BTreeMap;

/// A value. Dates and numbers are strings in this form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    String(String),
    Array(Vec<Value>),
    Dictionary(BTreeMap<String, Value>),
}

impl Value {
    pub(super) fn string(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Array(_) | Self::Dictionary(_) => None,
        }
    }

    /// A dictionary's member.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Dictionary(members) => members.get(key),
            Self::String(_) | Self::Array(_) => None,
        }
    }

    /// A dictionary's member that is a string.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.string()
    }

    /// The strings of a dictionary's member that is a list; empty when there is none.
    pub(super) fn texts(&self, key: &str) -> Vec<&str> {
        match self.get(key) {
            Some(Self::Array(items)) => items.iter().filter_map(Self::string).collect(),
            Some(Self::String(_) | Self::Dictionary(_)) | None => Vec::new(),
        }
    }
}

/// How deep lists may nest; real projects stay under ten.
const DEPTH_MAX: usize = 64;

/// Reads a document; the error is the line that was not understood.
pub(super) fn parse(text: &str) -> Result<Value, usize> {
    let mut parser = Parser { text, at: 0 };
    parser.value(0).ok_or_else(|| text.as_bytes()[..parser.at.min(text.len())].split(|byte| *byte == b'\n').count())
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            let mut skipped = rest.len() - trimmed.len();
            if trimmed.starts_with("//") {
                skipped += trimmed.find('\n').unwrap_or(trimmed.len());
            } else if trimmed.starts_with("/*") {
                skipped += trimmed.find("*/").map_or(trimmed.len(), |end| end + 2);
            } else {
                self.at += skipped;
                return;
            }
            self.at += skipped;
        }
    }

    fn take(&mut self, symbol: char) -> bool {
        self.skip_blank();
        let found = self.rest().starts_with(symbol);
        if found {
            self.at += symbol.len_utf8();
        }
        found
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEPTH_MAX {
            return None;
        }
        if self.take('{') {
            self.dictionary(depth)
        } else if self.take('(') {
            self.array(depth)
        } else {
            self.string().map(Value::String)
        }
    }

    fn dictionary(&mut self, depth: usize) -> Option<Value> {
        let mut members = BTreeMap::new();
        while !self.take('}') {
            let key = self.string()?;
            if !self.take('=') {
                return None;
            }
            let value = self.value(depth + 1)?;
            if !self.take(';') {
                return None;
            }
            members.insert(key, value);
        }
        Some(Value::Dictionary(members))
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        let mut items = Vec::new();
        while !self.take(')') {
            items.push(self.value(depth + 1)?);
            if !self.take(',') {
                return self.take(')').then_some(Value::Array(items));
            }
        }
        Some(Value::Array(items))
    }

    fn string(&mut self) -> Option<String> {
        self.skip_blank();
        match self.rest().chars().next()? {
            quote @ ('"' | '\'') => self.quoted(quote),
            _ => self.bare(),
        }
    }

    fn quoted(&mut self, quote: char) -> Option<String> {
        let mut text = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((at, character)) = characters.next() {
            if character == quote {
                self.at += at + 1;
                return Some(text);
            }
            if character != '\\' {
                text.push(character);
                continue;
            }
            match characters.next()?.1 {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                other => text.push(other),
            }
        }
        None
    }

    fn bare(&mut self) -> Option<String> {
        let is_bare = |c: char| c.is_alphanumeric() || "_$/:.-+*@<>~!%&^?#|".contains(c);
        let rest = self.rest();
        let end = rest.find(|c: char| !is_bare(c)).unwrap_or(rest.len());
        if end == 0 {
            return None;
        }
        let text = rest[..end].to_owned();
        self.at += end;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn comments_quotes_and_nesting_are_read() {
        let text = "// !$*UTF8*$!\n{ a = 1; /* c */ \"b c\" = ( x, \"y \\\"z\\\"\", ); d = { e = <f>; }; }";
        let value = parse(text).unwrap();
        assert_eq!(value.text("a"), Some("1"));
        assert_eq!(value.texts("b c"), ["x", "y \"z\""]);
        assert_eq!(value.get("d").and_then(|d| d.text("e")), Some("<f>"));
    }

    #[test]
    fn a_merge_conflict_is_found_at_its_line() {
        assert_eq!(parse("{\n a = 1;\n<<<<<<< HEAD\n b = 2;\n}"), Err(3));
        assert_eq!(parse("{ a = 1; "), Err(1));
    }
}
