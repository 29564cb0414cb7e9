//! A layer against the table of keys.

use rch_schemas::environment::check_name;
use serde_json::Value;

use super::error::ConfigError;
use super::key::{self, EXCLUSIVE, Scope, Shape};
use super::layer::{Layer, Place};

/// The longest text of a value, in bytes.
const TEXT_BYTES_MAX: usize = 4_096;
/// The longest list.
const ITEMS_MAX: usize = 1_000;

/// Checks every key and value of a layer, in the order of its keys.
pub(super) fn check(layer: &Layer) -> Result<(), ConfigError> {
    walk(layer, &mut Vec::new(), &layer.values)?;
    variables(layer)?;
    exclusive(layer)
}

/// The names of `[env]` against the rule that the farm holds a job to.
fn variables(layer: &Layer) -> Result<(), ConfigError> {
    for (path, value) in layer.leaves() {
        let (key, names) = match path[..] {
            ["env", "set", name] => ("env.set", vec![name]),
            ["env", "pass"] => ("env.pass", value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()),
            _ => continue,
        };
        let refused = names.into_iter().find_map(|name| check_name(name).err());
        if let Some(source) = refused {
            return Err(ConfigError::Variable { place: layer.place.to_string(), key, source });
        }
    }
    Ok(())
}

fn walk<'a>(layer: &'a Layer, path: &mut Vec<&'a str>, value: &'a Value) -> Result<(), ConfigError> {
    let Value::Object(members) = value else { return leaf(layer, path, value) };
    if key::find(path).is_some() {
        return leaf(layer, path, value);
    }
    if !path.is_empty() && !key::is_section(path) {
        return Err(unknown(layer, path));
    }
    for (name, member) in members {
        path.push(name);
        walk(layer, path, member)?;
        path.pop();
    }
    Ok(())
}

fn leaf(layer: &Layer, path: &[&str], value: &Value) -> Result<(), ConfigError> {
    let dotted = || path.join(".");
    let wrong = |expected: String| {
        let found = if key::find(path).is_some_and(|key| is_secret(key.path)) { "(not shown)".to_owned() } else { shown(value) };
        ConfigError::Value { place: layer.place.to_string(), key: dotted(), found, expected }
    };
    let Some(key) = key::find(path) else {
        return Err(if key::is_section(path) { wrong(format!("a table, [{}]", dotted())) } else { unknown(layer, path) });
    };
    if key.scope == Scope::NotInRepo && matches!(layer.place, Place::Repo(_)) {
        let variable = super::layer::variable_of(key.path);
        return Err(ConfigError::NotInRepo { place: layer.place.to_string(), key: dotted(), variable });
    }
    shape(&key.shape, value).map_err(wrong)
}

fn is_secret(path: &str) -> bool {
    path.starts_with("env.set")
}

/// Whether a value has the shape; what was expected otherwise.
pub(super) fn shape(shape: &Shape, value: &Value) -> Result<(), String> {
    let line = |text: &str| !text.is_empty() && text.len() <= TEXT_BYTES_MAX && !text.contains(['\n', '\r', '\0']);
    let holds = |condition: bool, expected: &str| if condition { Ok(()) } else { Err(expected.to_owned()) };
    match shape {
        Shape::Text => holds(value.as_str().is_some_and(line), "one line of text"),
        Shape::Parsed(parse) => match value.as_str() {
            Some(text) if line(text) => parse(text),
            Some(_) | None => Err(parse("").err().unwrap_or_else(|| "one line of text".to_owned())),
        },
        Shape::OneOf(words) => {
            let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
            holds(value.as_str().is_some_and(|text| words.contains(&text)), &quoted.join(" or "))
        }
        Shape::Switch => holds(value.is_boolean(), "true or false"),
        Shape::Integer { min, max } => {
            holds(value.as_u64().is_some_and(|number| (*min..=*max).contains(&number)), &format!("a whole number from {min} to {max}"))
        }
        Shape::List => {
            let texts = |items: &Vec<Value>| items.len() <= ITEMS_MAX && items.iter().all(|item| item.as_str().is_some_and(line));
            holds(value.as_array().is_some_and(texts), "an array of texts, such as [\"a\", \"b\"]")
        }
        Shape::Scalar => {
            let text = |text: &str| text.len() <= TEXT_BYTES_MAX && !text.contains('\0');
            holds(value.as_str().is_some_and(text) || value.is_boolean() || value.is_i64(), "a text, a whole number, true or false")
        }
    }
}

fn shown(value: &Value) -> String {
    const SHOWN_MAX: usize = 80;
    let text = value.to_string();
    if text.chars().count() <= SHOWN_MAX { text } else { text.chars().take(SHOWN_MAX).chain(['…']).collect() }
}

fn unknown(layer: &Layer, path: &[&str]) -> ConfigError {
    ConfigError::UnknownKey { place: layer.place.to_string(), key: path.join("."), nearest: key::nearest(path) }
}

fn exclusive(layer: &Layer) -> Result<(), ConfigError> {
    let leaves = layer.leaves();
    for group in EXCLUSIVE {
        let given: Vec<&Vec<&str>> = leaves.keys().filter(|path| group.iter().any(|pattern| key::matches(pattern, path))).collect();
        let same_parent = |pair: &&[&Vec<&str>]| pair[0][..pair[0].len() - 1] == pair[1][..pair[1].len() - 1];
        if let Some(pair) = given.windows(2).find(same_parent) {
            let (first, second) = (pair[0].join("."), pair[1].join("."));
            return Err(ConfigError::Exclusive { place: layer.place.to_string(), first, second });
        }
    }
    Ok(())
}
