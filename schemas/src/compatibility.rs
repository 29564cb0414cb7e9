//! What a change of a schema means to those who read and write its documents.
//!
//! Two schemas of one document are compared member by member, references followed. A new optional member is compatible and bumps nothing;
//! removing or renaming one, changing its type, or tightening what it may hold is breaking and needs a new major version.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

/// One difference between two versions of a schema.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// What it means.
    pub kind: ChangeKind,
    /// Where, as a path of members: `/jobs/[]/outcome`.
    pub path: String,
    /// What changed, in words.
    pub what: String,
}

/// What a difference means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// Old readers and old documents go on working.
    Compatible,
    /// An old reader or an old document may fail.
    Breaking,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            ChangeKind::Compatible => "compatible",
            ChangeKind::Breaking => "breaking",
        };
        write!(f, "{kind}: {}: {}", self.path, self.what)
    }
}

/// Every difference between the schema `old` that was released and the schema `new`, each once, in order.
pub fn compare(old: &Value, new: &Value) -> Vec<Change> {
    let mut comparison = Comparison { old_root: old, new_root: new, changes: BTreeSet::new(), seen: BTreeSet::new() };
    comparison.schemas("", old, new);
    comparison.changes.into_iter().collect()
}

struct Comparison<'a> {
    old_root: &'a Value,
    new_root: &'a Value,
    changes: BTreeSet<Change>,
    /// Pairs of references that were followed, so that a schema that refers to itself ends.
    seen: BTreeSet<(String, String)>,
}

impl<'a> Comparison<'a> {
    fn note(&mut self, kind: ChangeKind, path: &str, what: impl Into<String>) {
        let path = if path.is_empty() { "/" } else { path };
        self.changes.insert(Change { kind, path: path.to_owned(), what: what.into() });
    }

    fn schemas(&mut self, path: &str, old: &'a Value, new: &'a Value) {
        let reference = |schema: &Value| schema["$ref"].as_str().unwrap_or_default().to_owned();
        let pair = (reference(old), reference(new));
        if (!pair.0.is_empty() || !pair.1.is_empty()) && !self.seen.insert(pair) {
            return;
        }
        let (old, new) = (resolve(self.old_root, old), resolve(self.new_root, new));
        self.types(path, old, new);
        self.values(path, old, new);
        self.bounds(path, old, new);
        self.members(path, old, new);
        self.variants(path, old, new);
        for (member, suffix) in [("items", "[]"), ("additionalProperties", "*")] {
            if old[member].is_object() && new[member].is_object() {
                self.schemas(&format!("{path}/{suffix}"), &old[member], &new[member]);
            }
        }
        if old["additionalProperties"] != Value::Bool(false) && new["additionalProperties"] == Value::Bool(false) {
            self.note(ChangeKind::Breaking, path, "unknown members are refused now");
        }
    }

    fn types(&mut self, path: &str, old: &Value, new: &Value) {
        let (before, after) = (types(old), types(new));
        if before.is_empty() && after.is_empty() {
            return;
        }
        if !before.is_subset(&after) {
            self.note(ChangeKind::Breaking, path, format!("its type was {before:?} and is {after:?}"));
        } else if before != after {
            self.note(ChangeKind::Compatible, path, format!("it may also be {:?}", after.difference(&before).collect::<Vec<_>>()));
        }
    }

    fn values(&mut self, path: &str, old: &Value, new: &Value) {
        let (before, after) = (closed_values(old), closed_values(new));
        match (before.is_empty(), after.is_empty()) {
            (true, true) => {}
            (true, false) => self.note(ChangeKind::Breaking, path, "it is a closed list of values now"),
            (false, true) => self.note(ChangeKind::Compatible, path, "it is no closed list of values any more"),
            (false, false) => {
                for gone in before.difference(&after) {
                    self.note(ChangeKind::Breaking, path, format!("the value {gone} is gone"));
                }
                for added in after.difference(&before) {
                    self.note(ChangeKind::Compatible, path, format!("the value {added} is new"));
                }
            }
        }
    }

