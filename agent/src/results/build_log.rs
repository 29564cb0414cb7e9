//! The build as its log tells it: diagnostics, targets, what failed, the packages it used.

use std::collections::{BTreeSet, VecDeque};

use rch_schemas::document::{EventBody, FailedCommand, FailedScript, PackageVersion, PhaseTime, SCRIPT_LINES_MAX, Severity, TargetSummary};

use super::command::{self, Header};
use super::diagnostic::{self, Diagnostics};
use super::duration;
use super::log::cut;
use super::place::Tree;

/// Far more than any project has; a log may claim anything.
const ROWS_MAX: usize = 10_000;
/// Files whose compilation is counted.
const FILES_MAX: usize = 200_000;

/// What a log says of a build.
#[derive(Debug, Default)]
pub(super) struct LoggedBuild {
    pub(super) diagnostics: Diagnostics,
    pub(super) targets: Vec<TargetSummary>,
    pub(super) failed_commands: Vec<FailedCommand>,
    pub(super) failed_scripts: Vec<FailedScript>,
    pub(super) packages: Vec<PackageVersion>,
    /// Of the timing summary, when there is one.
    pub(super) phases: Vec<PhaseTime>,
}

/// Gathers them line by line.
#[derive(Debug)]
pub(super) struct BuildLog<'a> {
    tree: &'a Tree,
    build: LoggedBuild,
    target: Option<usize>,
    script: Option<Script>,
    files: BTreeSet<(usize, String)>,
    section: Section,
}

/// Lists in a log that end with the first line that is no row of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Commands,
    FailedCommands,
    Packages,
    Timing,
    /// What is printed now comes from the project's tests.
    Tests,
}

/// A script phase that runs.
#[derive(Debug)]
struct Script {
    name: String,
    target: Option<String>,
    last_lines: VecDeque<String>,
}

impl<'a> BuildLog<'a> {
    pub(super) fn new(tree: &'a Tree) -> Self {
        let (build, files) = (LoggedBuild::default(), BTreeSet::new());
        Self { tree, build, target: None, script: None, files, section: Section::Commands }
    }

    /// Takes a line, and gives out what happened in it.
    pub(super) fn hear(&mut self, offset: u64, line: &str, mut tell: impl FnMut(EventBody)) {
        if self.section(line) {
            return;
        }
        let new_target = if let Some((target, project)) = command::target_banner(line) {
            self.enter(target, Some(project))
        } else if let Some(header) = command::header(line) {
            self.command(&header)
        } else {
            if self.section != Section::Tests {
                self.diagnostic(offset, line, &mut tell);
            }
            None
        };
        if let Some(target) = new_target {
            tell(EventBody::TargetStarted { target });
        }
    }

    /// What the whole log says.
    pub(super) fn finish(mut self) -> LoggedBuild {
        let severities = self.build.diagnostics.list.iter().flat_map(|known| known.targets.iter().map(|target| (target, known.severity)));
        for (target, severity) in severities {
            let Some(summary) = self.build.targets.iter_mut().find(|known| known.target == *target) else { continue };
            match severity {
                Severity::Error => summary.errors += 1,
                Severity::Warning | Severity::AnalyzerWarning => summary.warnings += 1,
                Severity::Note => {}
            }
        }
        self.build.packages.sort_by(|a, b| a.name.cmp(&b.name));
        self.build
    }

    /// Whether the line belongs to a list, or starts one.
    fn section(&mut self, line: &str) -> bool {
        let starts = match line.trim_end() {
            "The following build commands failed:" => Some(Section::FailedCommands),
            "Resolved source packages:" => Some(Section::Packages),
            "Build Timing Summary" => Some(Section::Timing),
            "Testing started" => Some(Section::Tests),
            other if other.starts_with("Testing started on '") || other.starts_with("Test Suite '") => Some(Section::Tests),
            _ => None,
        };
        if let Some(section) = starts {
            self.section = section;
            return true;
        }
        let is_row = match self.section {
            Section::FailedCommands => line.starts_with(char::is_whitespace) && self.failed_command(line),
            Section::Packages => line.starts_with("  ") && self.package(line),
            Section::Timing => line.trim().is_empty() || self.timing(line),
            Section::Commands | Section::Tests => return false,
        };
        if !is_row {
            self.section = Section::Commands;
        }
        is_row
    }

