//! What a test does when it is "run": read off the first unconditional statement of its body that settles it.

use super::lexer::{Kind, Token};

/// How a test ends.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub(crate) enum Script {
    Pass,
    /// A failure with its text and line (from 1).
    Fail {
        message: String,
        line: usize,
    },
    Skip {
        message: String,
        line: usize,
    },
    /// The process dies: `fatalError`.
    Crash {
        message: String,
        line: usize,
    },
}

impl Script {
    /// Reads a body, given without its own braces. Only statements at its top count: an `XCTFail` in a `guard`, a
    /// `catch` or a closure is not reached by a test that works.
    pub(super) fn of(body: &[Token<'_>]) -> Self {
        let mut depth = 0_usize;
        for (index, token) in body.iter().enumerate() {
            match token.kind {
                Kind::Symbol('{') => depth += 1,
                Kind::Symbol('}') => depth = depth.saturating_sub(1),
                Kind::Word | Kind::Directive if depth == 0 => {
                    if let Some(script) = Self::of_call(token, &body[index + 1..]) {
                        return script;
                    }
                }
                Kind::Word | Kind::Directive | Kind::Text | Kind::Attribute | Kind::Regex | Kind::Symbol(_) => {}
            }
        }
        Self::Pass
    }

    fn of_call(name: &Token<'_>, next: &[Token<'_>]) -> Option<Self> {
        // `Issue.record("…")` of Swift Testing.
        if name.is_word("Issue") && matches!(next, [dot, record, ..] if dot.is('.') && record.is_word("record")) {
            let message = message(&next[2..]).unwrap_or_default();
            return Some(Self::Fail { message: format!("Issue recorded: {message}"), line: name.line });
        }
        if !next.first()?.is('(') {
            return None;
        }
        let line = name.line;
        let failed = |message: String| Some(Self::Fail { message, line });
        match name.text {
            "XCTFail" => failed(message(next).map_or_else(|| "failed".to_owned(), |text| format!("failed - {text}"))),
            "XCTSkip" => Some(Self::Skip { message: message(next).unwrap_or_default(), line }),
            "fatalError" => Some(Self::Crash { message: message(next).unwrap_or_default(), line }),
            "XCTAssertTrue" if is_only(next, "false") => failed("XCTAssertTrue failed".to_owned()),
            "XCTAssertFalse" if is_only(next, "true") => failed("XCTAssertFalse failed".to_owned()),
            "XCTAssertEqual" => unequal_literals(next)
                .and_then(|(left, right)| failed(format!("XCTAssertEqual failed: (\"{left}\") is not equal to (\"{right}\")"))),
            "#expect" if is_only(next, "false") => failed("Expectation failed: false".to_owned()),
            _ => None,
        }
    }
}

/// The string that is a call's first argument.
fn message(call: &[Token<'_>]) -> Option<String> {
    call.get(1)?.string()
}

/// Whether a call's first argument is this one word.
fn is_only(call: &[Token<'_>], word: &str) -> bool {
    matches!(call, [_, argument, end, ..] if argument.is_word(word) && (end.is(')') || end.is(',')))
}

/// A call's first two arguments, when both are literals and differ.
fn unequal_literals(call: &[Token<'_>]) -> Option<(String, String)> {
    let [_, left, comma, right, end, ..] = call else {
        return None;
    };
    if !comma.is(',') || !(end.is(')') || end.is(',')) {
        return None;
    }
    let (left, right) = (literal(left)?, literal(right)?);
    (left != right).then_some((left, right))
}

fn literal(token: &Token<'_>) -> Option<String> {
    let is_number = token.kind == Kind::Word && token.text.bytes().all(|byte| byte.is_ascii_digit());
    let text = token.string().filter(|text| !text.contains("\\("));
    text.or_else(|| is_number.then(|| token.text.to_owned()))
}
