//! A log read line by line into what is shown of it.

use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use super::super::amount::count;
use super::diagnostic::{Diagnostic, Severity, is_caret};
use super::paths::TreePaths;
use super::progress::Progress;

/// Errors shown in full; the rest is counted. A summary document holds as many.
const ERRORS_SHOWN: usize = 20;
/// Warnings shown when a job has succeeded, as in the transcripts; the rest is counted.
const WARNINGS_SHOWN: usize = 1;

/// Different diagnostics that are told apart; a log with more is beyond reading.
const DIAGNOSTICS_MAX: usize = 100_000;

/// What became of a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// An error with its source and caret lines, to be shown now.
    Error(Vec<String>),
    /// A count changed.
    Progress,
}

/// What may still come after the first line of a diagnostic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    /// The line of the source, then a caret: only a place with a column has them.
    Source,
    /// What a sentence that ends in a colon leaves to its next line, as xcodebuild does with the destination it did not find.
    Rest,
    /// Nothing.
    Nothing,
}

/// A diagnostic whose next lines may still come.
#[derive(Debug)]
struct Open {
    severity: Severity,
    awaited: Awaited,
    lines: Vec<String>,
}

/// The state of reading one log.
#[derive(Debug, Default)]
pub(crate) struct LogDigest {
    paths: TreePaths,
    progress: Progress,
    open: Option<Open>,
    seen: HashSet<u64>,
    seed: RandomState,
    places: HashSet<(String, Option<u32>)>,
    files: BTreeSet<String>,
    errors: usize,
    errors_in_files: usize,
    /// What the first tool without a file said.
    sentence: Option<String>,
    warnings: Vec<Vec<String>>,
    warnings_more: usize,
}

impl LogDigest {
    /// Of a log about this tree.
    pub(crate) fn new(paths: TreePaths) -> Self {
        Self { paths, ..Self::default() }
    }

    /// Takes the next line.
    pub(crate) fn take(&mut self, line: &str) -> Vec<Found> {
        let mut found = Vec::new();
        let Some(diagnostic) = Diagnostic::read(line) else {
            if self.progress.take(line) {
                found.push(Found::Progress);
            }
            found.extend(self.continue_open(line));
            return found;
        };
        found.extend(self.close());
        let path = self.paths.relative(diagnostic.path).to_owned();
        let key = self.seed.hash_one((&path, diagnostic.line, diagnostic.column, diagnostic.message));
        if diagnostic.severity == Severity::Note || self.seen.len() >= DIAGNOSTICS_MAX || !self.seen.insert(key) {
            return found;
        }
        let message = self.paths.relative_in(diagnostic.message);
        if diagnostic.severity == Severity::Error {
            self.errors += 1;
            self.places.insert((path.clone(), diagnostic.line));
            if diagnostic.is_in_file() {
                self.errors_in_files += 1;
                self.files.insert(path.clone());
            } else {
                self.sentence.get_or_insert_with(|| message.clone().into_owned());
            }
        }
        let awaited = match diagnostic.column {
            Some(_) => Awaited::Source,
            None if !diagnostic.is_in_file() && diagnostic.message.ends_with(':') => Awaited::Rest,
            None => Awaited::Nothing,
        };
        self.open = Some(Open { severity: diagnostic.severity, awaited, lines: vec![said(&path, &message, &diagnostic)] });
        if awaited == Awaited::Nothing {
            found.extend(self.close());
        }
        found
    }

    /// The log has ended, or nothing more may come for a while.
    pub(crate) fn close(&mut self) -> Option<Found> {
        let open = self.open.take()?;
        match open.severity {
            Severity::Error if self.errors <= ERRORS_SHOWN => Some(Found::Error(open.lines)),
            Severity::Warning if self.warnings.len() < WARNINGS_SHOWN => {
                self.warnings.push(open.lines);
                None
            }
            Severity::Warning => {
                self.warnings_more += 1;
                None
            }
            Severity::Error | Severity::Note => None,
        }
    }

    /// The source line, then the caret line; or the rest of a sentence. Whatever else comes ends it.
    fn continue_open(&mut self, line: &str) -> Option<Found> {
        let open = self.open.as_mut()?;
        match (open.awaited, open.lines.len()) {
            (Awaited::Source, 1) if !line.trim().is_empty() => {
                open.lines.push(line.to_owned());
                None
            }
            (Awaited::Rest, 1) if line.starts_with([' ', '\t']) && !line.trim().is_empty() => {
                open.lines.push(line.to_owned());
                if let Some(sentence) = self.sentence.as_mut().filter(|sentence| open.lines[0].ends_with(sentence.as_str())) {
                    *sentence = format!("{sentence} {}", line.trim());
                }
                self.close()
            }
            (Awaited::Source, 2) => {
                if is_caret(line) {
                    open.lines.push(line.to_owned());
                } else {
                    // What looked like the source was something else.
                    open.lines.truncate(1);
                }
                self.close()
            }
            (Awaited::Source | Awaited::Rest | Awaited::Nothing, _) => self.close(),
        }
    }

