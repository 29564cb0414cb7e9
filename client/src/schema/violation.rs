//! What differs between a document and its schema, in words.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde::Serialize;
use serde_json::Value;

/// What one variant of an alternative has against a value.
type Branch = Vec<ValidationError<'static>>;

/// How much of a value is shown, in characters.
const SHOWN_MAX: usize = 60;

/// One place where a document is not what its schema says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Violation {
    /// The line of the file, from 1; absent when the file is one document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<usize>,
    /// Where, as a JSON pointer; empty for the whole document.
    pub(crate) pointer: String,
    /// What would be right there.
    pub(crate) expected: String,
    /// What is there, as JSON, cut to 60 characters.
    pub(crate) found: String,
}

impl Violation {
    /// At `pointer`, in a file that is one document.
    pub(super) fn new(pointer: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { line: None, pointer: pointer.into(), expected: expected.into(), found: found.into() }
    }
}

/// The start of a value, for people.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= SHOWN_MAX {
        return text;
    }
    text.chars().take(SHOWN_MAX - 1).chain(['…']).collect()
}

/// What one error of the validator says; several places when it is about alternatives.
pub(super) fn violations(error: &ValidationError<'_>) -> Vec<Violation> {
    let pointer = error.instance_path().as_str();
    if let ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context } = error.kind() {
        return of_alternatives(error, context);
    }
    if let ValidationErrorKind::Required { property } = error.kind() {
        let name = property.as_str().unwrap_or_default().replace('~', "~0").replace('/', "~1");
        return vec![Violation::new(format!("{pointer}/{name}"), "a value: this member is always there", "nothing")];
    }
    vec![Violation::new(pointer, either(expected(error)), shown(error.instance()))]
}

/// What would be right, in one phrase for each possibility.
fn expected(error: &ValidationError<'_>) -> Vec<String> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the kinds are another crate's; those our schemas do not use keep its words")]
    let one = match error.kind() {
        ValidationErrorKind::Type { kind: TypeKind::Multiple(many) } => return many.iter().map(|one| one.to_string()).collect(),
        ValidationErrorKind::Enum { options } => return options.as_array().into_iter().flatten().map(Value::to_string).collect(),
        ValidationErrorKind::Type { kind: TypeKind::Single(one) } => one.to_string(),
        ValidationErrorKind::Constant { expected_value } => expected_value.to_string(),
        ValidationErrorKind::Pattern { pattern } => format!("text that matches {pattern}"),
        ValidationErrorKind::Format { format } => format!("a {format}"),
        ValidationErrorKind::Minimum { limit } => format!("at least {limit}"),
        ValidationErrorKind::Maximum { limit } => format!("at most {limit}"),
        ValidationErrorKind::AdditionalProperties { unexpected } => format!("no member {}", unexpected.join(", ")),
        _ => error.masked_with("what is there").to_string(),
    };
    vec![one]
}

/// An alternative is told by the variant that was meant: the one whose type and whose constant members fit.
fn of_alternatives(error: &ValidationError<'_>, context: &[Branch]) -> Vec<Violation> {
    let pointer = error.instance_path().as_str();
    let is_here = |inner: &&ValidationError<'_>| inner.instance_path().as_str() == pointer;
    let of_type = |branch: &&Branch| !branch.iter().filter(is_here).any(|inner| matches!(inner.kind(), ValidationErrorKind::Type { .. }));
    let tag = |branch: &'_ Branch| {
        branch.iter().position(|inner| !is_here(&inner) && matches!(inner.kind(), ValidationErrorKind::Constant { .. }))
    };
    // What a plain value should have been, when no branch looks into it.
    let is_value = |inner: &&ValidationError<'_>| is_here(inner) && !matches!(inner.kind(), ValidationErrorKind::Required { .. });
    let fitting: Vec<&Branch> = context.iter().filter(of_type).collect();
    let meant: Vec<&Branch> =
        fitting.iter().copied().filter(|branch| tag(branch).is_none() && !branch.iter().all(|inner| is_value(&inner))).collect();
    if let Some(violations) = of_meant(&meant) {
        return violations;
    }
    // No variant was meant: say which there are, at their tag when they have one.
    let tags: Vec<&ValidationError<'_>> = fitting.iter().filter_map(|branch| branch.get(tag(branch)?)).collect();
    if let [first, ..] = tags.as_slice() {
        let words = tags.iter().flat_map(|tag| expected(tag)).collect();
        return vec![Violation::new(first.instance_path().as_str(), either(words), shown(first.instance()))];
    }
    let words = context.iter().flat_map(|branch| branch.iter().filter(is_value)).flat_map(expected).collect();
    vec![Violation::new(pointer, either(words), shown(error.instance()))]
}

/// What every variant that may have been meant has against the value; when that is nothing, what the nearest of them has.
fn of_meant(meant: &[&Branch]) -> Option<Vec<Violation>> {
    let told: Vec<Vec<Violation>> = meant.iter().map(|branch| branch.iter().flat_map(violations).collect()).collect();
    let (first, others) = told.split_first()?;
    let common: Vec<Violation> = first.iter().filter(|violation| others.iter().all(|other| other.contains(violation))).cloned().collect();
    if common.is_empty() { told.into_iter().min_by_key(Vec::len) } else { Some(common) }
}

/// `a, b or c`, each once.
fn either(words: Vec<String>) -> String {
    let mut seen: Vec<String> = Vec::new();
    for word in words {
        if !seen.contains(&word) {
            seen.push(word);
        }
    }
    match seen.as_slice() {
        [] => "another value".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
