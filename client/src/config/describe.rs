//! The table of keys for people and programs.

use serde::Serialize;

use super::check::expected;
use super::table::KEYS;
use super::variable::variable_of;

/// One key in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct DescribedKey {
    /// The dotted key; `NAME` stands for a name.
    pub(crate) key: String,
    /// The built-in value as TOML; absent when there is none.
    pub(crate) built_in: Option<String>,
    /// The variable that sets it.
    pub(crate) variable: String,
    /// What its value must be.
    pub(crate) expected: String,
}

/// Every key, in the order of the documentation.
pub(crate) fn described_keys() -> Vec<DescribedKey> {
    let described = |key: &super::key::Key| DescribedKey {
        key: key.path.replace('*', "NAME"),
        built_in: key.built_in.map(str::to_owned),
        variable: variable_of(key.path).replace('*', "NAME"),
        expected: expected(&key.shape),
    };
    KEYS.iter().map(described).collect()
}
