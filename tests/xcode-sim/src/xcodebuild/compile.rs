//! "Compiling": each file that changed is checked, and the log says what the real tools would have run.

use std::fs;
use std::io;
use std::path::Path;

use super::build::Building;
use super::log::shell_escaped;
use crate::project::{Source, Target};
use crate::swift::{Diagnostic, Severity, check};
use crate::tempo::{Interrupted, Phase};
use crate::xcresult::Issue;

/// How a target's build went.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Errors and warnings, in the order they were printed.
    pub(crate) issues: Vec<Issue>,
    /// The commands that failed, as the log's end lists them.
    pub(crate) failed_commands: Vec<String>,
    pub(crate) files: usize,
    pub(crate) compiled: usize,
}

impl Outcome {
    pub(crate) fn is_success(&self) -> bool {
        self.failed_commands.is_empty()
    }
}

/// Why compiling ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    Interrupted,
    Io(io::Error),
}

impl From<Interrupted> for Stop {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Compiles a target's files and makes its product. A target without errors is the only one that gets a product.
pub(crate) fn compile_target(target: &Target, building: &mut Building<'_, '_>, outcome: &mut Outcome) -> Result<(), Stop> {
    let failed_before = outcome.failed_commands.len();
    let stale = stale_sources(target, building, outcome)?;
    if stale.is_empty() && failed_before == outcome.failed_commands.len() {
        if !building.derived.products().join(&target.product).exists() {
            building.derived.make_product(target)?;
        }
        return Ok(());
    }
    let suffix = of_target(target);
    let architecture = building.destination.architecture.clone();
    if stale.iter().any(|(source, _)| matches!(source, Source::Swift(_))) {
        let name = shell_escaped(&target.name);
        building.log.progress(format!(
            "SwiftDriver {name} normal {architecture} com.apple.xcode.tools.swift.compiler {suffix}\n    cd {}\n",
            shell_escaped(&target.folder.to_string_lossy())
        ));
    }
    for (source, contents) in stale {
        compile_file(target, &source, &contents, building, outcome)?;
        let steps = building.steps;
        let log = &mut *building.log;
        building.tempo.step(Phase::Build, steps, &mut || {
            log.progress("note: Simulated Xcode: still compiling");
        })?;
    }
    if outcome.failed_commands.len() == failed_before {
        link(target, building)?;
    }
    Ok(())
}

/// The files that have to be compiled, with their contents. A file that is not there is an error, unless the target
/// runs scripts, which may have made it.
fn stale_sources(target: &Target, building: &mut Building<'_, '_>, outcome: &mut Outcome) -> Result<Vec<(Source, Vec<u8>)>, Stop> {
    let mut stale = Vec::new();
    let mut missing = false;
    for source in &target.sources {
        let path = source.path();
        match fs::read(path) {
            Ok(contents) => {
                outcome.files += 1;
                if !building.derived.is_compiled(target, path, &contents) {
                    stale.push((source.clone(), contents));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && target.makes_sources => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                missing = true;
                let message = format!(
                    "Build input file cannot be found: '{}'. Did you forget to declare this file as an output of a \
                     script phase or custom build rule which produces it?",
                    path.display()
                );
                building.log.line(format!("error: {message} {}", of_target(target)));
                outcome.issues.push(Issue::without_place(&target.name, message));
            }
            Err(error) => return Err(error.into()),
        }
    }
    if missing {
        let architecture = &building.destination.architecture;
        outcome.failed_commands.push(format!(
            "SwiftDriver {} normal {architecture} com.apple.xcode.tools.swift.compiler {}",
            shell_escaped(&target.name),
            of_target(target)
        ));
    }
    Ok(stale)
}

fn compile_file(
    target: &Target,
    source: &Source,
    contents: &[u8],
    building: &mut Building<'_, '_>,
    outcome: &mut Outcome,
) -> Result<(), Stop> {
    outcome.compiled += 1;
    let commands = commands(target, source, building);
    for command in &commands {
        building.log.progress(command);
    }
    building.log.progress(format!("    cd {}", shell_escaped(&target.folder.to_string_lossy())));
    let text = String::from_utf8_lossy(contents);
    let diagnostics = match source {
        Source::Swift(_) => check(&text),
        Source::Clang(_) => Vec::new(),
    };
    for diagnostic in &diagnostics {
        print_diagnostic(diagnostic, source.path(), &text, building);
    }
    building.log.progress("");
    let failed = diagnostics.iter().any(|one| one.severity == Severity::Error);
    let told = diagnostics.into_iter().filter(|one| one.severity != Severity::Note);
    outcome.issues.extend(told.map(|one| Issue::at(&target.name, source.path(), one)));
    if failed {
        outcome.failed_commands.extend(commands.into_iter().rev());
        return Ok(());
    }
    building.derived.note_compiled(target, source.path(), contents);
    let objects = building.derived.objects(target, &building.destination.architecture);
    fs::create_dir_all(&objects)?;
    let object = source.path().with_extension("o");
    fs::write(objects.join(object.file_name().unwrap_or_default()), "Simulated Xcode: this is not an object.\n")?;
    Ok(())
}

/// The first lines of what the log says about a file.
fn commands(target: &Target, source: &Source, building: &Building<'_, '_>) -> Vec<String> {
    let suffix = of_target(target);
    let architecture = &building.destination.architecture;
    let path = shell_escaped(&source.path().to_string_lossy());
    let name = source.path().file_name().unwrap_or_default().to_string_lossy();
    match source {
        Source::Swift(_) => vec![
            format!("SwiftCompile normal {architecture} Compiling\\ {} {path} {suffix}", shell_escaped(&name)),
            format!("SwiftCompile normal {architecture} {path} {suffix}"),
        ],
        Source::Clang(_) => {
            let objects = building.derived.objects(target, architecture);
            let object = objects.join(source.path().with_extension("o").file_name().unwrap_or_default());
            let object = shell_escaped(&object.to_string_lossy());
            vec![format!(
                "CompileC {object} {path} normal {architecture} objective-c com.apple.compilers.llvm.clang.1_0.compiler \
                 {suffix}"
            )]
        }
    }
}

/// `/abs/File.swift:12:5: error: message`, the line itself, and a caret under the place.
fn print_diagnostic(diagnostic: &Diagnostic, path: &Path, text: &str, building: &mut Building<'_, '_>) {
    let Diagnostic { severity, line, column, message } = diagnostic;
    building.log.line(format!("{}:{line}:{column}: {}: {message}", path.display(), severity.word()));
    if let Some(source_line) = text.lines().nth(line - 1) {
        building.log.line(source_line);
        let before = source_line.get(..column - 1).unwrap_or_default();
        // Tabs stay tabs, so that the caret stands where the terminal shows the place.
        let indent: String = before.chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        building.log.line(format!("{indent}^"));
    }
}

fn link(target: &Target, building: &mut Building<'_, '_>) -> Result<(), Stop> {
    let suffix = of_target(target);
    let architecture = building.destination.architecture.clone();
    let product = building.derived.make_product(target)?;
    let product = shell_escaped(&product.to_string_lossy());
    let folder = shell_escaped(&target.folder.to_string_lossy());
    let name = shell_escaped(&target.name);
    building.log.progress(format!("Ld {product}/{name} normal {architecture} {suffix}\n    cd {folder}\n"));
    if building.signs {
        building
            .log
            .progress(format!("CodeSign {product} {suffix}\n    cd {folder}\n    \n    Signing Identity:     \"Sign to Run Locally\"\n"));
    }
    building.log.progress(format!("Touch {product} {suffix}\n    cd {folder}\n    /usr/bin/touch -c {product}\n"));
    Ok(())
}

/// "(in target 'X' from project 'Y')".
pub(crate) fn of_target(target: &Target) -> String {
    format!("(in target '{}' from project '{}')", target.name, target.project)
}
