//! Property lists in the old OpenStep form, which is what `project.pbxproj` is.

use std::collections::BTreeMap;

/// How deep lists may nest; real projects stay under ten.
const DEPTH_MAX: usize = 64;

/// A value. Numbers are strings in this form.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    List(Vec<Value>),
    Table(BTreeMap<String, Value>),
}

impl Value {
    /// A table's member.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Table(members) => members.get(key),
            Self::Text(_) | Self::List(_) => None,
        }
    }

    /// A table's member that is a text.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Self::Text(text) => Some(text),
            Self::List(_) | Self::Table(_) => None,
        }
    }

    /// The texts of a table's member that is a list, or one text.
    pub(super) fn texts(&self, key: &str) -> Vec<&str> {
        match self.get(key) {
            Some(Self::List(items)) => items
                .iter()
                .filter_map(|item| match item {
                    Self::Text(text) => Some(text.as_str()),
                    Self::List(_) | Self::Table(_) => None,
                })
                .collect(),
            Some(Self::Text(text)) => vec![text],
            Some(Self::Table(_)) | None => Vec::new(),
        }
    }

    /// The members of a table.
    pub(super) fn members(&self) -> impl Iterator<Item = (&String, &Self)> {
        match self {
            Self::Table(members) => Some(members),
            Self::Text(_) | Self::List(_) => None,
        }
        .into_iter()
        .flatten()
    }
}

/// Reads a document; `None` when it is none, as after a merge conflict.
pub(super) fn parse(text: &str) -> Option<Value> {
    Parser { rest: text }.value(0)
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn skip_blank(&mut self) {
        loop {
            let trimmed = self.rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
            self.rest = if let Some(comment) = trimmed.strip_prefix("//") {
                comment.find('\n').map_or("", |end| &comment[end..])
            } else if let Some(comment) = trimmed.strip_prefix("/*") {
                comment.find("*/").map_or("", |end| &comment[end + 2..])
            } else {
                self.rest = trimmed;
                return;
            };
        }
    }

    fn take(&mut self, symbol: char) -> bool {
        self.skip_blank();
        let after = self.rest.strip_prefix(symbol);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEPTH_MAX {
            return None;
        }
        if self.take('{') {
            self.table(depth)
        } else if self.take('(') {
            self.list(depth)
        } else {
            self.text().map(Value::Text)
        }
    }

    fn table(&mut self, depth: usize) -> Option<Value> {
        let mut members = BTreeMap::new();
        while !self.take('}') {
            let key = self.text()?;
            let value = self.take('=').then(|| self.value(depth + 1))??;
            if !self.take(';') {
                return None;
            }
            members.insert(key, value);
        }
        Some(Value::Table(members))
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        let mut items = Vec::new();
        while !self.take(')') {
            items.push(self.value(depth + 1)?);
            if !self.take(',') {
                return self.take(')').then_some(Value::List(items));
            }
        }
        Some(Value::List(items))
    }

    fn text(&mut self) -> Option<String> {
        self.skip_blank();
        match self.rest.chars().next()? {
            quote @ ('"' | '\'') => self.quoted(quote),
            _ => self.bare(),
        }
    }

    fn quoted(&mut self, quote: char) -> Option<String> {
        let mut text = String::new();
        let mut characters = self.rest.char_indices().skip(1);
        while let Some((at, character)) = characters.next() {
            if character == quote {
                self.rest = &self.rest[at + 1..];
                return Some(text);
            }
            text.push(if character == '\\' { characters.next()?.1 } else { character });
        }
        None
    }

    fn bare(&mut self) -> Option<String> {
        let is_bare = |c: char| c.is_alphanumeric() || "_$/:.-+*@<>~!%&^?#|".contains(c);
        let end = self.rest.find(|c: char| !is_bare(c)).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        (end > 0).then(|| text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_quotes_and_nesting_are_read() {
        let text = "// !$*UTF8*$!\n{ a = 1; /* c */ \"b c\" = ( x, \"y \\\"z\\\"\", ); d = { e = <f>; }; }";
        let value = parse(text).expect("a document");
        assert_eq!(value.text("a"), Some("1"));
        assert_eq!(value.texts("b c"), ["x", "y \"z\""]);
        assert_eq!(value.get("d").and_then(|d| d.text("e")), Some("<f>"));
    }

    #[test]
    fn what_is_no_document_is_none() {
        let deep = "(".repeat(100_000);
        for text in ["", "{", "{a", "{a=", "{a=1", "{a=1;", "(1", "\"", "{\n a = 1;\n<<<<<<< HEAD\n b = 2;\n}", "/*", "//", &deep] {
            assert_eq!(parse(text), None, "{}", &text[..text.len().min(40)]);
        }
    }
}