    fn failed_command(&mut self, line: &str) -> bool {
        let (text, target, project) = command::split_target(line.trim());
        if self.build.failed_commands.len() < ROWS_MAX && !text.is_empty() {
            let command = cut(&self.tree.relative_in(text));
            let (target, project) = (target.map(str::to_owned), project.map(str::to_owned));
            self.build.failed_commands.push(FailedCommand { command, target, project });
        }
        true
    }

    /// `  Sparkle: https://github.com/sparkle-project/Sparkle @ 2.6.4`
    fn package(&mut self, line: &str) -> bool {
        let Some((name, rest)) = line.trim().split_once(": ") else { return false };
        let (location, version) = rest.rsplit_once(" @ ").map_or((None, rest), |(location, version)| (Some(location), version));
        if self.build.packages.len() < ROWS_MAX {
            let location = location.filter(|_| version != "local").map(|location| cut(&self.tree.relative_in(location)));
            self.build.packages.push(PackageVersion { name: cut(name), location, version: cut(version) });
        }
        true
    }

    /// `SwiftCompile (10 tasks) | 12.345 seconds`
    fn timing(&mut self, line: &str) -> bool {
        let Some((what, time)) = line.split_once(" | ") else { return false };
        let phase = what.split(" (").next().unwrap_or(what).trim().to_owned();
        let Some(duration_ms) = duration::milliseconds(time.trim()) else { return false };
        if self.build.phases.len() < ROWS_MAX {
            self.build.phases.push(PhaseTime { phase, duration_ms });
        }
        true
    }

    fn command(&mut self, header: &Header<'_>) -> Option<String> {
        let entered = header.target.and_then(|target| self.enter(target, header.project));
        let target = self.target.map(|at| self.build.targets[at].target.clone());
        self.script = header.script().map(|name| Script { name, target, last_lines: VecDeque::new() });
        if let Some(at) = self.target {
            for file in header.sources() {
                if self.files.len() < FILES_MAX && self.files.insert((at, file)) {
                    self.build.targets[at].compiled_files += 1;
                }
            }
        }
        entered
    }

    /// The target, if this is the first that is seen of it.
    fn enter(&mut self, target: &str, project: Option<&str>) -> Option<String> {
        let known = self.build.targets.iter().position(|known| known.target == target && known.project.as_deref() == project);
        if known.is_some() || self.build.targets.len() == ROWS_MAX {
            self.target = known;
            return None;
        }
        self.target = Some(self.build.targets.len());
        self.build.targets.push(TargetSummary {
            target: target.to_owned(),
            project: project.map(str::to_owned),
            compiled_files: 0,
            errors: 0,
            warnings: 0,
        });
        Some(target.to_owned())
    }

