//! The build log: what `-quiet` leaves out, and the lines that always come.

use crate::clock::Moment;
use crate::console::Console;

/// A console with the wish for quiet.
pub(crate) struct Log<'a> {
    pub(crate) console: &'a mut Console,
    quiet: bool,
}

impl<'a> Log<'a> {
    pub(crate) const fn new(console: &'a mut Console, quiet: bool) -> Self {
        Self { console, quiet }
    }

    /// A line that `-quiet` leaves out.
    pub(crate) fn progress(&mut self, text: impl AsRef<str>) {
        if !self.quiet {
            self.console.line(text);
        }
    }

    /// A line that is always there: warnings, errors, tests.
    pub(crate) fn line(&mut self, text: impl AsRef<str>) {
        self.console.line(text);
    }

    /// A line of xcodebuild's own log, on standard error, with time and process.
    pub(crate) fn stamped(&mut self, text: &str) {
        let id = std::process::id();
        self.console.error(format!("{} xcodebuild[{id}:{id}] {text}", Moment::now().log_form()));
    }

    /// How the log ends. A good end is on standard output and left out when quiet; a bad one is on standard error.
    pub(crate) fn end_marker(&mut self, marker: &str) {
        let text = format!("** {marker} **");
        if marker.ends_with("SUCCEEDED") {
            self.progress(format!("\n{text}\n"));
        } else {
            self.console.error(format!("\n{text}\n"));
        }
    }
}

/// A path as xcodebuild writes it into a command: blanks and the like get a backslash.
pub(crate) fn shell_escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if " ()'\"&$,;".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
