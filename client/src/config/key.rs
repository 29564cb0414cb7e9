//! What a key of the configuration is, and how one is found by its path.

use super::table::KEYS;

/// Judges one text; what was expected otherwise.
pub(crate) type Judge = fn(&str) -> Result<(), String>;

/// What a value must be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// One line of text, not empty.
    Text,
    /// Text that a parser accepts.
    Parsed(Judge),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// `true` or `false`.
    Switch,
    /// A whole number within these bounds.
    Integer {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// An array of texts.
    List(Items),
    /// Text, a switch or a whole number: the value of a build setting.
    Scalar,
}

/// What the texts of an array are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Items {
    /// What each must be; `None` when any line of text will do.
    pub(crate) each: Option<Judge>,
    /// What stands between them in a variable: a comma, unless an item may hold one.
    pub(crate) between: char,
}

/// Where a key may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// In every layer.
    Anywhere,
    /// The user's or the machine's: neither a repo that someone else wrote nor a farm may choose it.
    Personal,
    /// The tree's or the user's: what is built, and what leaves this machine. No farm may choose it.
    NotFarm,
}

/// One key.
#[derive(Debug)]
pub(crate) struct Key {
    /// The dotted path; `*` stands for a name.
    pub(crate) path: &'static str,
    /// What its value must be.
    pub(crate) shape: Shape,
    /// Where it may stand.
    pub(crate) scope: Scope,
    /// What the name at its first `*` must be.
    pub(crate) name: Option<Judge>,
    /// The built-in value, as TOML.
    pub(crate) built_in: Option<&'static str>,
}

/// Keys that say the same thing in different words: a layer gives one of them, and a later layer's choice replaces an earlier one's.
/// `*` stands for a name.
pub(crate) const EXCLUSIVE: &[&[&str]] = &[
    &["project.workspace", "project.project", "project.package"],
    &["actions.*.workspace", "actions.*.project", "actions.*.package"],
    &["destination.value", "destination.values"],
];

/// Whether a table's pattern describes this path.
pub(crate) fn matches(pattern: &str, path: &[&str]) -> bool {
    let mut segments = pattern.split('.');
    path.iter().all(|name| segments.next().is_some_and(|segment| segment == "*" || segment == *name)) && segments.next().is_none()
}

/// The key of this path. `actions.verify` is the list of names, not an action of that name.
pub(crate) fn find(path: &[&str]) -> Option<&'static Key> {
    let is_beneath_verify = path.len() > 2 && path.starts_with(&["actions", "verify"]);
    KEYS.iter().find(|key| !is_beneath_verify && matches(key.path, path))
}

/// The path as TOML writes it: names that are no bare keys stand in quotes.
pub(crate) fn dotted<T: AsRef<str>>(path: &[T]) -> String {
    let is_bare = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    let named = |name: &T| if is_bare(name.as_ref()) { name.as_ref().to_owned() } else { format!("{:?}", name.as_ref()) };
    path.iter().map(named).collect::<Vec<_>>().join(".")
}

/// Whether keys can stand beneath this path.
pub(crate) fn is_section(path: &[&str]) -> bool {
    let begins = |key: &Key| {
        let segments: Vec<&str> = key.path.split('.').collect();
        segments.len() > path.len() && matches(&segments[..path.len()].join("."), path)
    };
    path != ["actions", "verify"] && KEYS.iter().any(begins)
}

/// The known path that a mistyped one was meant to be: near in its letters, or the same last name in another section.
pub(crate) fn nearest(path: &[&str]) -> Option<String> {
    let dotted = path.join(".");
    let candidates: Vec<String> = KEYS.iter().flat_map(|key| prefixes(&instantiate(key.path, path))).collect();
    let near = rch_schemas::invocation::nearest(&dotted, candidates.iter().map(String::as_str)).map(str::to_owned);
    let same_name = || {
        let last = path.last()?;
        KEYS.iter().map(|key| key.path).find(|key| key.rsplit('.').next() == Some(last)).map(|key| key.replace('*', "NAME"))
    };
    let same_section = || {
        let (last, section) = path.split_last()?;
        let names = candidates.iter().filter_map(|candidate| candidate.rsplit_once('.'));
        let siblings = names.filter(|(parent, _)| *parent == section.join(".")).map(|(_, name)| name);
        rch_schemas::invocation::nearest(last, siblings).map(|name| [section, &[name]].concat().join("."))
    };
    near.or_else(same_section).or_else(same_name)
}

/// The names that can stand in this section, in the order of the table.
pub(crate) fn members(section: &[&str]) -> Vec<&'static str> {
    let mut names: Vec<&str> = Vec::new();
    for key in KEYS {
        let segments: Vec<&str> = key.path.split('.').collect();
        if segments.len() > section.len() && matches(&segments[..section.len()].join("."), section) {
            let name = segments[section.len()];
            if name != "*" && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// A path and the sections it stands in.
fn prefixes(path: &str) -> Vec<String> {
    let ends = path.match_indices('.').map(|(at, _)| at).chain([path.len()]);
    ends.map(|end| path[..end].to_owned()).collect()
}

/// The pattern with its `*` replaced by the names at the same places of `path`.
fn instantiate(pattern: &str, path: &[&str]) -> String {
    let named = pattern.split('.').enumerate().map(|(index, segment)| match segment {
        "*" => path.get(index).copied().unwrap_or("NAME"),
        _ => segment,
    });
    named.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_key_finds_the_one_that_was_meant() {
        for (path, expected) in [
            ("timeouts.overal_seconds", Some("timeouts.overall_seconds")),
            ("timeout.overall_seconds", Some("timeouts.overall_seconds")),
            ("actions.unit.only_test", Some("actions.unit.only_testing")),
            ("project.xcode", Some("toolchain.xcode")),
            ("bundel", Some("bundle")),
            ("action.build", Some("actions.build")),
            ("no.such.thing", None),
        ] {
            assert_eq!(nearest(&path.split('.').collect::<Vec<_>>()).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn every_built_in_value_has_the_shape_of_its_key() {
        for key in KEYS {
            let Some(text) = key.built_in else { continue };
            let table: toml::Table = format!("value = {text}").parse().expect("built-in values are TOML");
            let value = serde_json::to_value(&table["value"]).expect("TOML has a JSON form");
            assert_eq!(super::super::check::shape(&key.shape, &value), Ok(()), "{}", key.path);
        }
    }

    #[test]
    fn verify_is_a_list_of_names_and_no_action() {
        assert!(matches!(find(&["actions", "verify"]).map(|key| &key.shape), Some(Shape::List(_))));
        assert!(!is_section(&["actions", "verify"]));
        assert!(find(&["actions", "verify", "scheme"]).is_none() && find(&["actions", "verify", "settings", "A"]).is_none());
        assert!(is_section(&["actions", "test", "settings"]) && is_section(&["actions", "anything"]));
    }
}
