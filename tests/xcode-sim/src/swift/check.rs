//! Whether a Swift file "compiles": `#error` and `#warning` speak, braces must balance.

use super::lexer::{Kind, Lexed, Token, lex};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    Error,
    Warning,
    Note,
}

impl Severity {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// What the compiler would print about a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Diagnostic {
    pub(crate) severity: Severity,
    /// From 1.
    pub(crate) line: usize,
    /// In bytes, from 1.
    pub(crate) column: usize,
    pub(crate) message: String,
}

/// What is wrong with a file, in the order of its lines.
pub(crate) fn check(source: &str) -> Vec<Diagnostic> {
    let lexed = lex(source);
    let mut checker = Checker::default();
    for (index, token) in lexed.tokens.iter().enumerate() {
        checker.take(token, &lexed.tokens[index + 1..]);
    }
    checker.end(&lexed);
    checker.diagnostics
}

/// An opening brace that waits for its partner.
#[derive(Clone, Debug)]
struct Opening {
    line: usize,
    column: usize,
    /// "struct", "class"… when it opens a type.
    declares: Option<String>,
}

/// The braces that were open at an `#if`, and at the end of its first branch.
struct Conditional {
    before: Vec<Opening>,
    after_first: Option<Vec<Opening>>,
}

#[derive(Default)]
struct Checker {
    open: Vec<Opening>,
    conditionals: Vec<Conditional>,
    /// The last keyword that declares a type, until its brace.
    declares: Option<String>,
    last_line: usize,
    last_column: usize,
    braces_wrong: bool,
    diagnostics: Vec<Diagnostic>,
}

