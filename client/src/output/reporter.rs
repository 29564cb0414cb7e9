//! The one way to say something.

use std::io::{self, Write};

use anstyle::{AnsiColor, Effects};
use rch_schemas::JobId;
use rch_schemas::document::{CliEvent, CliEventBody, SchemaId, SchemaVersion};

use super::clean;
use super::ending::{Ending, Why};
use super::label::Label;
use super::screen::{LineId, Screen, Terminal};
use crate::clock;

/// Columns of a label; the text begins two further on.
const LABEL_COLUMNS: usize = 12;

/// For whom is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// A person, or a log that a person reads.
    Human,
    /// A program: one JSON document a line.
    Json,
}

/// Where is written, and what the reader there can do.
pub(crate) struct Streams {
    /// Data.
    pub(crate) out: Box<dyn Write + Send>,
    /// Talk.
    pub(crate) err: Box<dyn Write + Send>,
    /// Whether talk may be coloured.
    pub(crate) colour: bool,
    /// The terminal that talk goes to, when its lines may change.
    pub(crate) live: Option<Terminal>,
}

/// Writes facts, logs, data and the result, each where and as its reader wants it.
///
/// A reader that went away (`rch runs | head`) is no error: what cannot be written is dropped. That a disk is full is one, since what was asked
/// for is not there.
pub(crate) struct Reporter {
    style: Style,
    out: Box<dyn Write + Send>,
    screen: Screen,
    colour: bool,
    last_label: String,
    /// Why something that was asked for could not be written.
    unwritten: Option<io::Error>,
}

impl Reporter {
    /// A reporter that has said nothing.
    pub(crate) fn new(style: Style, streams: Streams) -> Self {
        let Streams { out, err, colour, live } = streams;
        Self { style, out, screen: Screen::new(err, live), colour, last_label: String::new(), unwritten: None }
    }

    /// For whom is written.
    pub(crate) fn style(&self) -> Style {
        self.style
    }

    /// Whether a fact that was told may still change.
    pub(crate) fn is_live(&self) -> bool {
        self.style == Style::Human && self.screen.is_live()
    }

    /// A fact: the label in twelve columns, the text beside it.
    pub(crate) fn fact(&mut self, label: &Label, text: &str) {
        let (word, text) = (clean(label.word()), clean(text));
        match self.style {
            Style::Human => {
                let line = self.fact_line(label, &text);
                self.talk(&line);
            }
            Style::Json => self.event(CliEventBody::Progress { label: word.clone(), text }),
        }
        self.last_label = word;
    }

    /// A fact that [`Self::retell`] may change, on a terminal; `None` where a line that was written stays as it is.
    pub(crate) fn tell(&mut self, label: &Label, text: &str) -> Option<LineId> {
        if !self.is_live() {
            self.fact(label, text);
            return None;
        }
        let line = self.fact_line(label, text);
        self.last_label = clean(label.word());
        Some(self.screen.keep(&line))
    }

    /// Changes a fact where it stands, if it is still to be seen.
    pub(crate) fn retell(&mut self, id: LineId, label: &Label, text: &str) {
        let line = self.fact_line(label, text);
        self.screen.rewrite(id, &line);
    }

    /// A fact is as it will be.
    pub(crate) fn settle(&mut self, id: LineId) {
        self.screen.settle(id);
    }

    fn fact_line(&self, label: &Label, text: &str) -> String {
        format!("{}  {}", self.padded(&clean(label.word()), label.colour()), clean(text))
    }

    /// Facts of one kind.
    pub(crate) fn facts(&mut self, label: &Label, texts: &[String]) {
        for text in texts {
            self.fact(label, text);
        }
    }

    /// One more line about the last fact.
    pub(crate) fn detail(&mut self, text: &str) {
        let text = clean(text);
        match self.style {
            Style::Human => self.talk(&format!("{:LABEL_COLUMNS$}  {text}", "")),
            Style::Json => {
                let label = self.last_label.clone();
                self.event(CliEventBody::Progress { label, text });
            }
        }
    }

    /// More lines about the last fact.
    pub(crate) fn details<T: AsRef<str>>(&mut self, lines: impl IntoIterator<Item = T>) {
        for line in lines {
            self.detail(line.as_ref());
        }
    }

    /// Lines that stand by themselves at the left edge, such as a compiler's error with its source. Only a program sees the label.
    pub(crate) fn block(&mut self, label: &Label, lines: &[String]) {
        let lines: Vec<String> = lines.iter().map(|line| clean(line)).collect();
        match self.style {
            Style::Human => {
                for line in &lines {
                    self.talk(line);
                }
            }
            Style::Json => self.event(CliEventBody::Progress { label: label.word().to_owned(), text: lines.join("\n") }),
        }
    }

    /// An empty line between parts.
    pub(crate) fn gap(&mut self) {
        if self.style == Style::Human {
            self.talk("");
        }
    }

    /// A line that is replaced by the next one, and by nothing when `None`. Only on a terminal.
    pub(crate) fn live(&mut self, fact: Option<(&Label, &str)>) {
        if self.style == Style::Human {
            let line = fact.map(|(label, text)| self.fact_line(label, text));
            self.screen.vanish(line);
        }
    }

