//! Text taken apart as a POSIX shell does: words, operators, redirections.
//!
//! Own code because the crates that split such text give words alone: whether a `|` was quoted, and where it stood, is lost with them, and that is
//! what has to be told to whoever pasted it. Nothing is expanded or run: what a shell would fill in stays as it is written, and is marked.

use std::iter::Peekable;
use std::str::Chars;

/// A piece of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A word.
    Word(Word),
    /// What stands between commands: `|`, `||`, `&&`, `;`, `&`, `(`, `)`; the end of a line is `\n`.
    Operator(String),
    /// `2>&1`, `> build.log`.
    Redirection(String),
}

/// A word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Word {
    /// Without its quotes.
    pub(super) value: String,
    /// As it is written.
    pub(super) text: String,
    /// What a shell would fill in, such as `$SCHEME` or `$(nproc)`; the first when there are several.
    pub(super) expansion: Option<String>,
    /// Whether a quote in it is never closed.
    pub(super) is_open: bool,
}

/// Takes `text` apart. Comments and continued lines are gone; never fails.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut reader = Reader { rest: text.chars().peekable() };
    let mut tokens = Vec::new();
    while let Some(token) = reader.next() {
        tokens.push(token);
    }
    tokens
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<Token> {
        self.skip_blanks();
        let mut first = *self.rest.peek()?;
        if first == '#' {
            while self.rest.next_if(|c| *c != '\n').is_some() {}
            first = *self.rest.peek()?;
        }
        match first {
            '\n' => {
                self.rest.next();
                Some(Token::Operator("\n".to_owned()))
            }
            '|' | ';' | '(' | ')' | '&' => Some(self.operator(first)),
            '<' | '>' => Some(self.redirection(String::new())),
            _ => Some(self.word_or_descriptor()),
        }
    }

    fn skip_blanks(&mut self) {
        loop {
            if self.rest.next_if(|c| matches!(c, ' ' | '\t' | '\r')).is_some() || self.skip_continuation() {
                continue;
            }
            return;
        }
    }

    /// A back-slash at the end of a line.
    fn skip_continuation(&mut self) -> bool {
        let mut ahead = self.rest.clone();
        if ahead.next() != Some('\\') {
            return false;
        }
        ahead.next_if_eq(&'\r');
        let is_continued = ahead.next() == Some('\n');
        if is_continued {
            self.rest = ahead;
        }
        is_continued
    }

    fn operator(&mut self, first: char) -> Token {
        self.rest.next();
        let mut text = first.to_string();
        if first == '&' && self.rest.peek() == Some(&'>') {
            return self.redirection(text);
        }
        text.extend(match first {
            '|' => self.rest.next_if(|c| matches!(c, '|' | '&')),
            '&' | ';' => self.rest.next_if_eq(&first),
            _ => None,
        });
        Token::Operator(text)
    }

    /// From its sign on; `text` is what stood before it.
    fn redirection(&mut self, mut text: String) -> Token {
        while let Some(sign) = self.rest.next_if(|c| matches!(c, '<' | '>')) {
            text.push(sign);
        }
        text.extend(self.rest.next_if(|c| matches!(c, '&' | '|')));
        let glued = self.rest.peek().is_some_and(|c| !c.is_whitespace());
        self.skip_blanks();
        if self.rest.peek().is_some_and(|c| *c != '\n' && !is_special(*c)) {
            let target = self.word();
            text = format!("{text}{}{}", if glued { "" } else { " " }, target.text);
        }
        Token::Redirection(text)
    }

    /// A word; digits glued to `>` are the number of a file.
    fn word_or_descriptor(&mut self) -> Token {
        let mut ahead = self.rest.clone();
        let mut digits = String::new();
        while let Some(digit) = ahead.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        if !digits.is_empty() && ahead.peek().is_some_and(|c| matches!(c, '<' | '>')) {
            self.rest = ahead;
            return self.redirection(digits);
        }
        Token::Word(self.word())
    }

    fn word(&mut self) -> Word {
        let mut word = Word::default();
        loop {
            if self.skip_continuation() {
                continue;
            }
            let Some(c) = self.rest.next_if(|c| !c.is_whitespace() && !is_special(*c)) else { return word };
            word.text.push(c);
            match c {
                '\'' => self.single(&mut word),
                '"' => self.double(&mut word),
                '\\' => {
                    if let Some(escaped) = self.rest.next() {
                        word.text.push(escaped);
                        word.value.push(escaped);
                    }
                }
                '$' | '`' => self.expansion(c, &mut word),
                _ => word.value.push(c),
            }
        }
    }

    fn single(&mut self, word: &mut Word) {
        for c in self.rest.by_ref() {
            word.text.push(c);
            if c == '\'' {
                return;
            }
            word.value.push(c);
        }
        word.is_open = true;
    }

    fn double(&mut self, word: &mut Word) {
        loop {
            if self.skip_continuation() {
                continue;
            }
            let Some(c) = self.rest.next() else { break };
            word.text.push(c);
            match c {
                '"' => return,
                '\\' if self.rest.peek().is_some_and(|c| matches!(c, '"' | '\\' | '$' | '`')) => {
                    let escaped = self.rest.next().expect("just seen");
                    word.text.push(escaped);
                    word.value.push(escaped);
                }
                '$' | '`' => self.expansion(c, word),
                _ => word.value.push(c),
            }
        }
        word.is_open = true;
    }

    /// After `$` or a back-tick, which is in the text already.
    fn expansion(&mut self, sign: char, word: &mut Word) {
        let mut found = sign.to_string();
        match (sign, self.rest.peek().copied()) {
            ('`', _) => self.until_closed(&mut found, ('`', '`')),
            (_, Some('{')) => self.until_closed(&mut found, ('{', '}')),
            (_, Some('(')) => self.until_closed(&mut found, ('(', ')')),
            (_, Some(c)) if c.is_ascii_alphanumeric() || matches!(c, '_' | '@' | '*' | '#' | '?' | '!') => {
                found.extend(self.rest.next());
                while let Some(c) = self.rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    found.push(c);
                }
            }
            // A lonely dollar is one.
            (_, _) => {
                word.value.push(sign);
                return;
            }
        }
        word.text.push_str(&found[1..]);
        word.value.push_str(&found);
        word.expansion.get_or_insert(found);
    }

    /// Brackets may stand in each other: `${{ matrix.scheme }}`, `$(echo $(date))`.
    fn until_closed(&mut self, found: &mut String, (open, close): (char, char)) {
        let mut depth = usize::from(open == close);
        for c in self.rest.by_ref() {
            found.push(c);
            if c == close {
                depth -= 1;
                if depth == 0 {
                    return;
                }
            } else if c == open {
                depth += 1;
            }
        }
    }
}

