//! The commands of a build as xcodebuild announces and lists them.

/// The line with which a command begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header<'a> {
    /// Such as `SwiftCompile`.
    pub(super) verb: &'a str,
    /// The whole command, without target and project.
    pub(super) text: &'a str,
    pub(super) target: Option<&'a str>,
    pub(super) project: Option<&'a str>,
}

/// Verbs of commands that compile one file or several.
const COMPILES: [&str; 4] = ["SwiftCompile", "CompileSwift", "CompileC", "CompileMetalFile"];
/// Endings of the files they compile.
const COMPILED: [&str; 9] = [".swift", ".m", ".mm", ".c", ".cc", ".cpp", ".cxx", ".metal", ".s"];
/// Verbs of older logs, whose commands name no target.
const UNTARGETED: [&str; 6] = ["CompileSwift", "CompileSwiftSources", "CompileC", "Ld", "PhaseScriptExecution", "CodeSign"];

/// Reads `Verb words (in target 'T' from project 'P')`; older logs have the verb alone.
pub(super) fn header(line: &str) -> Option<Header<'_>> {
    let verb = line.split(' ').next().filter(|verb| verb.len() > 1 && verb.starts_with(|c: char| c.is_ascii_uppercase()))?;
    if !verb.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let (text, target, project) = split_target(line);
    let known = target.is_some() || (UNTARGETED.contains(&verb) && line.len() > verb.len());
    known.then_some(Header { verb, text, target, project })
}

/// A command without ` (in target 'T' from project 'P')`, target and project.
pub(super) fn split_target(line: &str) -> (&str, Option<&str>, Option<&str>) {
    let line = line.trim_end();
    let Some((text, rest)) = line.rsplit_once(" (in target '") else { return (line, None, None) };
    let Some(rest) = rest.strip_suffix("')") else { return (line, None, None) };
    match rest.split_once("' from project '") {
        Some((target, project)) => (text, Some(target), Some(project)),
        None => (text, Some(rest), None),
    }
}

/// `=== BUILD TARGET App OF PROJECT App WITH CONFIGURATION Debug ===`, which older logs have: target and project.
pub(super) fn target_banner(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix("=== ")?.strip_suffix("===")?;
    let (_, rest) = rest.split_once(" TARGET ")?;
    let (target, rest) = rest.split_once(" OF PROJECT ")?;
    let project = rest.split(" WITH ").next()?;
    Some((target, project.trim()))
}

impl Header<'_> {
    /// The files a command compiles, with their paths.
    pub(super) fn sources(&self) -> impl Iterator<Item = String> {
        let compiles = COMPILES.contains(&self.verb);
        let is_source = |word: &String| word.starts_with('/') && COMPILED.iter().any(|ending| word.ends_with(ending));
        words(self.text).filter(move |word| compiles && is_source(word))
    }

    /// The name of a script phase.
    pub(super) fn script(&self) -> Option<String> {
        (self.verb == "PhaseScriptExecution").then(|| words(self.text).nth(1))?
    }
}

/// The words of a command, in which a backslash keeps a blank.
fn words(text: &str) -> impl Iterator<Item = String> {
    let mut rest = text.chars();
    std::iter::from_fn(move || {
        let mut word = String::new();
        let mut seen = false;
        while let Some(c) = rest.next() {
            seen = true;
            match c {
                '\\' => word.extend(rest.next()),
                ' ' if word.is_empty() => {}
                ' ' => break,
                c => word.push(c),
            }
        }
        (seen && !word.is_empty()).then_some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_names_its_target_and_the_files_it_compiles() {
        let line =
            "SwiftCompile normal arm64 Compiling\\ A\\ B.swift,\\ C.swift /s/A\\ B.swift /s/C.swift (in target 'My App' from project 'P')";
        let found = header(line).expect("a header");
        assert_eq!((found.verb, found.target, found.project), ("SwiftCompile", Some("My App"), Some("P")));
        assert_eq!(found.sources().collect::<Vec<_>>(), ["/s/A B.swift", "/s/C.swift"]);
        let script = header("PhaseScriptExecution Run\\ SwiftLint /b/Script-4F.sh (in target 'A' from project 'P')").expect("a header");
        assert_eq!(script.script().as_deref(), Some("Run SwiftLint"));
        assert_eq!(
            header("CompileC /b/A.o /s/A.m normal arm64").map(|header| header.sources().collect::<Vec<_>>()),
            Some(vec!["/s/A.m".to_owned()])
        );
    }

    #[test]
    fn a_line_of_another_kind_is_no_command() {
        for line in ["", "    cd /s", "warning: odd (in target 'A' from project 'P')", "Testing started", "Ld", "lower (in target 'A')"] {
            assert_eq!(header(line), None, "{line}");
        }
        let banner = "=== BUILD TARGET App OF PROJECT Apps WITH CONFIGURATION Debug ===";
        assert_eq!(target_banner(banner), Some(("App", "Apps")));
    }
}