    /// A line of a job's log; `prefix` tells jobs apart that run side by side.
    pub(crate) fn log(&mut self, job_id: &JobId, prefix: &str, line: &str) {
        let line = clean(line);
        match self.style {
            Style::Human => self.data(&format!("{prefix}{line}")),
            Style::Json => self.event(CliEventBody::Log { job_id: job_id.clone(), line }),
        }
    }

    /// A line of what the command was asked for. With `--json` the result holds it instead.
    pub(crate) fn data(&mut self, line: &str) {
        if self.style == Style::Human {
            let line = clean(line);
            let (out, unwritten) = (&mut self.out, &mut self.unwritten);
            self.screen.aside(|| write_line(out, &line, unwritten));
        }
    }

    /// A fact that the command was asked for: label and text as of any fact, on standard output and without colour.
    pub(crate) fn data_fact(&mut self, label: &Label, text: &str) {
        self.data(&format!("{:>LABEL_COLUMNS$}  {text}", label.word()));
    }

    /// One more line about the last fact that was asked for.
    pub(crate) fn data_detail(&mut self, text: &str) {
        self.data(&format!("{:LABEL_COLUMNS$}  {text}", ""));
    }

    /// Lines of what the command was asked for.
    pub(crate) fn data_lines(&mut self, lines: &[String]) {
        for line in lines {
            self.data(line);
        }
    }

    /// The last word, and the exit code. Says nothing to a person about success: what was done has been said.
    #[must_use]
    pub(crate) fn finish(&mut self, ending: &Ending) -> u8 {
        self.live(None);
        match self.style {
            Style::Human => {}
            Style::Json => self.event(CliEventBody::Result {
                exit_code: ending.exit_code,
                code: ending.why.map(|why| why.code().to_owned()),
                message: ending.message.lines().map(clean).collect::<Vec<_>>().join("\n"),
                run_id: ending.run_id.clone(),
                document: ending.document.clone(),
            }),
        }
        let (mut exit_code, mut why) = (ending.exit_code, ending.why);
        if let Some(error) = self.unwritten.take() {
            let line = self.fact_line(&Label::Error, &format!("cannot write to standard output: {error}"));
            self.talk(&line);
            // Why it would have failed anyway says more.
            if exit_code == 0 {
                (exit_code, why) = (Why::Internal.exit_code(), Some(Why::Internal));
            }
        }
        if self.style == Style::Human && exit_code != 0 {
            let kind = why.map(Why::kind).unwrap_or_default();
            self.fact(&Label::Exit, format!("{exit_code} {kind}").trim_end());
        }
        exit_code
    }

    fn padded(&self, word: &str, colour: Option<AnsiColor>) -> String {
        let padding = " ".repeat(LABEL_COLUMNS.saturating_sub(word.chars().count()));
        if !self.colour {
            return format!("{padding}{word}");
        }
        let style = colour.map_or_else(anstyle::Style::new, AnsiColor::on_default) | Effects::BOLD;
        format!("{padding}{style}{word}{style:#}")
    }

    fn talk(&mut self, line: &str) {
        self.screen.line(line);
    }

    fn event(&mut self, event: CliEventBody) {
        let event = CliEvent { schema_version: SchemaVersion::default(), schema_id: SchemaId::default(), created_at: clock::now(), event };
        let line = serde_json::to_string(&event).expect("an event of strings and documents serializes");
        write_line(&mut self.out, &line, &mut self.unwritten);
    }
}

/// Writes a line, and keeps the first reason why one could not be written.
fn write_line(out: &mut impl Write, line: &str, unwritten: &mut Option<io::Error>) {
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe && unwritten.is_none() => *unwritten = Some(error),
        Ok(()) | Err(_) => {}
    }
}

#[cfg(test)]
pub(crate) use captured::Captured;

#[cfg(test)]
mod captured {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::{Reporter, Streams, Style, Terminal};

    /// What a reporter wrote.
    #[derive(Clone, Default)]
    pub(crate) struct Captured {
        out: Arc<Mutex<Vec<u8>>>,
        err: Arc<Mutex<Vec<u8>>>,
    }

    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no test panics while writing").extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Captured {
        /// A reporter that writes to files, and what it writes.
        pub(crate) fn reporter(style: Style) -> (Reporter, Self) {
            Self::of(style, None)
        }

        /// A reporter at a terminal of 40 rows and 160 columns, without colours, and what it writes.
        pub(crate) fn at_terminal() -> (Reporter, Self) {
            Self::of(Style::Human, Some(Terminal { size: || (40, 160), pause: Duration::ZERO }))
        }

        fn of(style: Style, live: Option<Terminal>) -> (Reporter, Self) {
            let captured = Self::default();
            let (out, err) = (Box::new(Shared(Arc::clone(&captured.out))), Box::new(Shared(Arc::clone(&captured.err))));
            (Reporter::new(style, Streams { out, err, colour: false, live }), captured)
        }

