//! What a program was started with. The environment is read here and nowhere else.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use crate::console::EachLine;
use crate::interrupt::Interrupt;

/// Names the machine file when none lies near the tool.
const MACHINE_VARIABLE: &str = "RCH_XCODE_SIM_MACHINE";

/// A program's name, words, environment and directory.
#[derive(Clone, Debug, Default)]
pub struct Invocation {
    /// The tool asked for, without a folder: "xcodebuild".
    pub program: String,
    /// The tool as it was called; a bare name when it came from `PATH`.
    pub path: PathBuf,
    /// The words after the program's name.
    pub arguments: Vec<String>,
    /// The environment.
    pub environment: BTreeMap<String, String>,
    /// The directory it runs in.
    pub directory: PathBuf,
    /// Whether it was asked to stop since.
    pub interrupt: Interrupt,
}

impl Invocation {
    /// How this process was started, as `program`.
    pub fn of_this_process(program: &str) -> Self {
        let text = |word: std::ffi::OsString| word.to_string_lossy().into_owned();
        let mut words = env::args_os();
        Self {
            program: program.to_owned(),
            path: words.next().map(PathBuf::from).unwrap_or_default(),
            arguments: words.map(text).collect(),
            environment: env::vars_os().map(|(name, value)| (text(name), text(value))).collect(),
            directory: env::current_dir().unwrap_or_default(),
            interrupt: Interrupt::default(),
        }
    }

    /// The same start, but of another tool with other words: what `xcrun` does.
    pub(crate) fn dispatched_to(&self, program: &str, arguments: &[String]) -> Self {
        Self { program: program.to_owned(), arguments: arguments.to_vec(), ..self.clone() }
    }

    /// A variable that is set and not empty.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Where the user's files are; a folder for temporary files when nobody says.
    pub(crate) fn home(&self) -> PathBuf {
        self.variable("HOME").map_or_else(env::temp_dir, PathBuf::from)
    }

    /// A path, taken relative to the directory the program runs in.
    pub(crate) fn absolute(&self, path: &str) -> PathBuf {
        self.directory.join(path)
    }

    pub(crate) fn each_line(&self) -> EachLine {
        if self.variable("NSUnbufferedIO") == Some("YES") { EachLine::Flushed } else { EachLine::Held }
    }

    /// The machine file the environment names.
    pub(crate) fn machine_variable(&self) -> Option<&Path> {
        self.variable(MACHINE_VARIABLE).map(Path::new)
    }

    /// The folder the tool was called in: its own link's, not the one the link leads to. A bare name is looked up in
    /// `PATH`, as the shell did.
    pub(crate) fn tool_folder(&self) -> Option<PathBuf> {
        if self.path.components().count() > 1 {
            return self.directory.join(&self.path).parent().map(Path::to_owned);
        }
        env::split_paths(self.variable("PATH")?).find(|folder| folder.join(&self.path).is_file())
    }
}