/// Ends a word without a blank.
fn is_special(c: char) -> bool {
    matches!(c, '|' | '&' | ';' | '(' | ')' | '<' | '>')
}

/// A word as it must be written for a shell to read it as it is.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '@' | '%' | '+' | '=' | ':' | ',' | '.' | '/' | '-' | '[' | ']' | '~');
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    if word.chars().any(char::is_control) {
        return format!("$'{}'", word.chars().flat_map(escaped).collect::<String>());
    }
    if !word.contains('\'') {
        return format!("'{word}'");
    }
    if word.contains(['"', '$', '`', '\\', '!']) { format!("'{}'", word.replace('\'', "'\\''")) } else { format!("\"{word}\"") }
}

fn escaped(c: char) -> Vec<char> {
    if c.is_control() || matches!(c, '\\' | '\'') { c.escape_default().collect() } else { vec![c] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let token = |token: Token| match token {
            Token::Word(word) if word.is_open => format!("open({})", word.value),
            Token::Word(Word { value, expansion: Some(found), .. }) => format!("[{value}]~{found}"),
            Token::Word(word) => format!("[{}]", word.value),
            Token::Operator(text) => text.replace('\n', "NL"),
            Token::Redirection(text) => format!("<{text}>"),
        };
        tokens(text).into_iter().map(token).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn words_are_those_of_a_shell() {
        for (text, expected) in [
            ("", ""),
            ("a  b\tc", "[a] [b] [c]"),
            (r#"-scheme "My App" 'it''s' a\ b ''"#, "[-scheme] [My App] [its] [a b] []"),
            ("a \\\n  b\\\nc \\\r\n d", "[a] [bc] [d]"),
            ("\"a\\\nb\" 'a\\\nb'", "[ab] [a\\\nb]"),
            (r#""say \"no\" \n \$5" $ 5$"#, r#"[say "no" \n $5] [$] [5$]"#),
            ("OS=18.2,name=iPhone\\ 16 K='a b'c", "[OS=18.2,name=iPhone 16] [K=a bc]"),
            ("a # the rest\nb #", "[a] NL [b]"),
            ("a#b", "[a#b]"),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_only_a_shell_does_is_told_apart() {
        for (text, expected) in [
            ("a|b || c&&d;e & f |& g", "[a] | [b] || [c] && [d] ; [e] & [f] |& [g]"),
            ("a 2>&1 >log >> x 2>/dev/null &>all < in", "[a] <2>&1> <>log> <>> x> <2>/dev/null> <&>all> << in>"),
            ("(a 12)", "( [a] [12] )"),
            ("'a|b' \"c;d\" e\\&f", "[a|b] [c;d] [e&f]"),
            ("$A ${B:-x} \"$C d\" '$E' ${{ matrix.x }}", "[$A]~$A [${B:-x}]~${B:-x} [$C d]~$C [$E] [${{ matrix.x }}]~${{ matrix.x }}"),
            ("-jobs $(nproc --all) `a b`", "[-jobs] [$(nproc --all)]~$(nproc --all) [`a b`]~`a b`"),
            ("a 'b c", "[a] open(b c)"),
            ("a\nb", "[a] NL [b]"),
            ("a $(b", "[a] [$(b]~$(b"),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_quoted_word_reads_back_as_itself() {
        for (word, expected) in [
            ("App.xcworkspace", "App.xcworkspace"),
            ("platform=iOS Simulator,name=iPhone 16", "'platform=iOS Simulator,name=iPhone 16'"),
            ("it's", "\"it's\""),
            ("it's $5", r"'it'\''s $5'"),
            ("", "''"),
            ("Приложение", "Приложение"),
        ] {
            assert_eq!(quoted(word), expected);
            assert_eq!(tokens(expected).len(), 1);
            let Some(Token::Word(read)) = tokens(expected).pop() else { panic!("{word}") };
            assert_eq!(read.value, word);
        }
        assert_eq!(quoted("a\tb\\\u{1b}'"), "$'a\\tb\\\\\\u{1b}\\''");
    }
}