        /// What went to standard output.
        pub(crate) fn out(&self) -> String {
            String::from_utf8(self.out.lock().expect("no test panics while writing").clone()).expect("text")
        }

        /// What went to standard error.
        pub(crate) fn err(&self) -> String {
            String::from_utf8(self.err.lock().expect("no test panics while writing").clone()).expect("text")
        }
    }
}

#[cfg(test)]
mod tests {
    use rch_schemas::Reason;

    use super::*;

    #[test]
    fn facts_are_aligned_at_twelve_columns_and_talk_goes_to_standard_error() {
        let (mut reporter, captured) = Captured::reporter(Style::Human);
        reporter.fact(&Label::Bundling, "5,012 files, 48.3 MiB");
        reporter.fact(&Label::Step("test".to_owned()), "SampleAppTests 198 passed");
        reporter.detail("3 more warnings in build.log");
        reporter.gap();
        reporter.data("01KBQ3M5T2Y8ZC4W6N0R7HXA1D");
        let _ = reporter.finish(&Ending { exit_code: 50, why: Some(Why::Reason(Reason::Compile)), ..Ending::default() });
        let expected = concat!(
            "    Bundling  5,012 files, 48.3 MiB\n",
            "        test  SampleAppTests 198 passed\n",
            "              3 more warnings in build.log\n",
            "\n",
            "        Exit  50 XCODEBUILD\n",
        );
        assert_eq!(captured.err(), expected);
        assert_eq!(captured.out(), "01KBQ3M5T2Y8ZC4W6N0R7HXA1D\n");
    }

    #[test]
    fn a_label_or_text_from_a_farm_cannot_reach_the_terminal() {
        let (mut reporter, captured) = Captured::reporter(Style::Human);
        reporter.fact(&Label::Step("\u{1b}]0;owned\u{7}build".to_owned()), "\u{1b}[2Jgone\r");
        assert_eq!(captured.err(), "       build  gone\n");
    }

    #[test]
    fn a_block_of_json_carries_its_own_label_and_leaves_the_fact_before_it_alone() {
        let (mut reporter, captured) = Captured::reporter(Style::Json);
        reporter.fact(&Label::Step("build".to_owned()), "App");
        reporter.block(&Label::Error, &["a.swift:1: error: no".to_owned(), "  x".to_owned()]);
        reporter.detail("3 more warnings in build.log");
        let lines: Vec<CliEvent> = captured.out().lines().map(|line| serde_json::from_str(line).expect("a document")).collect();
        let said: Vec<(&str, &str)> = lines
            .iter()
            .filter_map(|line| match &line.event {
                CliEventBody::Progress { label, text } => Some((label.as_str(), text.as_str())),
                CliEventBody::Log { .. } | CliEventBody::Result { .. } => None,
            })
            .collect();
        assert_eq!(said, [("build", "App"), ("Error", "a.swift:1: error: no\n  x"), ("build", "3 more warnings in build.log")]);
    }

    /// A file on a disk that is full, or a pipe nobody reads.
    struct Refusing(io::ErrorKind);

    impl Write for Refusing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn data_that_cannot_be_written_is_an_error_unless_its_reader_went_away() {
        let failed = Ending { exit_code: 50, why: Some(Why::Reason(Reason::Compile)), ..Ending::default() };
        for (style, error, ending, expected) in [
            (Style::Human, io::ErrorKind::StorageFull, Ending::default(), 1),
            (Style::Json, io::ErrorKind::StorageFull, Ending::default(), 1),
            (Style::Human, io::ErrorKind::StorageFull, failed, 50),
            (Style::Human, io::ErrorKind::BrokenPipe, Ending::default(), 0),
            (Style::Json, io::ErrorKind::BrokenPipe, Ending::default(), 0),
        ] {
            let (mut reporter, captured) = Captured::reporter(style);
            reporter.out = Box::new(Refusing(error));
            reporter.data("a table");
            assert_eq!(reporter.finish(&ending), expected, "{style:?} {error}");
            let said = captured.err().contains("       Error  cannot write to standard output: no storage space");
            assert_eq!(said, error == io::ErrorKind::StorageFull, "{}", captured.err());
            let last = style == Style::Human && expected == 1;
            assert_eq!(captured.err().ends_with("        Exit  1 INTERNAL\n"), last, "{}", captured.err());
        }
    }

    #[test]
    fn the_last_line_of_json_is_the_result_and_data_is_in_it_alone() {
        let (mut reporter, captured) = Captured::reporter(Style::Json);
        reporter.fact(&Label::Worker, "macmini-02");
        reporter.data("a table");
        let _ = reporter.finish(&Ending { exit_code: 20, why: Some(Why::Reason(Reason::Unreachable)), ..Ending::default() });
        let lines: Vec<CliEvent> = captured.out().lines().map(|line| serde_json::from_str(line).expect("a document")).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].event, CliEventBody::Progress { label: "Worker".to_owned(), text: "macmini-02".to_owned() });
        assert!(matches!(&lines[1].event, CliEventBody::Result { exit_code: 20, code: Some(code), .. } if code == "UNREACHABLE"));
        assert_eq!(captured.err(), "");
    }
}
