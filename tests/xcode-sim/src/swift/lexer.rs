//! Swift source as tokens: strings, comments and regular expressions are told from code, nothing more.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name, keyword or number.
    Word,
    /// A string literal with its quotes and everything interpolated into it.
    Text,
    /// `#if`, `#error`, `#available`: the word with its sign.
    Directive,
    /// `@Test`: the word with its sign.
    Attribute,
    /// A regular expression literal.
    Regex,
    /// Any other single character.
    Symbol(char),
}

/// A piece of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    /// From 1.
    pub(crate) line: usize,
    /// In bytes, from 1, as the Swift compiler counts.
    pub(crate) column: usize,
}

impl Token<'_> {
    pub(crate) fn is(&self, symbol: char) -> bool {
        self.kind == Kind::Symbol(symbol)
    }

    pub(crate) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text == word
    }

    /// A string literal's content, its usual escapes undone; `None` for other tokens.
    pub(crate) fn string(&self) -> Option<String> {
        if self.kind != Kind::Text {
            return None;
        }
        let inner = self.text.trim_matches('#').trim_matches('"');
        Some(inner.replace("\\\"", "\"").replace("\\n", "\n").replace("\\\\", "\\"))
    }
}

/// A file's tokens.
pub(crate) struct Lexed<'a> {
    pub(crate) tokens: Vec<Token<'a>>,
    /// Something was read by guess (a regular expression, an unterminated string): braces may be miscounted.
    pub(crate) in_doubt: bool,
}

/// Takes a file apart. Never fails: what is not understood is a symbol.
pub(crate) fn lex(source: &str) -> Lexed<'_> {
    let mut lexer = Lexer { source, at: 0, line: 1, line_start: 0, lexed: Lexed { tokens: Vec::new(), in_doubt: false } };
    if source.starts_with("#!") {
        lexer.at = source.find('\n').unwrap_or(source.len());
    }
    while lexer.step() {}
    lexer.lexed
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    line: usize,
    line_start: usize,
    lexed: Lexed<'a>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    /// Reads one token or one stretch of nothing; false at the end.
    fn step(&mut self) -> bool {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return false;
        };
        if first.is_whitespace() {
            self.advance(first.len_utf8());
        } else if rest.starts_with("//") {
            self.advance(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.advance(block_comment(rest));
        } else if let Some(length) = self.string_length() {
            self.push(Kind::Text, length);
        } else if let Some(length) = self.regex_length() {
            self.lexed.in_doubt = true;
            self.push(Kind::Regex, length);
        } else if first == '#' || first == '@' {
            let kind = if first == '#' { Kind::Directive } else { Kind::Attribute };
            let length = 1 + word_length(&rest[1..]);
            self.push(if length == 1 { Kind::Symbol(first) } else { kind }, length);
        } else if first == '`' {
            let length = rest[1..].find('`').map_or(1, |end| end + 2);
            self.push(Kind::Word, length);
        } else if is_word_char(first) {
            self.push(Kind::Word, word_length(rest));
        } else {
            self.push(Kind::Symbol(first), first.len_utf8());
        }
        true
    }

    fn push(&mut self, kind: Kind, length: usize) {
        self.lexed.tokens.push(Token {
            kind,
            text: &self.source[self.at..self.at + length],
            line: self.line,
            column: self.at - self.line_start + 1,
        });
        self.advance(length);
    }

    fn advance(&mut self, length: usize) {
        let end = self.at + length;
        for (offset, byte) in self.source.as_bytes()[self.at..end].iter().enumerate() {
            if *byte == b'\n' {
                self.line += 1;
                self.line_start = self.at + offset + 1;
            }
        }
        self.at = end;
    }

    /// How long the string literal is that starts here, if one does.
    fn string_length(&mut self) -> Option<usize> {
        let (length, closed) = string_literal(self.rest())?;
        self.lexed.in_doubt |= !closed;
        Some(length)
    }

    /// How long the regular expression is that starts here, if one does: `#/…/#`, or `/…/` where a value may start.
    fn regex_length(&self) -> Option<usize> {
        let rest = self.rest();
        let pounds = rest.bytes().take_while(|byte| *byte == b'#').count();
        let body = rest[pounds..].strip_prefix('/')?;
        if pounds > 0 {
            let end = format!("/{}", "#".repeat(pounds));
            return body.find(&end).map(|at| pounds + 1 + at + end.len());
        }
        let before_value = self.lexed.tokens.last().is_none_or(|token| match token.kind {
            Kind::Symbol(symbol) => "(,=:[{!&|?;".contains(symbol),
            Kind::Word => matches!(token.text, "return" | "case" | "in" | "where" | "try" | "await"),
            Kind::Text | Kind::Directive | Kind::Attribute | Kind::Regex => false,
        });
        if !before_value || body.starts_with([' ', '\t', '\n', ')', '/', '=']) {
            return None;
        }
        bare_regex_length(body).map(|length| 1 + length)
    }
}

