//! Standard error as a terminal shows it: lines that stay, lines that may still be written anew, and one line that vanishes.
//!
//! It owns the cursor: whatever else is written to the same terminal is written while the vanishing line is out of the way. Where there is no
//! terminal, lines are written and that is all.

use std::io::Write;
use std::time::{Duration, Instant};

/// A terminal, for those who write to one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    /// Rows and columns now: a person may change them at any time.
    pub(crate) size: fn() -> (u16, u16),
    /// The least time between two drawings of the vanishing line: a fast build prints thousands of lines a second.
    pub(crate) pause: Duration,
}

impl Terminal {
    /// The one behind standard error.
    pub(crate) fn stderr() -> Self {
        Self { size: || console::Term::stderr().size(), pause: Duration::from_millis(50) }
    }
}

/// A line that may be written anew, by the number it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LineId(u64);

/// A line above the cursor.
struct Kept {
    id: LineId,
    line: String,
    /// Rows from its first to the cursor's.
    rows: usize,
}

/// Where talk goes.
pub(super) struct Screen {
    err: Box<dyn Write + Send>,
    terminal: Option<Terminal>,
    vanishing: Option<String>,
    drawn_at: Option<Instant>,
    kept: Vec<Kept>,
    lines: u64,
}

impl Screen {
    /// Of standard error; `terminal` when it is one whose lines may change.
    pub(super) fn new(err: Box<dyn Write + Send>, terminal: Option<Terminal>) -> Self {
        Self { err, terminal, vanishing: None, drawn_at: None, kept: Vec::new(), lines: 0 }
    }

    /// Whether lines may change.
    pub(super) fn is_live(&self) -> bool {
        self.terminal.is_some()
    }

    /// A line that stays as it is.
    pub(super) fn line(&mut self, line: &str) {
        self.clear();
        self.write(&format!("{line}\n"));
        let rows = self.rows_of(line);
        for kept in &mut self.kept {
            kept.rows += rows;
        }
        self.draw();
    }

    /// A line that [`Self::rewrite`] may change, as long as it is to be seen.
    pub(super) fn keep(&mut self, line: &str) -> LineId {
        self.line(line);
        self.lines += 1;
        let id = LineId(self.lines);
        if self.is_live() {
            self.kept.push(Kept { id, line: line.to_owned(), rows: self.rows_of(line) });
        }
        id
    }

    /// Writes a kept line anew. Nothing happens when it cannot be reached any more: it has left the screen, or is broken into several rows.
    pub(super) fn rewrite(&mut self, id: LineId, line: &str) {
        let Some(terminal) = self.terminal else { return };
        let (height, width) = (terminal.size)();
        let fits = |line: &str| console::measure_text_width(line) < usize::from(width);
        let Some(kept) = self.kept.iter_mut().find(|kept| kept.id == id && kept.line != line) else { return };
        if kept.rows >= usize::from(height) || !fits(line) || !fits(&kept.line) {
            return;
        }
        line.clone_into(&mut kept.line);
        let rows = kept.rows;
        self.clear();
        self.write(&format!("\u{1b}[{rows}A\r\u{1b}[2K{line}\u{1b}[{rows}B\r"));
        self.draw();
    }

    /// A kept line stays as it is from now on.
    pub(super) fn settle(&mut self, id: LineId) {
        self.kept.retain(|kept| kept.id != id);
    }

    /// The line below all others that vanishes; `None` removes it.
    pub(super) fn vanish(&mut self, line: Option<String>) {
        let Some(terminal) = self.terminal else { return };
        if line.is_none() {
            self.clear();
            (self.vanishing, self.drawn_at) = (None, None);
            return;
        }
        let is_due = self.vanishing.is_none() || self.drawn_at.is_none_or(|at| at.elapsed() >= terminal.pause);
        self.vanishing = line;
        if is_due {
            self.clear();
            self.draw();
        }
    }

    /// Writes to something else that may be the same terminal. Where the kept lines are is not known after it.
    pub(super) fn aside(&mut self, write: impl FnOnce()) {
        self.clear();
        self.kept.clear();
        write();
        self.draw();
    }

    fn clear(&mut self) {
        if self.drawn_at.is_some() {
            self.write("\r\u{1b}[2K");
        }
    }

