//! One job as it is told.

use std::time::{Duration, Instant};

use rch_schemas::Attempt;
use rch_schemas::wire::http::{JobState, JobView};

use crate::cli::LogMode;
use crate::output::xcodebuild::{Found, Lines, LogDigest};
use crate::output::{Label, LineId, Reporter, Style, count};

use super::cursor::{Cursor, Piece};
use super::waiting::WaitStory;

/// How long a job that has ended may keep us waiting for the end of its log. The log lies in the store by then; longer means that it is lost.
const LOG_PATIENCE: Duration = Duration::from_secs(15);

/// Where the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Log {
    /// Nobody reads it.
    Unread,
    /// A task reads it.
    Reading,
    /// It was read to its end, up to this attempt.
    Complete(Attempt),
}

/// The line of what a job does and how far it has come: one for each job, above its errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Header {
    /// It was not told.
    Untold,
    /// It was; on a terminal it follows the counts.
    Told(Option<LineId>),
}

/// A job and what was told of it.
#[derive(Debug)]
pub(super) struct JobStory {
    pub(super) view: JobView,
    /// The step's name.
    pub(super) name: String,
    /// ` on iPhone 16, iOS 18.2`, when the run has several destinations.
    pub(super) place: String,
    /// Where it is being told that the job has ended.
    pub(super) is_told: bool,
    pub(super) digest: LogDigest,
    project: String,
    lines: Lines,
    log: Log,
    header: Header,
    /// Errors that wait for the header's last counts, where a line that was written stays as it is.
    held: Vec<Vec<String>>,
    block_open: bool,
    waiting: WaitStory,
    ended_at: Option<Instant>,
    ran: Option<Attempt>,
}

impl JobStory {
    pub(super) fn new(view: JobView, name: String, place: String, project: String, digest: LogDigest) -> Self {
        Self {
            view,
            name,
            place,
            is_told: false,
            digest,
            project,
            lines: Lines::default(),
            log: Log::Unread,
            header: Header::Untold,
            held: Vec::new(),
            block_open: false,
            waiting: WaitStory::default(),
            ended_at: None,
            ran: None,
        }
    }

    /// The label of what is said about it.
    pub(super) fn label(&self) -> Label {
        Label::Step(self.name.clone())
    }

    /// Takes its newest state; tells waiting, starting and trying again.
    pub(super) fn update(&mut self, view: JobView, now: Instant, reporter: &mut Reporter) {
        self.view = view;
        if self.view.state.is_terminal() {
            self.ended_at.get_or_insert(now);
            return;
        }
        if self.view.state == JobState::Running {
            self.tell_start(now, reporter);
            return;
        }
        let Some(waiting) = &self.view.waiting else { return };
        let waiting = waiting.clone();
        self.waiting.tell(&waiting, (&self.which(), self.view.action), now, reporter);
    }

    /// The job and a comma, when there are several.
    fn which(&self) -> String {
        if self.place.is_empty() { String::new() } else { format!("{}{}, ", self.name, self.place) }
    }

    fn tell_start(&mut self, now: Instant, reporter: &mut Reporter) {
        let worker = self.view.worker.as_ref().map_or_else(|| "its worker".to_owned(), ToString::to_string);
        let before = self.ran.replace(self.view.attempt);
        if before.is_some_and(|before| before < self.view.attempt) {
            let text = format!("{}{}, attempt {} on {worker}: the attempt before did not end", self.name, self.place, self.view.attempt);
            reporter.fact(&Label::Retrying, &text);
            self.waiting = WaitStory::default();
        } else {
            let which = self.which();
            self.waiting.end(&which, &worker, now, reporter);
        }
    }

    /// Whether its log should be read now, and from where.
    pub(super) fn wants_log(&mut self, mode: LogMode) -> Option<Cursor> {
        let is_due = match self.log {
            Log::Unread => true,
            Log::Reading => false,
            Log::Complete(attempt) => attempt < self.view.attempt,
        };
        let has_one = match self.view.state {
            JobState::Queued | JobState::Skipped | JobState::Rejected => false,
            JobState::Running => true,
            JobState::Succeeded | JobState::Failed | JobState::Cancelled => !self.never_ran(),
        };
        (mode != LogMode::None && is_due && has_one).then(|| {
            self.log = Log::Reading;
            Cursor::start(self.view.attempt)
        })
    }

    fn never_ran(&self) -> bool {
        self.view.attempt == Attempt::NONE || self.view.duration_ms == 0 && self.ran.is_none()
    }

