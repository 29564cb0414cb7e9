//! What is proposed, and what is not known.

use std::path::PathBuf;

/// A configuration, each guess in it, and what a person has to decide or do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proposal {
    /// The file.
    pub(crate) text: String,
    /// In the order of the file.
    pub(crate) guesses: Vec<Guess>,
    /// What could not be decided, with what to do, in sentences.
    pub(crate) open: Vec<String>,
}

/// Something that was guessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Guess {
    /// What it is about.
    pub(crate) topic: Topic,
    /// The guess.
    pub(crate) what: String,
    /// Why.
    pub(crate) why: String,
}

/// What a guess is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    /// What is opened.
    Project,
    /// Which scheme.
    Scheme,
    /// What `verify` does.
    Actions,
    /// Where it runs.
    Destination,
}

/// Nothing in the tree can be built, as far as one looks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NothingToBuild {
    /// Files from which something could be made, with what makes it.
    pub(crate) generators: Vec<(PathBuf, &'static str)>,
}
