//! What of a command line is refused, and how that is said: the whole line, a mark under each mistake, why, and what to write instead.

use std::ops::Range;

use rch_schemas::invocation::Rejected;
use serde_json::{Value, json};

use super::shell::quoted;
use crate::output::{Label, marked};

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Its pieces of the line.
    pub(super) place: Range<usize>,
    /// Why it is refused.
    pub(crate) reason: String,
    /// What to write instead.
    pub(crate) fix: String,
}

/// A line that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The line's pieces as people write them.
    pieces: Vec<String>,
    /// Its mistakes, by place.
    refusals: Vec<Refusal>,
}

impl Refused {
    /// A line of these pieces with these mistakes, at least one.
    pub(super) fn new(pieces: Vec<String>, mut refusals: Vec<Refusal>) -> Self {
        refusals.sort_by_key(|refusal| (refusal.place.start, refusal.place.end));
        refusals.dedup_by(|later, first| later.place == first.place);
        Self { pieces, refusals }
    }

    /// What the judge refused of `argv`, what follows the word `xcodebuild`.
    pub(crate) fn of_argv(argv: &[String], rejected: &[Rejected]) -> Self {
        let pieces = std::iter::once("xcodebuild".to_owned()).chain(argv.iter().map(|word| quoted(word))).collect();
        let refusals = rejected.iter().map(|it| Refusal {
            place: it.index + 1..it.index + 1 + it.length,
            reason: it.reason.clone(),
            fix: it.fix.clone(),
        });
        Self::new(pieces, refusals.collect())
    }

    /// The line with its marks.
    pub(crate) fn line(&self) -> Vec<String> {
        let marks: Vec<Range<usize>> = self.refusals.iter().map(|refusal| refusal.place.clone()).collect();
        marked(&self.pieces, &marks)
    }

    /// What stands at a refusal.
    fn text(&self, refusal: &Refusal) -> String {
        self.pieces[refusal.place.clone()].join(" ")
    }

    /// Each answer once, with all that it answers: five arguments of one export need one.
    fn answers(&self) -> Vec<(String, &Refusal)> {
        let mut answers: Vec<(String, &Refusal)> = Vec::new();
        for refusal in &self.refusals {
            let same = answers.iter_mut().find(|(_, other)| (&other.reason, &other.fix) == (&refusal.reason, &refusal.fix));
            match same {
                Some((texts, _)) => *texts = format!("{texts}, {}", self.text(refusal)),
                None => answers.push((self.text(refusal), refusal)),
            }
        }
        answers
    }

    /// The answers as facts, in the order of the line.
    pub(crate) fn facts(&self) -> Vec<(Label, String)> {
        let facts = self.answers().into_iter().flat_map(|(texts, refusal)| {
            [(Label::Rejected, format!("{texts}: {}", refusal.reason)), (Label::Instead, refusal.fix.clone())]
        });
        facts.collect()
    }

    /// The answers as sentences, for a program's message.
    pub(crate) fn sentences(&self) -> Vec<String> {
        self.answers().into_iter().map(|(texts, refusal)| format!("{texts}: {}; {}", refusal.reason, refusal.fix)).collect()
    }

    /// The mistakes for a program: each with its words and what to write.
    pub(crate) fn document(&self) -> Value {
        let mistake = |refusal: &Refusal| json!({ "argument": self.text(refusal), "reason": refusal.reason, "fix": refusal.fix });
        self.refusals.iter().map(mistake).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_is_given_once_for_all_it_answers() {
        let refused = |index, reason: &str| Rejected {
            index,
            length: 1,
            argument: String::new(),
            reason: reason.to_owned(),
            fix: "leave it out".to_owned(),
        };
        let argv = ["a b", "c", "d"].map(str::to_owned);
        let refused = Refused::of_argv(&argv, &[refused(2, "why"), refused(1, "because"), refused(0, "why")]);
        assert_eq!(refused.line(), ["xcodebuild 'a b' c d", "           ^~~~~ ^ ^"]);
        assert_eq!(refused.sentences(), ["'a b', d: why; leave it out", "c: because; leave it out"]);
    }
}
