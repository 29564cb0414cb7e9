//! One file against the schemas its documents name.

use serde::Serialize;
use serde_json::Value;

use super::catalogue::Catalogue;
use super::violation::{self, Violation};

/// Enough to see what is wrong with a file; one wrong program writes the same mistake on every line.
const VIOLATIONS_MAX: usize = 100;

/// What became of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Checked {
    /// The `schema_id` of its documents, each once; those that are known.
    pub(crate) schema_ids: Vec<String>,
    /// How many documents it holds: 1, or one a line.
    pub(crate) documents: usize,
    /// What is wrong; at most 100.
    pub(crate) violations: Vec<Violation>,
}

/// Checks the text of a file. One document, or, when the first line is a whole document, one a line.
pub(crate) fn check(catalogue: &mut Catalogue, text: &str) -> Checked {
    let mut checked = Checked::default();
    match serde_json::from_str::<Value>(text) {
        Ok(document) => checked.take(catalogue, None, &document, None),
        Err(error) => match by_line(text) {
            Some(lines) => checked.take_lines(catalogue, lines),
            None => checked.note(None, vec![Violation::new("", "a JSON document", format!("{error}"))]),
        },
    }
    checked
}

/// The lines that are not empty, from 1, when the file is one of lines.
fn by_line(text: &str) -> Option<impl Iterator<Item = (usize, &str)>> {
    let lines = || text.lines().enumerate().map(|(index, line)| (index + 1, line)).filter(|(_, line)| !line.trim().is_empty());
    let (_, first) = lines().next()?;
    (lines().nth(1).is_some() && serde_json::from_str::<Value>(first).is_ok_and(|first| first.is_object())).then(lines)
}

impl Checked {
    fn note(&mut self, line: Option<usize>, violations: Vec<Violation>) {
        let room = VIOLATIONS_MAX - self.violations.len();
        self.violations.extend(violations.into_iter().take(room).map(|violation| Violation { line, ..violation }));
    }

    fn take_lines<'a>(&mut self, catalogue: &mut Catalogue, lines: impl Iterator<Item = (usize, &'a str)>) {
        let mut first = None;
        for (number, line) in lines {
            match serde_json::from_str::<Value>(line) {
                Ok(document) => {
                    let id = first.get_or_insert_with(|| document["schema_id"].clone()).clone();
                    self.take(catalogue, Some(number), &document, id.as_str());
                }
                Err(error) => {
                    self.documents += 1;
                    self.note(Some(number), vec![Violation::new("", "a JSON document", format!("{error}"))]);
                }
            }
        }
    }

    /// Checks a document against the schema it names, or against `inherited` when it names none.
    fn take(&mut self, catalogue: &mut Catalogue, line: Option<usize>, document: &Value, inherited: Option<&str>) {
        self.documents += 1;
        let id = document["schema_id"].as_str().or(inherited).map(str::to_owned);
        let Some(validator) = id.as_deref().and_then(|id| catalogue.validator(id)) else {
            return self.note(line, vec![unknown(catalogue, document)]);
        };
        let found: Vec<Violation> =
            validator.iter_errors(document).take(VIOLATIONS_MAX).flat_map(|error| violation::violations(&error)).collect();
        self.schema_ids.extend(id.filter(|id| !self.schema_ids.contains(id)));
        self.note(line, found);
    }
}

/// A document that names no schema we know.
fn unknown(catalogue: &Catalogue, document: &Value) -> Violation {
    let found = &document["schema_id"];
    let text = found.as_str().unwrap_or_default();
    let bare = text.rsplit_once('@').map_or(text, |(name, _)| name);
    let other_major = catalogue.entries().iter().find(|entry| entry.id().starts_with(&format!("{bare}@")));
    let expected = other_major
        .map_or_else(|| "the schema_id of a document that rch schema list shows".to_owned(), |entry| format!("\"{}\"", entry.id()));
    let found = if document.is_object() { violation::shown(found) } else { violation::shown(document) };
    Violation::new(
        if document.is_object() { "/schema_id" } else { "" },
        expected,
        if found == "null" { "nothing".to_owned() } else { found },
    )
}
