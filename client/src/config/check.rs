//! A layer against the table of keys.

use rch_schemas::environment::check_name;
use serde_json::Value;

use super::error::ConfigError;
use super::key::{self, EXCLUSIVE, Key, Scope, Shape};
use super::layer::Layer;
use super::place::Place;
use super::value::may_hold_a_password;
use super::variable::variable_of;

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
    let dotted = key::dotted(path);
    let Some(key) = key::find(path) else {
        if !key::is_section(path) {
            return Err(unknown(layer, path));
        }
        let expected = format!("a table, [{dotted}]");
        return Err(ConfigError::Value { place: layer.place.to_string(), key: dotted, found: shown(value), expected });
    };
    scope(layer, key, path)?;
    name(layer, key, path)?;
    let wrong = |wrong: Wrong<'_>| ConfigError::Value {
        place: layer.place.to_string(),
        key: wrong.at.map_or_else(|| dotted.clone(), |at| format!("{dotted}[{at}]")),
        found: if is_secret(key.path, wrong.found) { "(not shown)".to_owned() } else { shown(wrong.found) },
        expected: wrong.expected,
    };
    judge(&key.shape, value).map_err(wrong)
}

fn scope(layer: &Layer, key: &Key, path: &[&str]) -> Result<(), ConfigError> {
    if key.scope == Scope::Personal && matches!(layer.place, Place::Repo(_)) {
        let (place, variable) = (layer.place.to_string(), variable_of(key.path));
        return Err(ConfigError::NotInRepo { place, key: key::dotted(path), variable });
    }
    Ok(())
}

/// What stands in the place of the pattern's first `*`.
fn name(layer: &Layer, key: &Key, path: &[&str]) -> Result<(), ConfigError> {
    let Some((judge, at)) = key.name.zip(key.path.split('.').position(|segment| segment == "*")) else { return Ok(()) };
    judge(path[at]).map_err(|expected| ConfigError::Name { place: layer.place.to_string(), key: key::dotted(path), expected })
}

fn is_secret(path: &str, found: &Value) -> bool {
    path.starts_with("env.set") || path == "coordinator" && may_hold_a_password(&found.to_string())
}

/// What does not fit.
struct Wrong<'a> {
    /// In which item of a list.
    at: Option<usize>,
    found: &'a Value,
    expected: String,
}

/// Whether a value has the shape; what was expected otherwise.
#[cfg(test)]
pub(super) fn shape(shape: &Shape, value: &Value) -> Result<(), String> {
    judge(shape, value).map_err(|wrong| wrong.expected)
}

fn judge<'a>(shape: &Shape, value: &'a Value) -> Result<(), Wrong<'a>> {
    let fits = match shape {
        Shape::Text => value.as_str().is_some_and(is_line),
        Shape::Parsed(parse) => match value.as_str() {
            Some(text) if is_line(text) => return parse(text).map_err(|expected| Wrong { at: None, found: value, expected }),
            Some(_) | None => false,
        },
        Shape::OneOf(words) => value.as_str().is_some_and(|text| words.contains(&text)),
        Shape::Switch => value.is_boolean(),
        Shape::Integer { min, max } => value.as_u64().is_some_and(|number| (*min..=*max).contains(&number)),
        Shape::List(items) => match value.as_array() {
            Some(texts) if texts.len() <= ITEMS_MAX && texts.iter().all(Value::is_string) => {
                return texts.iter().enumerate().try_for_each(|(at, item)| {
                    let text = item.as_str().unwrap_or_default();
                    let judged = if is_line(text) { items.each.map_or(Ok(()), |each| each(text)) } else { Err(LINE.to_owned()) };
                    judged.map_err(|expected| Wrong { at: Some(at), found: item, expected })
                });
            }
            Some(_) | None => false,
        },
        Shape::Scalar => {
            let text = |text: &str| text.len() <= TEXT_BYTES_MAX && !text.contains('\0');
            value.as_str().is_some_and(text) || value.is_boolean() || value.is_i64()
        }
    };
    if fits { Ok(()) } else { Err(Wrong { at: None, found: value, expected: expected(shape) }) }
}

const LINE: &str = "one line of text, not empty, of at most 4096 bytes";

fn is_line(text: &str) -> bool {
    !text.is_empty() && text.len() <= TEXT_BYTES_MAX && !text.contains(['\n', '\r', '\0'])
}

/// What a value of this shape must be, in words.
pub(super) fn expected(shape: &Shape) -> String {
    match shape {
        Shape::Text => LINE.to_owned(),
        Shape::Parsed(parse) => parse("").err().unwrap_or_else(|| LINE.to_owned()),
        Shape::OneOf(words) => words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" or "),
        Shape::Switch => "true or false".to_owned(),
        Shape::Integer { min, max } if min == max => format!("{min}, the only one this rch reads; a newer file needs a newer rch"),
        Shape::Integer { min, max } => format!("a whole number from {min} to {max}"),
        Shape::List(_) => format!("an array of at most {ITEMS_MAX} texts, such as [\"a\", \"b\"]"),
        Shape::Scalar => format!("a text of at most {TEXT_BYTES_MAX} bytes, a whole number, true or false"),
    }
}

fn shown(value: &Value) -> String {
    const SHOWN_MAX: usize = 80;
    let tables = |items: &Vec<Value>| !items.is_empty() && items.iter().all(Value::is_object);
    match value {
        Value::Object(_) => return "a table".to_owned(),
        Value::Array(items) if tables(items) => return "an array of tables".to_owned(),
        Value::Null => return "neither text nor number nor switch".to_owned(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {}
    }
    let text = value.to_string();
    if text.chars().count() <= SHOWN_MAX { text } else { text.chars().take(SHOWN_MAX).chain(['…']).collect() }
}

fn unknown(layer: &Layer, path: &[&str]) -> ConfigError {
    let section = &path[..path.len() - 1];
    let members = if section.is_empty() { Vec::new() } else { key::members(section) };
    let hint = match (key::nearest(path), members.as_slice()) {
        (Some(near), _) => format!("did you mean {near}?"),
        (None, []) => "`rch config keys` lists those there are".to_owned(),
        (None, members) => format!("[{}] has {}", key::dotted(section), members.join(", ")),
    };
    ConfigError::UnknownKey { place: layer.place.to_string(), key: key::dotted(path), hint }
}

fn exclusive(layer: &Layer) -> Result<(), ConfigError> {
    let leaves = layer.leaves();
    for group in EXCLUSIVE {
        let given: Vec<&Vec<&str>> = leaves.keys().filter(|path| group.iter().any(|pattern| key::matches(pattern, path))).collect();
        let same_parent = |pair: &&[&Vec<&str>]| pair[0][..pair[0].len() - 1] == pair[1][..pair[1].len() - 1];
        if let Some(pair) = given.windows(2).find(same_parent) {
            let (first, second) = (key::dotted(pair[0]), key::dotted(pair[1]));
            return Err(ConfigError::Exclusive { place: layer.place.to_string(), first, second });
        }
    }
    Ok(())
}
