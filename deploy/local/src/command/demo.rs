//! `rch-local demo`: the whole story on a sample project, told in the words of `rch` itself.
//!
//! It checks what it shows: it succeeds only when the first run succeeded, the second failed as it was made to, and both left their artifacts.

mod sample;
mod shown;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::local_farm;
use crate::farm::{Farm, FarmError};
use crate::interrupt::Interrupt;
use crate::report;
use sample::Sample;
use shown::Shown;

/// What is shown and run. On a terminal the log is short anyway; a pipe shall show the same story.
const VERIFY: &str = "rch xcode verify --log short";
/// What the shell says of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Why the story could not be told.
#[derive(Debug, thiserror::Error)]
enum DemoError {
    /// The directory or the sample could not be made ready.
    #[error("cannot prepare the demonstration in {}", directory.display())]
    Prepare { directory: PathBuf, source: io::Error },
    /// No farm.
    #[error("no farm is running")]
    NotStarted(#[from] FarmError),
    /// A run did not go as the story has it.
    #[error("`rch xcode verify` was expected to {expected}, but {found}; the farm's logs are in {}", logs.display())]
    NotAsTold { expected: String, found: String, logs: PathBuf },
    /// Somebody pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

/// Runs it.
pub(crate) fn demo(directory: Option<&Path>) -> ExitCode {
    match tell(directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(DemoError::Interrupted) => ExitCode::from(INTERRUPTED),
        Err(error) => {
            report::failure("rch-local demo", &error);
            ExitCode::FAILURE
        }
    }
}

fn tell(directory: Option<&Path>) -> Result<(), DemoError> {
    let directory = place(directory)?;
    let prepare = |source| DemoError::Prepare { directory: directory.clone(), source };
    let interrupt = Interrupt::listen().map_err(prepare)?;
    let sample = Sample::copy_to(&directory.join("SampleApp")).map_err(prepare)?;
    let farm = local_farm::plan(&directory).map_err(prepare)?.start()?;
    let told = story(&farm, &sample, &interrupt);
    farm.stop();
    if interrupt.came() { Err(DemoError::Interrupted) } else { told }
}

/// The given directory, or a new temporary one. Either stays: what was shown is there to be looked at.
fn place(directory: Option<&Path>) -> Result<PathBuf, DemoError> {
    let made = match directory {
        Some(directory) => std::fs::create_dir_all(directory).and_then(|()| std::fs::canonicalize(directory)),
        None => tempfile::Builder::new().prefix("rch-demo-").tempdir().map(tempfile::TempDir::keep),
    };
    made.map_err(|source| DemoError::Prepare { directory: directory.map_or_else(std::env::temp_dir, Path::to_owned), source })
}

fn story(farm: &Farm, sample: &Sample, interrupt: &Interrupt) -> Result<(), DemoError> {
    local_farm::describe(farm);
    report::fact("Sample", &format!("{}, an app with tests", sample.directory().display()));

    report::command(VERIFY);
    let good = verify(farm, sample, interrupt, 0)?;

    report::command(&format!("echo '{}' >> {}", sample::ERROR_LINE, sample::FILE));
    sample.break_one_file().map_err(|source| DemoError::Prepare { directory: sample.directory().to_owned(), source })?;
    report::command(VERIFY);
    let bad = verify(farm, sample, interrupt, 50)?;
    let place = bad.first_error().filter(|error| error.starts_with(&format!("{}:", sample::FILE)));
    let place = place.ok_or_else(|| not_as_told(farm, &format!("place the error in {}", sample::FILE), "it did not"))?;

    report::gap();
    report::fact("Shown", "a build with its tests, from a source tree to signed artifacts that were checked here");
    report::fact("", &format!("a build that fails, placed at {place}, exit code 50"));
    report::fact("To look at", &format!("{}\n{}", good.artifacts().display(), bad.artifacts().display()));
    report::fact("", &format!("{} (logs of NATS, coordinator, agents)", farm.directory().join("logs").display()));
    Ok(())
}

/// Runs `rch xcode verify`, its output shown, and checks how it ended.
fn verify(farm: &Farm, sample: &Sample, interrupt: &Interrupt, expected: i32) -> Result<Shown, DemoError> {
    // Both streams where ours go, so that a pipe gets the story in order.
    let status = farm.rch(sample.directory()).args(VERIFY.split(' ').skip(1)).stderr(io::stdout()).status();
    if interrupt.came() {
        return Err(DemoError::Interrupted);
    }
    let wanted = format!("exit with {expected}");
    let status = status.map_err(|error| not_as_told(farm, &wanted, &format!("it did not start: {error}")))?;
    if status.code() != Some(expected) {
        return Err(not_as_told(farm, &wanted, &format!("it ended with {status}")));
    }
    Shown::newest_in(sample.directory()).ok_or_else(|| not_as_told(farm, "leave its artifacts", "there are none in .rch/artifacts"))
}

fn not_as_told(farm: &Farm, expected: &str, found: &str) -> DemoError {
    DemoError::NotAsTold { expected: expected.to_owned(), found: found.to_owned(), logs: farm.directory().join("logs") }
}