    fn diagnostic(&mut self, offset: u64, line: &str, tell: &mut impl FnMut(EventBody)) {
        let reported = diagnostic::read(line);
        if let Some(script) = &mut self.script {
            if line.starts_with("Command PhaseScriptExecution failed") {
                let Script { name, target, last_lines } = self.script.take().expect("it is there: just looked");
                if self.build.failed_scripts.len() < ROWS_MAX {
                    self.build.failed_scripts.push(FailedScript { name, target, exit_code: None, last_lines: last_lines.into() });
                }
            // What xcodebuild itself prints of a command is indented by four blanks.
            } else if !line.is_empty() && !["    cd ", "    export ", "    /bin/sh "].iter().any(|own| line.starts_with(own)) {
                if script.last_lines.len() == SCRIPT_LINES_MAX {
                    script.last_lines.pop_front();
                }
                script.last_lines.push_back(cut(line));
            }
        }
        let Some(mut reported) = reported else { return };
        reported.log_offset = Some(offset);
        // xcodebuild prints what a command says behind the command.
        let running = self.target.map(|at| self.build.targets[at].target.clone());
        reported.target = reported.target.or(running.as_deref());
        if let Some(diagnostic) = self.build.diagnostics.add(&reported, self.tree) {
            tell(EventBody::Diagnostic { diagnostic: diagnostic.clone() });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn build(text: &str) -> (LoggedBuild, Vec<EventBody>) {
        let tree = Tree::at(Path::new("/s/tree"));
        let mut log = BuildLog::new(&tree);
        let mut events = Vec::new();
        let mut offset = 0;
        for line in text.split('\n') {
            log.hear(offset, line, |event| events.push(event));
            offset += line.len() as u64 + 1;
        }
        (log.finish(), events)
    }

    #[test]
    fn a_diagnostic_belongs_to_the_target_whose_command_runs() {
        let text = "SwiftCompile normal arm64 /s/tree/A.swift (in target 'Feed' from project 'App')\n    cd /s/tree\n\
             /s/tree/A.swift:3:5: warning: unused\nSwiftCompile normal arm64 /s/tree/B.swift (in target 'App' from project 'App')\n\
             /s/tree/B.swift:1:2: error: no such thing\nTest Suite 'All tests' started\n/s/tree/B.swift:9:2: error: not the build's\n";
        let (found, events) = build(text);
        let targets: Vec<_> = found.targets.iter().map(|it| (it.target.as_str(), it.compiled_files, it.errors, it.warnings)).collect();
        assert_eq!(targets, [("Feed", 1, 0, 1), ("App", 1, 1, 0)]);
        assert_eq!(found.diagnostics.list.len(), 2);
        assert_eq!(found.diagnostics.list[0].log_offset, text.find("/s/tree/A.swift:3").map(|at| at as u64));
        assert!(matches!(&events[0], EventBody::TargetStarted { target } if target == "Feed"));
        assert_eq!(events.len(), 4);
    }

    #[test]
    fn a_failed_script_keeps_its_last_lines_and_the_failed_commands_are_listed() {
        let printed = (1..=30).map(|number| format!("line {number}")).collect::<Vec<_>>().join("\n");
        let (found, _) = build(&format!(
            "PhaseScriptExecution Run\\ Lint /b/S.sh (in target 'A' from project 'P')\n    cd /s\n    export X\\=1\n    /bin/sh -c /b/S.sh\n{printed}\n\
             Command PhaseScriptExecution failed with a nonzero exit code\n** BUILD FAILED **\n\n\nThe following build commands failed:\n\
             \tPhaseScriptExecution Run\\ Lint /s/tree/S.sh (in target 'A' from project 'P')\n\tBuilding project P with scheme A\n(2 failures)\n",
        ));
        let [script] = &found.failed_scripts[..] else { panic!("{found:?}") };
        assert_eq!((script.name.as_str(), script.target.as_deref(), script.last_lines.len()), ("Run Lint", Some("A"), 20));
        assert_eq!(script.last_lines.last().map(String::as_str), Some("line 30"));
        let commands: Vec<_> = found.failed_commands.iter().map(|it| (it.command.as_str(), it.target.as_deref())).collect();
        assert_eq!(commands, [("PhaseScriptExecution Run\\ Lint S.sh", Some("A")), ("Building project P with scheme A", None)]);
    }

    #[test]
    fn packages_and_the_timing_summary_are_lists_that_end() {
        let (found, _) = build(
            "Resolved source packages:\n  Zip: https://example.com/Zip.git @ 2.1.2\n  Kit: /s/tree/Kit @ local\n\nBuild Timing Summary\n\n\
             SwiftCompile (2 tasks) | 1.250 seconds\n\nwarning: behind both\n",
        );
        let packages: Vec<_> = found.packages.iter().map(|it| (it.name.as_str(), it.location.as_deref(), it.version.as_str())).collect();
        assert_eq!(packages, [("Kit", None, "local"), ("Zip", Some("https://example.com/Zip.git"), "2.1.2")]);
        assert_eq!(found.phases, [PhaseTime { phase: "SwiftCompile".to_owned(), duration_ms: 1_250 }]);
        assert_eq!(found.diagnostics.counts.raw.warnings, 1);
    }
}
