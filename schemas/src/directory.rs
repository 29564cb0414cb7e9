//! A directory of the source tree that a step runs in.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// What every canonical spelling looks like; what `..` and `.` make of a path no expression says as well as the parser.
const PATTERN: &str = "^[^-/\\x00-\\x1f\\x7f][^\\x00-\\x1f\\x7f]*$";
/// The longest path that macOS opens, in bytes.
const BYTES_MAX: usize = 1_024;

/// A directory beneath the tree's root, by its path from there, and never the root itself: the same text for every spelling.
///
/// The rules are lexical: relative, no `..`, no leading `-`, no control characters. Whether the path leads through a link is for whoever has
/// the tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TreeDirectory(String);

/// Why a path is no directory that a step can run in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDirectory {
    /// It begins with `/`.
    #[error("{0:?} is absolute: expected a directory relative to the root of the tree")]
    Absolute(String),
    /// It has a component `..`.
    #[error("{0:?} leaves the tree by ..: expected a directory relative to the root of the tree")]
    Leaves(String),
    /// It could be read as an argument.
    #[error("{0:?} begins with -, and could be read as an argument: rename the directory")]
    LikeAnArgument(String),
    /// It has a control character, or is too long.
    #[error("{0:?} has a control character or more than {BYTES_MAX} bytes: rename the directory")]
    Unprintable(String),
    /// It is the root.
    #[error("{0:?} is the root of the tree, where everything runs that names no directory: leave it out")]
    Root(String),
}

impl TreeDirectory {
    /// The path from the root, without `.` and without a trailing `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How many directories lie between the root and this one, itself counted.
    pub fn depth(&self) -> usize {
        self.0.split('/').count()
    }
}

impl FromStr for TreeDirectory {
    type Err = InvalidDirectory;
    fn from_str(text: &str) -> Result<Self, InvalidDirectory> {
        let found = || text.chars().take(80).collect();
        if text.starts_with('/') {
            return Err(InvalidDirectory::Absolute(found()));
        }
        if text.len() > BYTES_MAX || text.chars().any(char::is_control) {
            return Err(InvalidDirectory::Unprintable(found()));
        }
        let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        match parts.first() {
            None => Err(InvalidDirectory::Root(found())),
            Some(_) if parts.contains(&"..") => Err(InvalidDirectory::Leaves(found())),
            Some(first) if first.starts_with('-') => Err(InvalidDirectory::LikeAnArgument(found())),
            Some(_) => Ok(Self(parts.join("/"))),
        }
    }
}

impl TryFrom<String> for TreeDirectory {
    type Error = InvalidDirectory;
    fn try_from(text: String) -> Result<Self, InvalidDirectory> {
        text.parse()
    }
}

impl From<TreeDirectory> for String {
    fn from(directory: TreeDirectory) -> Self {
        directory.0
    }
}

impl fmt::Display for TreeDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for TreeDirectory {
    fn schema_name() -> Cow<'static, str> {
        "TreeDirectory".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A directory beneath the root of the source tree, by its path from there.",
            "pattern": PATTERN,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_directory_is_one() {
        for text in ["Packages/Kit", "./Packages/Kit/", "Packages//./Kit"] {
            assert_eq!(text.parse::<TreeDirectory>().map(String::from), Ok("Packages/Kit".to_owned()), "{text}");
        }
        assert_eq!("Packages/Kit".parse::<TreeDirectory>().map(|directory| directory.depth()), Ok(2));
    }

    #[test]
    fn what_is_not_beneath_the_root_is_refused_by_what_is_wrong_with_it() {
        let refused = |text: &str| text.parse::<TreeDirectory>().err();
        assert_eq!(refused("/tmp"), Some(InvalidDirectory::Absolute("/tmp".to_owned())));
        assert_eq!(refused("a/../../b"), Some(InvalidDirectory::Leaves("a/../../b".to_owned())));
        assert_eq!(refused("./-x"), Some(InvalidDirectory::LikeAnArgument("./-x".to_owned())));
        assert_eq!(refused("a\nb"), Some(InvalidDirectory::Unprintable("a\nb".to_owned())));
        assert!(matches!(refused(&"a/".repeat(600)), Some(InvalidDirectory::Unprintable(_))));
        for root in ["", ".", "./"] {
            assert_eq!(refused(root), Some(InvalidDirectory::Root(root.to_owned())));
        }
        assert!(serde_json::from_str::<TreeDirectory>("\"../x\"").is_err(), "and from JSON, too");
    }
}