impl Checker {
    fn take(&mut self, token: &Token<'_>, next: &[Token<'_>]) {
        self.last_line = token.line;
        self.last_column = token.column + token.text.len();
        match token.kind {
            Kind::Symbol('{') => self.open.push(Opening { line: token.line, column: token.column, declares: self.declares.take() }),
            Kind::Symbol('}') => {
                if self.open.pop().is_none() {
                    self.report(Severity::Error, token, "extraneous '}' at top level".to_owned());
                    self.braces_wrong = true;
                }
            }
            Kind::Word => self.take_word(token, next),
            Kind::Directive => self.take_directive(token, next),
            Kind::Symbol(';') => self.declares = None,
            Kind::Text | Kind::Attribute | Kind::Regex | Kind::Symbol(_) => {}
        }
    }

    fn take_word(&mut self, token: &Token<'_>, next: &[Token<'_>]) {
        if matches!(token.text, "struct" | "class" | "enum" | "extension" | "protocol" | "actor")
            && next.first().is_some_and(|name| name.kind == Kind::Word)
        {
            self.declares = Some(token.text.to_owned());
        } else if matches!(token.text, "func" | "var" | "let" | "init" | "subscript") {
            self.declares = None;
        }
    }

    fn take_directive(&mut self, token: &Token<'_>, next: &[Token<'_>]) {
        match token.text {
            "#if" => self.conditionals.push(Conditional { before: self.open.clone(), after_first: None }),
            // Each branch starts from the braces before the `#if`; what follows continues from the first branch.
            "#else" | "#elseif" => {
                if let Some(conditional) = self.conditionals.last_mut() {
                    let at_end = std::mem::replace(&mut self.open, conditional.before.clone());
                    conditional.after_first.get_or_insert(at_end);
                }
            }
            "#endif" => {
                if let Some(after_first) = self.conditionals.pop().and_then(|one| one.after_first) {
                    self.open = after_first;
                }
            }
            // Which branch of an `#if` is compiled is not known here, so a word within one is not believed.
            "#error" | "#warning" if self.conditionals.is_empty() => {
                let [bracket, text, ..] = next else { return };
                if let (true, Some(message)) = (bracket.is('('), text.string()) {
                    let severity = if token.text == "#error" { Severity::Error } else { Severity::Warning };
                    self.report(severity, text, message);
                }
            }
            _ => {}
        }
    }

    fn report(&mut self, severity: Severity, at: &Token<'_>, message: String) {
        self.diagnostics.push(Diagnostic { severity, line: at.line, column: at.column, message });
    }

    /// Braces that were never closed are reported at the end of the file, with a note at the innermost of them.
    fn end(&mut self, lexed: &Lexed<'_>) {
        if lexed.in_doubt {
            let is_about_braces = |one: &Diagnostic| one.message == "extraneous '}' at top level";
            self.diagnostics.retain(|one| !is_about_braces(one));
            return;
        }
        let Some(opening) = self.open.pop().filter(|_| !self.braces_wrong) else {
            return;
        };
        let message = opening
            .declares
            .as_ref()
            .map_or_else(|| "expected '}' at end of brace statement".to_owned(), |keyword| format!("expected '}}' in {keyword}"));
        self.diagnostics.push(Diagnostic { severity: Severity::Error, line: self.last_line, column: self.last_column, message });
        self.diagnostics.push(Diagnostic {
            severity: Severity::Note,
            line: opening.line,
            column: opening.column,
            message: "to match this opening '{'".to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source, and the first error as "line:column message".
    fn first_error(source: &str) -> Option<String> {
        check(source)
            .into_iter()
            .find(|one| one.severity == Severity::Error)
            .map(|one| format!("{}:{} {}", one.line, one.column, one.message))
    }

    #[test]
    fn files_a_compiler_accepts_are_accepted() {
        let good = [
            "",
            "struct A { func f() { if true { } else { } } }",
            "let a = \"{\" // {\n/* { /* { */ */\nlet b = \"\\(f(\"{\", { $0 }))\"",
            "let c = \"\"\"\n  { \"quoted\" { \\\"\\\"\\\" {\n  \"\"\"",
            "let d = #\"raw \" { \\(x) \"#; let e = #\"\\#(g(\"{\"))\"#",
            "let f = ##\"\"\"\n \"\"\" { \"# \n\"\"\"##",
            "let g = \"ends in a backslash \\\\\"; let h = \"}\"",
            "let r = /[{]+\"/; let s = a / b; let t = #/ { /#",
            "#if os(iOS)\nfunc a() {\n#else\nfunc a() {\n#endif\n}",
            "#if !os(iOS)\n#error(\"iOS only\")\n#endif",
            "let q = \"\"\"\n\"ends with a quote\"\"\"\"",
            "let p = xs.reduce(1, /) + ys.map { $0 / 2 }.count / 3",
            "let emoji = \"👨‍👩‍👧‍👦 {\"; func `class`() {}",
            "#!/usr/bin/env swift {\nprint(1)",
            "let k = \\A.b; let c: Character = \"}\"",
            "let unterminated = \"oh {",
        ];
        for source in good {
            assert_eq!(first_error(source), None, "{source}");
        }
    }

    #[test]
    fn broken_files_say_where() {
        let broken = [
            ("#error(\"no\")", "1:8 no"),
            ("func a() {}\n  #error(\"two words\")\n", "2:10 two words"),
            ("struct A {\n  func f() {\n}\n", "3:2 expected '}' in struct"),
            ("func f() {\n  g()\n", "2:6 expected '}' at end of brace statement"),
            ("}\n", "1:1 extraneous '}' at top level"),
            ("func f() {}}", "1:12 extraneous '}' at top level"),
            ("#if A\nfunc a() {\n#else\nfunc b() {\n#endif\n", "5:7 expected '}' at end of brace statement"),
        ];
        for (source, expected) in broken {
            assert_eq!(first_error(source).as_deref(), Some(expected), "{source}");
        }
    }

    #[test]
    fn an_unclosed_brace_is_pointed_at() {
        let notes = check("class A {\n  func f() { }\n");
        assert_eq!(notes[1].severity, Severity::Note);
        assert_eq!((notes[1].line, notes[1].column), (1, 9));
    }

    #[test]
    fn a_warning_is_no_error() {
        let diagnostics = check("#warning(\"later\")");
        assert_eq!(diagnostics[0].severity, Severity::Warning);
        assert_eq!(diagnostics.len(), 1);
    }
}