    /// `SampleApp, 312 files compiled`, or tests by target.
    pub(crate) fn describe(&self, project: &str) -> String {
        self.progress.describe(project)
    }

    /// What a tool said of the whole invocation when no error is about a file; else how many there were; nothing when there was none.
    pub(crate) fn errors(&self) -> Option<String> {
        match (&self.sentence, self.errors_in_files) {
            (Some(sentence), 0) if self.errors == 1 => Some(sentence.clone()),
            (Some(sentence), 0) => Some(format!("{sentence} ({} in all)", count(self.errors as u64, "error"))),
            _ => self.errors_counted(),
        }
    }

    /// `2 errors in 1 file`, for where the errors themselves are shown; nothing when there was none.
    pub(crate) fn errors_counted(&self) -> Option<String> {
        let (errors, files) = (count(self.errors as u64, "error"), count(self.files.len() as u64, "file"));
        match (&self.sentence, self.errors_in_files) {
            (_, 0) => (self.errors > 0).then_some(errors),
            (None, _) => Some(format!("{errors} in {files}")),
            (Some(_), in_files) => Some(format!("{errors}, {in_files} of them in {files}")),
        }
    }

    /// Errors that were counted and not shown.
    pub(crate) fn errors_more(&self) -> usize {
        self.errors.saturating_sub(ERRORS_SHOWN)
    }

    /// The warnings to show, first lines only, and how many more there were.
    pub(crate) fn warnings(&self) -> (Vec<&str>, usize) {
        (self.warnings.iter().filter_map(|lines| lines.first().map(String::as_str)).collect(), self.warnings_more)
    }

    /// Whether an error at this place was shown. A result bundle may know less of a path than the log: its last parts are enough.
    pub(crate) fn has_shown(&self, path: &str, line: Option<u32>) -> bool {
        let is_same = |shown: &str| shown == path || shown.strip_suffix(path).is_some_and(|above| above.ends_with('/'));
        self.places.iter().any(|(shown, at)| *at == line && is_same(shown))
    }
}

fn said(path: &str, message: &str, diagnostic: &Diagnostic<'_>) -> String {
    let word = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let message = diagnostic.test_failure().unwrap_or_else(|| message.to_owned());
    if path.is_empty() {
        return format!("{word}: {message}");
    }
    format!("{}: {word}: {message}", place(path, diagnostic.line, diagnostic.column))
}

fn place(path: &str, line: Option<u32>, column: Option<u32>) -> String {
    [line, column].into_iter().flatten().fold(path.to_owned(), |text, number| format!("{text}:{number}"))
}

