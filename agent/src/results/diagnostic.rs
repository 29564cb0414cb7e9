//! The messages of compilers and other tools: read from a line, and kept once each.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use rch_schemas::document::{DIAGNOSTICS_MAX, Diagnostic, DiagnosticCounts, DiagnosticKind, FirstError, Severity, SeverityCounts};

use super::log::cut;
use super::place::{self, Tree};

/// Diagnostics beyond those that are listed are still told apart, up to so many.
const TOLD_APART_MAX: usize = 1_000_000;

/// Endings of files that a compiler reads, as opposed to other tools.
const SOURCES: [&str; 11] = [".swift", ".m", ".mm", ".c", ".cc", ".cpp", ".cxx", ".h", ".hpp", ".metal", ".swiftinterface"];
/// Endings of resources.
const RESOURCES: [&str; 8] = [".xcassets", ".storyboard", ".xib", ".strings", ".xcstrings", ".plist", ".xcdatamodel", ".intentdefinition"];

/// What a tool reports, before it is known whether it did so already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reported<'a> {
    pub(super) severity: Severity,
    pub(super) message: &'a str,
    pub(super) path: Option<&'a str>,
    pub(super) line: Option<u32>,
    pub(super) column: Option<u32>,
    pub(super) target: Option<&'a str>,
    pub(super) kind: DiagnosticKind,
    pub(super) log_offset: Option<u64>,
}

/// Messages that stand for other errors, and are often the first without a place.
pub(super) fn is_consequence(message: &str) -> bool {
    message.starts_with("Testing cancelled because the build failed")
        || message.starts_with("The following build commands failed")
        || message.starts_with("linker command failed with exit code")
        || (message.starts_with("Command ") && message.contains(" failed with a nonzero exit code"))
}

/// Reads a line of a build. Notes without a place are progress, not diagnostics.
pub(super) fn read(line: &str) -> Option<Reported<'_>> {
    let without_place = |severity, message, kind| Reported {
        severity,
        message,
        path: None,
        line: None,
        column: None,
        target: None,
        kind,
        log_offset: None,
    };
    if let Some(placed) = place::split(line) {
        let (severity, message) = severity(placed.rest)?;
        let (message, target) = split_target(message);
        let place = Reported {
            path: Some(placed.path),
            line: Some(placed.line),
            column: placed.column,
            ..without_place(severity, message, kind(message, Some(placed.path), None))
        };
        return Some(Reported { target, ..place });
    }
    let bare = line.starts_with("Command ") && is_consequence(line);
    if bare || line.starts_with("Undefined symbols for architecture") {
        return Some(without_place(Severity::Error, line.trim_end_matches(':'), kind(line, None, None)));
    }
    // A project file as a whole: `/s/App.xcodeproj: error: …`.
    if let Some((path, rest)) = line.split_once(": ").filter(|_| line.starts_with('/'))
        && let Some((severity, message)) = severity(rest)
    {
        let (message, target) = split_target(message);
        return Some(Reported { path: Some(path), target, ..without_place(severity, message, kind(message, Some(path), None)) });
    }
    let (tool, rest) = tool(line);
    if tool == Some("ld") && severity(rest).is_none() {
        return Some(without_place(Severity::Error, rest, DiagnosticKind::Link));
    }
    let (severity, message) = severity(rest).filter(|(severity, _)| *severity != Severity::Note)?;
    let (message, target) = split_target(message);
    Some(Reported { target, ..without_place(severity, message, kind(message, None, tool)) })
}

/// `error: ` and the like, and what stands behind it.
fn severity(text: &str) -> Option<(Severity, &str)> {
    let words =
        [("error: ", Severity::Error), ("fatal error: ", Severity::Error), ("warning: ", Severity::Warning), ("note: ", Severity::Note)];
    let (severity, message) = words.iter().find_map(|(word, severity)| Some((*severity, text.strip_prefix(word)?)))?;
    // The analyzer names its checker, as in `[core.NullDereference]`; a compiler's flags start with a dash.
    let checker = message.strip_suffix(']').and_then(|message| message.rsplit_once(" [")).map(|(_, checker)| checker);
    let analyzed = severity == Severity::Warning && checker.is_some_and(|checker| checker.contains('.') && !checker.starts_with('-'));
    Some((if analyzed { Severity::AnalyzerWarning } else { severity }, message))
}

/// `xcodebuild: error: …`: the tool, when one is named, and the rest.
fn tool(line: &str) -> (Option<&str>, &str) {
    let is_tool = |tool: &str| !tool.is_empty() && tool.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte));
    match line.split_once(": ") {
        Some((tool, rest)) if is_tool(tool) && severity(line).is_none() => (Some(tool), rest),
        _ => (None, line),
    }
}

