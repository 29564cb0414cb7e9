//! One warning or error of a compiler, a linker, xcodebuild or a test.

use rch_bundle::name::PATH_BYTES_MAX;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// It stops the build, or fails a test.
    Error,
    /// It does not.
    Warning,
    /// It explains the one before.
    Note,
}

/// What a line of the log says is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Diagnostic<'a> {
    /// How bad it is.
    pub(crate) severity: Severity,
    /// The file, or the tool that has no file to name; empty when the build system itself speaks (`error: …`).
    pub(crate) path: &'a str,
    /// Line, from 1.
    pub(crate) line: Option<u32>,
    /// Column, from 1.
    pub(crate) column: Option<u32>,
    /// What is wrong.
    pub(crate) message: &'a str,
}

const WORDS: [(&str, Severity); 4] = [
    (": error: ", Severity::Error),
    (": fatal error: ", Severity::Error),
    (": warning: ", Severity::Warning),
    (": note: ", Severity::Note),
];

/// The same at the beginning of a line, with nobody named before. `ld` names itself and leaves the word out.
const BARE: [(&str, &str, Severity); 4] = [
    ("error: ", "", Severity::Error),
    ("fatal error: ", "", Severity::Error),
    ("warning: ", "", Severity::Warning),
    ("ld: ", "ld", Severity::Error),
];

impl<'a> Diagnostic<'a> {
    /// Reads a line; `None` when it is none.
    pub(crate) fn read(line: &'a str) -> Option<Self> {
        Self::bare(line).or_else(|| Self::placed(line))
    }

    fn bare(line: &'a str) -> Option<Self> {
        let (word, path, severity) = BARE.into_iter().find(|(word, ..)| line.starts_with(word))?;
        let message = &line[word.len()..];
        let has_word = !path.is_empty() && WORDS.iter().any(|(word, _)| message.starts_with(&word[2..]));
        (!has_word).then_some(Self { severity, path, line: None, column: None, message })
    }

    fn placed(line: &'a str) -> Option<Self> {
        let (at, word, severity) =
            WORDS.iter().filter_map(|(word, severity)| Some((line.find(word)?, *word, *severity))).min_by_key(|(at, ..)| *at)?;
        let (place, message) = (&line[..at], &line[at + word.len()..]);
        let (rest, last) = number(place);
        let (path, line, column) = match (last, number(rest)) {
            (Some(column), (path, Some(line))) => (path, Some(line), Some(column)),
            (Some(line), (path, None)) => (path, Some(line), None),
            (None, _) => (place, None, None),
        };
        is_place(path, line).then_some(Self { severity, path, line, column, message })
    }

    /// Whether it is about a file. A tool without one (`xcodebuild: error: …`) speaks about the whole invocation.
    pub(crate) fn is_in_file(&self) -> bool {
        self.path != "<unknown>" && (self.line.is_some() || self.path.contains(['/', '.']))
    }

    /// `-[Target.Class method] : message` as `Target/Class/method: message`.
    pub(crate) fn test_failure(&self) -> Option<String> {
        let (name, message) = self.message.strip_prefix("-[")?.split_once("] : ")?;
        let (class, method) = name.split_once(' ')?;
        Some(format!("{}/{method}: {message}", class.replacen('.', "/", 1)))
    }
}

/// A path with a line; or a file, or a tool's name, without one. A sentence that happens to hold `: error: ` is neither.
fn is_place(path: &str, line: Option<u32>) -> bool {
    // What no Mac can open is no path, however much it looks like one; and to look for it in the tree takes the square of its length.
    if path.len() > PATH_BYTES_MAX {
        return false;
    }
    let is_path = path.starts_with('/') || path == "<unknown>";
    let is_word = !path.is_empty() && !path.contains(char::is_whitespace);
    if line.is_some() { is_path || is_word } else { is_path || is_word && path.len() <= 64 }
}

/// A number at the end, after a colon.
fn number(text: &str) -> (&str, Option<u32>) {
    match text.rsplit_once(':') {
        Some((rest, digits)) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => (rest, digits.parse().ok()),
        Some(_) | None => (text, None),
    }
}

/// Whether a line is an error about the whole build, not about a file of it.
pub(crate) fn is_error_of_all(line: &str) -> bool {
    Diagnostic::read(line).is_some_and(|read| read.severity == Severity::Error && !read.is_in_file())
}

/// Whether a line only points: the caret line below a source line.
pub(super) fn is_caret(line: &str) -> bool {
    line.contains('^') && line.chars().all(|c| matches!(c, ' ' | '\t' | '^' | '~' | '|' | '`' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diagnostics_of_every_tool_are_read_with_their_place() {
        for (line, severity, path, place, message) in [
            (
                "/w/a b/Feed.swift:88:13: error: cannot find 'cel' in scope",
                Severity::Error,
                "/w/a b/Feed.swift",
                (Some(88), Some(13)),
                "cannot find 'cel' in scope",
            ),
            ("/w/x.m:7: warning: old: error: style", Severity::Warning, "/w/x.m", (Some(7), None), "old: error: style"),
            ("xcodebuild: error: Scheme App is not there", Severity::Error, "xcodebuild", (None, None), "Scheme App is not there"),
            ("<unknown>:0: error: unable to load", Severity::Error, "<unknown>", (Some(0), None), "unable to load"),
            ("/w/Pods.xcodeproj: error: Signing for x", Severity::Error, "/w/Pods.xcodeproj", (None, None), "Signing for x"),
            ("main.c:1:2: fatal error: 'a.h' file not found", Severity::Error, "main.c", (Some(1), Some(2)), "'a.h' file not found"),
            (
                "error: Build input file cannot be found: '/w/A.swift': error: x (in target 'A' from project 'A')",
                Severity::Error,
                "",
                (None, None),
                "Build input file cannot be found: '/w/A.swift': error: x (in target 'A' from project 'A')",
            ),
            ("warning: no rule to process", Severity::Warning, "", (None, None), "no rule to process"),
            ("clang: error: linker command failed", Severity::Error, "clang", (None, None), "linker command failed"),
            ("ld: library 'x' not found", Severity::Error, "ld", (None, None), "library 'x' not found"),
            ("ld: warning: directory not found", Severity::Warning, "ld", (None, None), "directory not found"),
        ] {
            let read = Diagnostic::read(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((read.severity, read.path, (read.line, read.column), read.message), (severity, path, place, message), "{line}");
        }
    }

    #[test]
    fn a_path_that_no_mac_can_open_is_no_place() {
        let line = |length: usize| format!("/{}.swift:1:2: error: no", "a/".repeat(length / 2));
        assert!(Diagnostic::read(&line(1_000)).is_some());
        assert_eq!(Diagnostic::read(&line(1_000_000)), None);
    }

    #[test]
    fn a_sentence_and_a_frame_are_no_diagnostics() {
        for line in [
            "the tool said: error: nothing",
            "23  KIF  -[KIFTestActor tryRunningBlock:complete:timeout:error:] + 418",
            "    func updater(_ updater: SPUUpdater, error: Error) {",
            "2018-11-04 10:28:22.440644-0800 TestingTest[28750:2314289] Fatal error: Unexpectedly found nil",
        ] {
            assert_eq!(Diagnostic::read(line), None, "{line}");
        }
    }

    #[test]
    fn a_test_failure_names_target_class_and_method() {
        let read =
            Diagnostic::read("/w/T.swift:21: error: -[AppTests.FeedTests testOrder] : XCTAssertEqual failed").map(|it| it.test_failure());
        assert_eq!(read.flatten().as_deref(), Some("AppTests/FeedTests/testOrder: XCTAssertEqual failed"));
    }
}
