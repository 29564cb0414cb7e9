//! Where a tool writes. Standard output is held back as the real tools hold it back in a pipe, unless
//! `NSUnbufferedIO=YES` asks for each line at once; standard error never is, and what came before it goes out first,
//! so that the two keep their order when both end in one pipe.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

/// How much standard output is held back without `NSUnbufferedIO`.
const HELD_BYTES: usize = 16 * 1024;

/// The two streams of one program.
pub struct Console {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    each_line: bool,
}

impl Console {
    /// The streams of this process. `each_line` is what `NSUnbufferedIO=YES` asks for.
    pub fn of_this_process(each_line: EachLine) -> Self {
        Self {
            out: Box::new(io::BufWriter::with_capacity(HELD_BYTES, io::stdout())),
            err: Box::new(io::stderr()),
            each_line: each_line == EachLine::Flushed,
        }
    }

    /// Streams that are kept, for callers in the same process.
    pub fn captured() -> (Self, Captured) {
        let captured = Captured::default();
        let console =
            Self { out: Box::new(Kept(Rc::clone(&captured.out))), err: Box::new(Kept(Rc::clone(&captured.err))), each_line: true };
        (console, captured)
    }

    /// Writes a line to standard output. A reader that went away is not this program's concern.
    pub(crate) fn line(&mut self, text: impl AsRef<str>) {
        let _ = writeln!(self.out, "{}", text.as_ref());
        if self.each_line {
            let _ = self.out.flush();
        }
    }

    /// Writes a line to standard error, after everything standard output was given before.
    pub(crate) fn error(&mut self, text: impl AsRef<str>) {
        let _ = self.out.flush();
        let _ = writeln!(self.err, "{}", text.as_ref());
        let _ = self.err.flush();
    }

    /// Lets go of what is held back.
    pub(crate) fn flush(&mut self) {
        let _ = self.out.flush();
    }
}

/// Whether each line leaves at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EachLine {
    /// It does: `NSUnbufferedIO=YES`.
    Flushed,
    /// Lines are held back until there are many.
    Held,
}

/// What a captured console was given.
#[derive(Clone, Default)]
pub struct Captured {
    out: Rc<RefCell<Vec<u8>>>,
    err: Rc<RefCell<Vec<u8>>>,
}

impl Captured {
    /// Standard output so far.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.out.borrow()).into_owned()
    }

    /// Standard error so far.
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.err.borrow()).into_owned()
    }
}

struct Kept(Rc<RefCell<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