/// The message without ` (in target 'A' from project 'P')`, and the target.
fn split_target(message: &str) -> (&str, Option<&str>) {
    let Some((text, rest)) = message.rsplit_once(" (in target '") else { return (message, None) };
    match rest.split_once('\'') {
        Some((target, after)) if after.ends_with(')') => (text, Some(target)),
        _ => (message, None),
    }
}

/// What reported a message, by the words it uses and the file it is about.
pub(super) fn kind(message: &str, path: Option<&str>, tool: Option<&str>) -> DiagnosticKind {
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    let ends = |endings: &[&str]| path.is_some_and(|path| endings.iter().any(|ending| path.ends_with(ending)));
    if message.starts_with("Command PhaseScriptExecution") {
        DiagnosticKind::ScriptPhase
    } else if tool == Some("ld")
        || says(&["linker command failed", "Undefined symbol", "duplicate symbol", "Library not found for", "Framework not found"])
    {
        DiagnosticKind::Link
    } else if says(&["provisioning profile", "development team", "signing certificate", "Code Sign", "CodeSign"]) {
        DiagnosticKind::Signing
    } else if says(&["package dependencies", "Package.swift", "Package.resolved", "package product"]) {
        DiagnosticKind::Package
    } else if ends(&SOURCES) || says(&["SwiftCompile failed", "CompileC failed", "CompileSwift"]) {
        DiagnosticKind::Compile
    } else if ends(&RESOURCES) || says(&["CompileAssetCatalog", "CompileStoryboard"]) {
        DiagnosticKind::Resource
    } else if tool == Some("xcodebuild")
        || ends(&[".xcodeproj", ".xcconfig", ".pbxproj"])
        || says(&["build phase", "Build input file", "target '", "build setting"])
    {
        DiagnosticKind::Project
    } else if path.is_some() {
        DiagnosticKind::Compile
    } else {
        DiagnosticKind::Other
    }
}

/// Diagnostics, each once, in the order in which they were first reported.
#[derive(Debug, Clone, Default)]
pub(super) struct Diagnostics {
    pub(super) list: Vec<Diagnostic>,
    pub(super) omitted: u32,
    pub(super) counts: DiagnosticCounts,
    places: HashMap<u64, usize>,
    beyond: HashSet<u64>,
}

impl Diagnostics {
    /// Counts a diagnostic. Gives it back when it is new and listed.
    pub(super) fn add(&mut self, reported: &Reported<'_>, tree: &Tree) -> Option<&Diagnostic> {
        count(&mut self.counts.raw, reported.severity);
        let path = reported.path.map(|path| tree.place(path));
        let message = cut(&tree.relative_in(reported.message));
        let identity = {
            let mut hasher = DefaultHasher::new();
            (std::mem::discriminant(&reported.severity), &path, reported.line, reported.column, &message).hash(&mut hasher);
            hasher.finish()
        };
        if let Some(known) = self.places.get(&identity).and_then(|at| self.list.get_mut(*at)) {
            known.occurrences = known.occurrences.saturating_add(1);
            if let Some(target) = reported.target
                && let Err(at) = known.targets.binary_search_by(|known| known.as_str().cmp(target))
            {
                known.targets.insert(at, target.to_owned());
            }
            return None;
        }
        if self.list.len() == DIAGNOSTICS_MAX {
            if self.beyond.len() < TOLD_APART_MAX && self.beyond.insert(identity) {
                self.omitted += 1;
                count(&mut self.counts.unique, reported.severity);
            }
            return None;
        }
        count(&mut self.counts.unique, reported.severity);
        self.places.insert(identity, self.list.len());
        self.list.push(Diagnostic {
            severity: reported.severity,
            message,
            kind: reported.kind,
            external: path.as_ref().is_some_and(|path| path.starts_with('/')),
            path,
            line: reported.line,
            column: reported.column,
            targets: reported.target.map(str::to_owned).into_iter().collect(),
            occurrences: 1,
            log_offset: reported.log_offset,
        });
        self.list.last()
    }

    /// Notes where the diagnostics of a result bundle stand in the log. A bundle begins messages with a capital that the compiler writes small.
    pub(super) fn find_in(&mut self, log: &Self) {
        let identity = |known: &Diagnostic| (known.severity, known.path.clone(), known.line, known.column, known.message.to_lowercase());
        let offsets: BTreeMap<_, u64> = log.list.iter().filter_map(|known| Some((identity(known), known.log_offset?))).collect();
        for known in &mut self.list {
            known.log_offset = offsets.get(&identity(known)).copied();
        }
    }

    /// Errors with a place, in order.
    pub(super) fn placed_errors(&self) -> impl Iterator<Item = FirstError> {
        self.errors().filter_map(|error| {
            let (path, line) = (error.path.clone()?, error.line?);
            Some(FirstError { path, line, column: error.column, message: error.message.clone() })
        })
    }