    fn bounds(&mut self, path: &str, old: &Value, new: &Value) {
        if old["pattern"] != new["pattern"] && !new["pattern"].is_null() {
            self.note(ChangeKind::Breaking, path, format!("its pattern was {} and is {}", old["pattern"], new["pattern"]));
        }
        for (bound, grows_tighter) in [("minimum", true), ("maximum", false), ("minLength", true), ("maxLength", false)] {
            let (before, after) = (old[bound].as_f64(), new[bound].as_f64());
            let tighter = match (before, after) {
                (None, Some(_)) => true,
                (Some(before), Some(after)) => (after > before) == grows_tighter && (after - before).abs() > f64::EPSILON,
                (_, None) => false,
            };
            if tighter {
                self.note(ChangeKind::Breaking, path, format!("{bound} was {} and is {}", old[bound], new[bound]));
            }
        }
    }

    fn members(&mut self, path: &str, old: &'a Value, new: &'a Value) {
        let (before, after) = (members(old), members(new));
        let (was_required, is_required) = (required(old), required(new));
        for (name, schema) in &before {
            let place = format!("{path}/{name}");
            let Some(now) = after.get(name) else {
                self.note(ChangeKind::Breaking, &place, "it is gone");
                continue;
            };
            match (was_required.contains(name), is_required.contains(name)) {
                (true, false) => self.note(ChangeKind::Breaking, &place, "it was always written and may be absent now"),
                (false, true) => self.note(ChangeKind::Breaking, &place, "it was optional and is required now"),
                (true, true) | (false, false) => {}
            }
            self.schemas(&place, schema, now);
        }
        for name in after.keys().filter(|name| !before.contains_key(*name)) {
            let place = format!("{path}/{name}");
            if is_required.contains(name) && !before.is_empty() {
                self.note(ChangeKind::Breaking, &place, "it is new and required");
            } else {
                self.note(ChangeKind::Compatible, &place, "it is new and optional");
            }
        }
    }

    /// Variants of a tagged type are told apart by the constant members they have; all else is compared in order.
    fn variants(&mut self, path: &str, old: &'a Value, new: &'a Value) {
        let (before, after) = (variants(old), variants(new));
        for (tag, schema) in &before {
            match after.get(tag) {
                Some(now) => self.schemas(&format!("{path}/<{tag}>"), schema, now),
                None => self.note(ChangeKind::Breaking, path, format!("the variant {tag} is gone")),
            }
        }
        for tag in after.keys().filter(|tag| !before.contains_key(*tag)) {
            self.note(ChangeKind::Compatible, path, format!("the variant {tag} is new"));
        }
    }
}

fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    schema["$ref"].as_str().and_then(|reference| root.pointer(reference.trim_start_matches('#'))).unwrap_or(schema)
}

fn types(schema: &Value) -> BTreeSet<&str> {
    match &schema["type"] {
        Value::String(one) => BTreeSet::from([one.as_str()]),
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => BTreeSet::new(),
    }
}

/// The values of an `enum`, of a `const`, or of an alternative of constants: one documented variant turns the first into the last.
fn closed_values(schema: &Value) -> BTreeSet<String> {
    let listed = schema["enum"].as_array().into_iter().flatten().map(Value::to_string);
    let constant = schema.get("const").map(Value::to_string);
    let alternatives = schema["oneOf"].as_array().into_iter().flatten().filter(|variant| variant["properties"].is_null());
    listed.chain(constant).chain(alternatives.flat_map(closed_values)).collect()
}

fn members(schema: &Value) -> BTreeMap<&str, &Value> {
    schema["properties"].as_object().into_iter().flatten().map(|(name, member)| (name.as_str(), member)).collect()
}