    fn draw(&mut self) {
        let (Some(terminal), Some(line)) = (self.terminal, &self.vanishing) else { return };
        let width = usize::from((terminal.size)().1);
        // One column is left free: a full row would make some terminals begin another.
        let shown = console::truncate_str(line, width.saturating_sub(1), "").into_owned();
        self.write(&shown);
        self.drawn_at = Some(Instant::now());
    }

    fn rows_of(&self, line: &str) -> usize {
        let width = self.terminal.map_or(usize::MAX, |terminal| usize::from((terminal.size)().1).max(1));
        console::measure_text_width(line).div_ceil(width).max(1)
    }

    fn write(&mut self, text: &str) {
        let _ = self.err.write_all(text.as_bytes()).and_then(|()| self.err.flush());
    }
}

#[cfg(test)]
/// The rows of a terminal after these bytes, those that have left it included: enough of one for what a screen writes.
pub(crate) fn shown(bytes: &str) -> Vec<String> {
    let (mut rows, mut row, mut column) = (vec![String::new()], 0_usize, 0_usize);
    let mut rest = bytes;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\n' => {
                (row, column) = (row + 1, 0);
                if row == rows.len() {
                    rows.push(String::new());
                }
            }
            '\r' => column = 0,
            '\u{1b}' => {
                let end = rest.find(|c: char| c.is_ascii_alphabetic()).expect("a sequence ends");
                let (number, action) = (rest[1..end].parse::<usize>().unwrap_or(1), &rest[end..=end]);
                rest = &rest[end + 1..];
                match action {
                    "A" => row = row.saturating_sub(number),
                    "B" => row = (row + number).min(rows.len() - 1),
                    "K" => rows[row].clear(),
                    other => panic!("{other}"),
                }
            }
            _ => {
                assert_eq!(column, rows[row].chars().count(), "written over something: {bytes:?}");
                rows[row].push(c);
                column += 1;
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("no test panics while writing").extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn screen(terminal: Option<Terminal>) -> (Screen, impl Fn() -> String) {
        let written = Written::default();
        let read = written.clone();
        let text = move || String::from_utf8(read.0.lock().expect("no test panics while writing").clone()).expect("text");
        (Screen::new(Box::new(written), terminal), text)
    }

    const SMALL: Terminal = Terminal { size: || (5, 40), pause: Duration::ZERO };

    #[test]
    fn a_line_above_is_written_anew_and_the_vanishing_one_stays_below() {
        let (mut screen, text) = screen(Some(SMALL));
        let id = screen.keep("build  App");
        screen.vanish(Some("compiling".to_owned()));
        screen.line("error: a");
        screen.line("");
        screen.rewrite(id, "build  App, 40 files compiled");
        assert_eq!(shown(&text()), ["build  App, 40 files compiled", "error: a", "", "compiling"]);
        screen.line("error: b");
        screen.vanish(None);
        assert_eq!(shown(&text()), ["build  App, 40 files compiled", "error: a", "", "error: b", ""]);
    }

    #[test]
    fn a_line_that_left_the_screen_or_does_not_fit_is_left_alone() {
        let (mut screen, text) = screen(Some(SMALL));
        let id = screen.keep("build  App");
        let before = text();
        screen.rewrite(id, &"x".repeat(60));
        assert_eq!(text(), before);
        // Two rows each.
        screen.line(&"y".repeat(60));
        screen.line(&"z".repeat(60));
        let before = text();
        screen.rewrite(id, "build  App, 1 file compiled");
        assert_eq!(text(), before);
    }

    #[test]
    fn a_settled_line_and_one_above_foreign_output_are_not_touched_again() {
        let (mut screen, text) = screen(Some(SMALL));
        let (one, other) = (screen.keep("one"), screen.keep("other"));
        screen.settle(one);
        screen.rewrite(one, "two");
        screen.aside(|| ());
        screen.rewrite(other, "three");
        assert_eq!(shown(&text()), ["one", "other", ""]);
    }

    #[test]
    fn a_vanishing_line_is_cut_to_the_width_and_nothing_vanishes_in_a_file() {
        let (mut cut, text) = screen(Some(SMALL));
        cut.vanish(Some("w".repeat(100)));
        assert_eq!(shown(&text()), ["w".repeat(39)]);
        let (mut file, text) = screen(None);
        file.vanish(Some("w".to_owned()));
        let id = file.keep("kept");
        file.rewrite(id, "anew");
        assert_eq!(text(), "kept\n");
    }
}