    /// Errors without a place that are no consequence of others, in order, with the target that only the list of targets names otherwise.
    pub(super) fn unplaced_errors(&self) -> impl Iterator<Item = String> {
        let own = self.errors().filter(|error| error.line.is_none() && !is_consequence(&error.message));
        own.map(|error| match &error.targets[..] {
            [target] => format!("{} (in target '{target}')", error.message),
            _ => error.message.clone(),
        })
    }

    fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter().filter(|known| known.severity == Severity::Error)
    }
}

fn count(counts: &mut SeverityCounts, severity: Severity) {
    match severity {
        Severity::Error => counts.errors += 1,
        Severity::Warning => counts.warnings += 1,
        Severity::AnalyzerWarning => counts.analyzer_warnings += 1,
        Severity::Note => {}
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn told(line: &str) -> Option<(Severity, DiagnosticKind, &str)> {
        read(line).map(|reported| (reported.severity, reported.kind, reported.message))
    }

    #[test]
    fn each_form_of_a_diagnostic_is_read_with_its_kind() {
        use DiagnosticKind::{Compile, Link, Other, Project, Resource, ScriptPhase, Signing};
        use Severity::{AnalyzerWarning, Error, Note, Warning};
        for (line, expected) in [
            ("/s/A.swift:3:5: error: no such thing", Some((Error, Compile, "no such thing"))),
            ("/s/A.h:3:5: fatal error: 'x.h' file not found", Some((Error, Compile, "'x.h' file not found"))),
            ("/s/A.swift:3:5: note: declared here", Some((Note, Compile, "declared here"))),
            (
                "/s/A.m:3:5: warning: Value stored is never read [deadcode.DeadStores]",
                Some((AnalyzerWarning, Compile, "Value stored is never read [deadcode.DeadStores]")),
            ),
            ("/s/A.m:3:5: warning: unused [-Wunused]", Some((Warning, Compile, "unused [-Wunused]"))),
            ("/s/M.storyboard:3: warning: odd", Some((Warning, Resource, "odd"))),
            ("ld: library not found for -lmath", Some((Error, Link, "library not found for -lmath"))),
            ("ld: warning: old", Some((Warning, Link, "old"))),
            ("clang: error: linker command failed with exit code 1", Some((Error, Link, "linker command failed with exit code 1"))),
            ("Undefined symbols for architecture arm64:", Some((Error, Link, "Undefined symbols for architecture arm64"))),
            (
                "Command PhaseScriptExecution failed with a nonzero exit code",
                Some((Error, ScriptPhase, "Command PhaseScriptExecution failed with a nonzero exit code")),
            ),
            ("xcodebuild: error: no scheme", Some((Error, Project, "no scheme"))),
            (
                "error: Signing for \"A\" requires a development team. (in target 'A' from project 'A')",
                Some((Error, Signing, "Signing for \"A\" requires a development team.")),
            ),
            ("/s/App.xcodeproj: error: odd (in target 'A' from project 'A')", Some((Error, Project, "odd"))),
            ("warning: odd", Some((Warning, Other, "odd"))),
            ("note: Building targets in dependency order", None),
            ("the tool said: error: x", None),
            ("SwiftCompile normal arm64 /s/A.swift (in target 'A' from project 'A')", None),
        ] {
            assert_eq!(told(line), expected, "{line}");
        }
    }

    #[test]
    fn what_is_repeated_is_listed_once_with_all_its_targets_and_counted_each_time() {
        let tree = Tree::at(Path::new("/s/tree"));
        let mut diagnostics = Diagnostics::default();
        for target in ["Feed", "App", "Feed"] {
            let line = format!("/s/tree/A.swift:3:5: warning: unused (in target '{target}' from project 'P')");
            diagnostics.add(&read(&line).expect("a warning"), &tree);
        }
        let [known] = &diagnostics.list[..] else { panic!("{diagnostics:?}") };
        assert_eq!((known.path.as_deref(), known.occurrences, known.external), (Some("A.swift"), 3, false));
        assert_eq!(known.targets, ["App", "Feed"]);
        assert_eq!((diagnostics.counts.raw.warnings, diagnostics.counts.unique.warnings), (3, 1));
    }

    #[test]
    fn a_list_that_is_full_still_counts() {
        let tree = Tree::at(Path::new("/s/tree"));
        let mut diagnostics = Diagnostics::default();
        for _ in 0..2 {
            for line in 1..=DIAGNOSTICS_MAX + 5 {
                diagnostics.add(&read(&format!("/s/A.swift:{line}: error: no")).expect("an error"), &tree);
            }
        }
        assert_eq!((diagnostics.list.len(), diagnostics.omitted), (DIAGNOSTICS_MAX, 5));
        assert_eq!((diagnostics.counts.raw.errors, diagnostics.counts.unique.errors), (20_010, 10_005));
    }
}