fn required(schema: &Value) -> BTreeSet<&str> {
    schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn variants(schema: &Value) -> BTreeMap<String, &Value> {
    let alternatives = ["oneOf", "anyOf"].into_iter().filter_map(|key| schema[key].as_array()).flatten();
    alternatives
        .enumerate()
        .filter(|(_, variant)| closed_values(variant).is_empty())
        .map(|(index, variant)| (tag(index, variant), variant))
        .collect()
}

fn tag(index: usize, variant: &Value) -> String {
    let constants = members(variant).into_iter().filter_map(|(name, member)| Some(format!("{name}={}", member.get("const")?)));
    let tag = constants.collect::<Vec<_>>().join(",");
    if tag.is_empty() { index.to_string() } else { tag }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use serde_json::json;

    use super::*;

    fn base() -> Value {
        json!({
            "$defs": {
                "Outcome": { "type": "string", "enum": ["success", "failed"] },
                "Place": { "oneOf": [
                    { "type": "object", "properties": { "kind": { "const": "mac" }, "arch": { "type": "string" } }, "required": ["kind", "arch"] },
                    { "type": "object", "properties": { "kind": { "const": "generic" } }, "required": ["kind"] },
                ] },
            },
            "type": "object",
            "required": ["id", "outcome"],
            "properties": {
                "id": { "type": "string", "pattern": "^[a-z]+$" },
                "outcome": { "$ref": "#/$defs/Outcome" },
                "place": { "$ref": "#/$defs/Place" },
                "slots": { "type": "integer", "minimum": 0 },
                "jobs": { "type": "array", "items": { "type": "object", "properties": { "n": { "type": "integer" } } } },
            },
        })
    }

    fn changes(edit: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut new = base();
        edit(&mut new);
        compare(&base(), &new).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn equal_schemas_differ_in_nothing() {
        assert_eq!(changes(|_| {}), Vec::<String>::new());
    }

    #[test]
    fn each_change_is_classified_and_named_with_its_place() {
        type Edit = fn(&mut Value);
        let cases: [(Edit, &str); 14] = [
            (|s| s["properties"]["note"] = json!({ "type": "string" }), "compatible: /note: it is new and optional"),
            (|s| drop(s["properties"].as_object_mut().unwrap().remove("slots")), "breaking: /slots: it is gone"),
            (|s| s["required"] = json!(["id"]), "breaking: /outcome: it was always written and may be absent now"),
            (|s| s["required"] = json!(["id", "outcome", "slots"]), "breaking: /slots: it was optional and is required now"),
            (|s| s["properties"]["slots"]["type"] = json!("string"), "breaking: /slots: its type was {\"integer\"} and is {\"string\"}"),
            (|s| s["properties"]["slots"]["type"] = json!(["integer", "null"]), "compatible: /slots: it may also be [\"null\"]"),
            (|s| s["properties"]["slots"]["minimum"] = json!(1), "breaking: /slots: minimum was 0 and is 1"),
            (|s| s["properties"]["slots"]["maximum"] = json!(9), "breaking: /slots: maximum was null and is 9"),
            (|s| s["properties"]["id"]["pattern"] = json!("^a$"), "breaking: /id: its pattern was \"^[a-z]+$\" and is \"^a$\""),
            (|s| s["$defs"]["Outcome"]["enum"] = json!(["success"]), "breaking: /outcome: the value \"failed\" is gone"),
            (
                |s| s["$defs"]["Outcome"]["enum"] = json!(["success", "failed", "skipped"]),
                "compatible: /outcome: the value \"skipped\" is new",
            ),
            (
                |s| drop(s["$defs"]["Place"]["oneOf"].as_array_mut().unwrap().remove(1)),
                "breaking: /place: the variant kind=\"generic\" is gone",
            ),
            (
                |s| drop(s["$defs"]["Place"]["oneOf"][0]["properties"].as_object_mut().unwrap().remove("arch")),
                "breaking: /place/<kind=\"mac\">/arch: it is gone",
            ),
            (
                |s| s["properties"]["jobs"]["items"]["properties"]["n"]["type"] = json!("string"),
                "breaking: /jobs/[]/n: its type was {\"integer\"} and is {\"string\"}",
            ),
        ];
        for (edit, expected) in cases {
            assert_eq!(changes(edit), [expected]);
        }
    }

    #[test]
    fn documenting_one_value_of_a_closed_list_changes_nothing() {
        let documented = |s: &mut Value| {
            s["$defs"]["Outcome"] = json!({ "oneOf": [{ "type": "string", "enum": ["success"] }, { "description": "no", "type": "string", "const": "failed" }] });
        };
        let found = changes(documented);
        assert!(found.iter().all(|change| !change.contains("value")), "{found:?}");
    }
}