/// An error of a summary document in the same form: with its source line and a caret, when the tree here has that line.
pub(crate) fn plain_block(path: &str, place_of: (Option<u32>, Option<u32>), message: &str, source: Option<&str>) -> Vec<String> {
    let (line, column) = place_of;
    let mut block = vec![format!("{}: error: {message}", place(path, line, column))];
    if let Some(source) = source.filter(|source| !source.trim().is_empty()) {
        block.push(source.to_owned());
        let before = column.and_then(|column| usize::try_from(column).ok()).unwrap_or(1).saturating_sub(1);
        let indent: String = source.chars().take(before).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        if column.is_some() {
            block.push(format!("{indent}^"));
        }
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
SwiftCompile normal arm64 /w/src/Sources/Feed/FeedView.swift (in target 'App' from project 'App')
/w/src/Sources/Feed/FeedView.swift:88:13: error: cannot find 'cel' in scope
            cel.title = post.title
            ^~~
/w/src/Sources/Feed/FeedView.swift:90:9: warning: variable 'x' was never used
        let x = 1
            ^
/w/src/Sources/Feed/FeedView.swift:90:9: note: remove it
        let x = 1
            ^
/w/src/Sources/Feed/FeedView.swift:91:20: error: value of type 'Post' has no member 'titel'
            header = post.titel
                     ~~~~ ^~~~~
/w/src/Sources/Feed/FeedView.swift:88:13: error: cannot find 'cel' in scope
            cel.title = post.title
            ^~~
/w/src/Sources/Feed/FeedView.swift:99:1: warning: another
** BUILD FAILED **";

    fn digest() -> (LogDigest, Vec<String>) {
        let mut digest = LogDigest::new(TreePaths::new(["Sources/Feed/FeedView.swift"].into_iter()));
        let mut blocks = Vec::new();
        for line in LOG.lines() {
            blocks.extend(digest.take(line));
        }
        blocks.extend(digest.close());
        let shown = |found: &Found| match found {
            Found::Error(lines) => Some(lines.join("\n")),
            Found::Progress => None,
        };
        let blocks = blocks.iter().filter_map(shown).collect();
        (digest, blocks)
    }

    #[test]
    fn errors_come_once_with_their_source_and_relative_to_the_tree() {
        let (digest, blocks) = digest();
        let expected = [
            "Sources/Feed/FeedView.swift:88:13: error: cannot find 'cel' in scope\n            cel.title = post.title\n            ^~~",
            "Sources/Feed/FeedView.swift:91:20: error: value of type 'Post' has no member 'titel'\n            header = post.titel\n                     ~~~~ ^~~~~",
        ];
        assert_eq!(blocks, expected);
        assert_eq!(digest.errors().as_deref(), Some("2 errors in 1 file"));
        assert_eq!(digest.describe("SampleApp"), "SampleApp, 1 file compiled");
    }

    #[test]
    fn what_xcodebuild_says_of_the_whole_invocation_is_the_sentence() {
        let scheme = "xcodebuild: error: The workspace named \"App\" does not contain a scheme named \"Nope\".";
        let destination =
            "xcodebuild: error: Unable to find a device matching the provided destination specifier:\n\t\t{ name:iPhone 16 }\n\n\tx";
        let file = "/w/a.swift:1:2: error: no";
        for (log, expected) in [
            (scheme.to_owned(), Some("The workspace named \"App\" does not contain a scheme named \"Nope\".")),
            (destination.to_owned(), Some("Unable to find a device matching the provided destination specifier: { name:iPhone 16 }")),
            (
                format!("{scheme}\nld: error: b"),
                Some("The workspace named \"App\" does not contain a scheme named \"Nope\". (2 errors in all)"),
            ),
            (format!("{file}\n<unknown>:0: error: unable to load"), Some("2 errors, 1 of them in 1 file")),
            (format!("{file}\n{file}x"), Some("2 errors in 1 file")),
            ("/w/Pods.xcodeproj: error: Signing for x".to_owned(), Some("1 error in 1 file")),
            ("/w/a.swift:1:2: warning: no".to_owned(), None),
            ("error: no input".to_owned(), Some("no input")),
        ] {
            let mut digest = LogDigest::default();
            for line in log.lines() {
                digest.take(line);
            }
            assert_eq!(digest.errors().as_deref(), expected, "{log}");
        }
    }

    #[test]
    fn the_rest_of_a_sentence_is_shown_with_it_and_nothing_after_it() {
        let mut digest = LogDigest::default();
        let found: Vec<Found> =
            "xcodebuild: error: No device for:\n\t\t{ name:iPhone 16 }\n\n\tAvailable".lines().flat_map(|line| digest.take(line)).collect();
        assert_eq!(found, [Found::Error(vec!["xcodebuild: error: No device for:".to_owned(), "\t\t{ name:iPhone 16 }".to_owned()])]);
        assert_eq!(digest.close(), None);
    }

    #[test]
    fn an_error_of_the_build_system_itself_is_shown_with_its_paths_relative_to_the_tree() {
        let mut digest = LogDigest::default();
        let line =
            "error: Build input file cannot be found: '/w/sources/01M81WFV0EERWGTSBNNXJV7HDM/01M81WFV140JYBBFRSG4W87MC9/tree/A/B.swift'.";
        let shown = "error: Build input file cannot be found: 'A/B.swift'.".to_owned();
        assert_eq!(digest.take(line), [Found::Error(vec![shown])]);
        assert_eq!(digest.take("warning: odd"), []);
        assert_eq!(digest.errors().as_deref(), Some("Build input file cannot be found: 'A/B.swift'."));
        assert_eq!((digest.errors_counted().as_deref(), digest.warnings()), (Some("1 error"), (vec!["warning: odd"], 0)));
    }

    #[test]
    fn one_warning_is_shown_and_the_others_are_counted() {
        let (digest, _) = digest();
        assert_eq!(digest.warnings(), (vec!["Sources/Feed/FeedView.swift:90:9: warning: variable 'x' was never used"], 1));
    }

    #[test]
    fn a_summary_s_error_gets_its_caret_from_the_tree() {
        let block = plain_block("a.swift", (Some(3), Some(5)), "no", Some("\tab cd"));
        assert_eq!(block, ["a.swift:3:5: error: no", "\tab cd", "\t   ^"]);
        assert_eq!(plain_block("a.swift", (Some(3), None), "no", None), ["a.swift:3: error: no"]);
    }

    #[test]
    fn recorded_logs_are_read_to_their_end() {
        let sibling = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures");
        let directory = std::env::var_os("RCH_FIXTURES").map_or(sibling, std::path::PathBuf::from).join("build-logs");
        let Ok(entries) = std::fs::read_dir(&directory) else {
            println!("skipped: no recorded data (RCH_FIXTURES)");
            return;
        };
        let mut read = 0;
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let text = String::from_utf8_lossy(&std::fs::read(&path).expect("a recorded log")).into_owned();
            let mut digest = LogDigest::default();
            let found: usize = text.lines().map(|line| digest.take(line).len()).sum();
            assert!(found < 100_000, "{}", path.display());
            read += 1;
        }
        assert!(read > 10);
    }
}
