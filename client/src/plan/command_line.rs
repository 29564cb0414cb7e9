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

/// `NAME=..` for a word that gives a variable a value, unless that is a switch: any other may be a secret.
pub(super) fn hidden(word: &str) -> Option<String> {
    const SHOWN: [&str; 7] = ["", "YES", "NO", "0", "1", "true", "false"];
    let (name, value) = word.split_once('=')?;
    (!name.is_empty() && !SHOWN.contains(&value)).then(|| format!("{name}=.."))
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

    /// Shows no value of a variable that one of the first `count` words sets.
    pub(super) fn hide_values(&mut self, count: usize) {
        for (word, place) in self.words.iter().zip(&self.places).take(count) {
            if let Some(hidden) = hidden(word) {
                self.pieces[*place] = hidden;
            }
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