    /// Whether it has ended and nothing more is to come.
    pub(super) fn is_over(&self, mode: LogMode, now: Instant) -> bool {
        let Some(ended_at) = self.ended_at.filter(|_| self.view.state.is_terminal()) else { return false };
        let no_log = mode == LogMode::None || self.never_ran() || matches!(self.view.state, JobState::Skipped | JobState::Rejected);
        let complete = matches!(self.log, Log::Complete(attempt) if attempt >= self.view.attempt);
        no_log || complete || now.saturating_duration_since(ended_at) > LOG_PATIENCE
    }

    /// Whether its log broke off: it has ended, and the log's end never came.
    pub(super) fn log_broke_off(&self, mode: LogMode) -> bool {
        mode != LogMode::None && self.log == Log::Reading
    }

    /// Takes a part of the log.
    pub(super) fn piece(&mut self, piece: Piece, mode: LogMode, prefix: &str, reporter: &mut Reporter) {
        let mut lines = Vec::new();
        match piece {
            Piece::Bytes(bytes) => self.lines.push(&bytes, |line| lines.push(line)),
            Piece::Attempt { .. } => self.lines.end(|line| lines.push(line)),
            Piece::Gap { bytes } => {
                self.lines.end(|line| lines.push(line));
                lines.push(format!("[rch: {bytes} bytes of the log are missing here]"));
            }
            Piece::End { attempt } => {
                self.lines.end(|line| lines.push(line));
                self.log = Log::Complete(attempt);
            }
        }
        for line in lines {
            let found = self.digest.take(&line);
            match mode {
                LogMode::Raw => reporter.log(&self.view.job_id, prefix, &line),
                LogMode::Short => {
                    for found in found {
                        self.tell(found, reporter);
                    }
                }
                LogMode::None => {}
            }
        }
    }

    /// An error is told when it comes, below the header. In a file, where the header cannot follow the counts any more, both wait for the
    /// end; a program gets everything at once.
    fn tell(&mut self, found: Found, reporter: &mut Reporter) {
        match found {
            Found::Error(lines) if reporter.style() == Style::Json => reporter.block(&Label::Error, &lines),
            Found::Error(lines) if reporter.is_live() => self.tell_error(&lines, reporter),
            Found::Error(lines) => self.held.push(lines),
            Found::Progress => self.tell_progress(reporter),
        }
    }

    fn tell_progress(&self, reporter: &mut Reporter) {
        match self.header {
            Header::Told(Some(id)) => reporter.retell(id, &self.label(), &self.describe()),
            Header::Told(None) => {}
            Header::Untold => reporter.live(Some((&self.label(), &self.describe()))),
        }
    }

    fn tell_error(&mut self, lines: &[String], reporter: &mut Reporter) {
        self.tell_header(reporter);
        if !std::mem::replace(&mut self.block_open, true) {
            reporter.gap();
        }
        reporter.block(&Label::Error, lines);
    }

    fn describe(&self) -> String {
        format!("{}{}", self.digest.describe(&self.project), self.place)
    }

    /// The line of counts: once, or anew where it stands.
    fn tell_header(&mut self, reporter: &mut Reporter) {
        match self.header {
            Header::Untold => {
                reporter.live(None);
                self.header = Header::Told(reporter.tell(&self.label(), &self.describe()));
            }
            Header::Told(_) => self.tell_progress(reporter),
        }
    }

    /// Tells what the log leaves to say when the job has ended: counts, warnings, what was too much.
    pub(super) fn tell_log_end(&mut self, mode: LogMode, reporter: &mut Reporter) {
        if let Some(found) = self.digest.close().filter(|_| mode == LogMode::Short) {
            self.tell(found, reporter);
        }
        if mode != LogMode::Short || self.never_ran() {
            return;
        }
        self.tell_header(reporter);
        for lines in std::mem::take(&mut self.held) {
            self.tell_error(&lines, reporter);
        }
        let unshown = self.digest.errors_more();
        if unshown > 0 {
            reporter.block(&Label::Error, &[format!("{} in build.log", count(unshown as u64, "more error"))]);
        }
        if std::mem::take(&mut self.block_open) {
            reporter.gap();
        }
        if let Header::Told(Some(id)) = self.header {
            reporter.settle(id);
        }
        if self.view.state == JobState::Succeeded {
            let (shown, others) = self.digest.warnings();
            reporter.details(shown);
            if others > 0 {
                reporter.detail(&format!("{} in build.log", count(others as u64, "more warning")));
            }
        }
    }
}
