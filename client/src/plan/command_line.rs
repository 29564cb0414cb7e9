//! A command line as it was typed: its words to be judged, its pieces to be shown.

use rch_schemas::invocation::Rejected;

use super::paste;
use super::refusal::Refusal;
use super::shell::quoted;

/// A line, typed as words or pasted as one string.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CommandLine {
    /// All of it, as a person would type it.
    pub(super) pieces: Vec<String>,
    /// The words of the call of xcodebuild, without quotes.
    pub(super) words: Vec<String>,
    /// Where each of the words stands among the pieces.
    pub(super) places: Vec<usize>,
    /// Words that hold what only a shell fills in, with what that is.
    pub(super) expansions: Vec<(usize, String)>,
    /// What of the pieces is not for us.
    pub(super) refusals: Vec<Refusal>,
}

impl CommandLine {
    /// Reads words as a shell has split them; a single one with a whole line in it is split here.
    pub(crate) fn read(words: &[String]) -> Self {
        match words {
            [text] if paste::is_pasted(text) => paste::read(text),
            _ => Self {
                pieces: words.iter().map(|word| quoted(word)).collect(),
                words: words.to_vec(),
                places: (0..words.len()).collect(),
                ..Self::default()
            },
        }
    }

    /// Shows the word `xcodebuild` before arguments that came without it.
    pub(super) fn call_xcodebuild(&mut self) {
        let at = self.places.first().copied().unwrap_or(self.pieces.len());
        self.pieces.insert(at, "xcodebuild".to_owned());
        self.places.iter_mut().for_each(|place| *place += 1);
        for refusal in self.refusals.iter_mut().filter(|refusal| refusal.place.start >= at) {
            refusal.place = refusal.place.start + 1..refusal.place.end + 1;
        }
    }

    /// Shows no value of the variable that the word at `index` sets, unless it is no secret.
    pub(super) fn hide_value(&mut self, index: usize) {
        /// Switches and small numbers.
        const SHOWN_BYTES_MAX: usize = 5;
        let Some((name, value)) = self.words[index].split_once('=') else { return };
        if value.len() > SHOWN_BYTES_MAX {
            self.pieces[self.places[index]] = format!("{name}=..");
        }
    }

    /// What is wrong with `length` words from `index` on.
    pub(super) fn refuse(&self, (index, length): (usize, usize), reason: &str, fix: &str) -> Refusal {
        let last = self.places[(index + length - 1).min(self.places.len() - 1)];
        Refusal { place: self.places[index]..last + 1, reason: reason.to_owned(), fix: fix.to_owned() }
    }

    /// The judge's words about what stands `skipped` words into the line.
    pub(super) fn refuse_argument(&self, skipped: usize, rejected: &Rejected) -> Refusal {
        self.refuse((skipped + rejected.index, rejected.length), &rejected.reason, &rejected.fix)
    }
}