/// The length up to and with the closing slash on the same line.
fn bare_regex_length(body: &str) -> Option<usize> {
    let mut in_class = false;
    let mut characters = body.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\n' => return None,
            '\\' => {
                characters.next();
            }
            '[' => in_class = true,
            ']' => in_class = false,
            '/' if !in_class => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn is_word_char(character: char) -> bool {
    character == '_' || character == '$' || character.is_alphanumeric()
}

fn word_length(text: &str) -> usize {
    text.find(|c: char| !is_word_char(c)).unwrap_or(text.len())
}

/// Comments nest.
fn block_comment(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0_usize, 0_usize);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// The length of the string literal `text` starts with, and whether it was closed; `None` when it starts with none.
fn string_literal(text: &str) -> Option<(usize, bool)> {
    let bytes = text.as_bytes();
    let pounds = bytes.iter().take_while(|byte| **byte == b'#').count();
    let quotes: &[u8] = match &bytes[pounds..] {
        [b'"', b'"', b'"', ..] => b"\"\"\"",
        [b'"', ..] => b"\"",
        _ => return None,
    };
    let is_long = quotes.len() == 3;
    let mut at = pounds + quotes.len();
    while at < bytes.len() {
        let here = &bytes[at..];
        if here[0] == b'\\' && has_pounds(&here[1..], pounds) {
            let escaped = at + 1 + pounds;
            at = match bytes.get(escaped) {
                Some(b'(') => escaped + interpolation(&text[escaped..]),
                Some(b'\n') | None => escaped,
                Some(_) => next_boundary(text, escaped),
            };
        } else if here.starts_with(quotes) && has_pounds(&here[quotes.len()..], pounds) {
            // `""""` at the end of a long literal: the quotes that belong to the text come first.
            let surplus = here.iter().take_while(|byte| **byte == b'"').count() - quotes.len();
            let surplus = if is_long && pounds == 0 { surplus } else { 0 };
            return Some((at + surplus + quotes.len() + pounds, true));
        } else if here[0] == b'\n' && !is_long {
            return Some((at, false));
        } else {
            at += 1;
        }
    }
    Some((bytes.len(), false))
}

fn has_pounds(bytes: &[u8], pounds: usize) -> bool {
    bytes.len() >= pounds && bytes[..pounds].iter().all(|byte| *byte == b'#')
}

fn next_boundary(text: &str, at: usize) -> usize {
    (at + 1..=text.len()).find(|index| text.is_char_boundary(*index)).unwrap_or(text.len())
}

/// The length of an interpolation, from its opening to its closing bracket. Strings within it may hold brackets.
fn interpolation(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0_usize, 0_usize);
    while at < bytes.len() {
        if let Some((length, _)) = matches!(bytes[at], b'"' | b'#').then(|| string_literal(&text[at..])).flatten() {
            at += length;
            continue;
        }
        if bytes[at..].starts_with(b"/*") {
            at += block_comment(&text[at..]);
            continue;
        }
        match bytes[at] {
            b'(' => depth += 1,
            b')' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    text.len()
}
