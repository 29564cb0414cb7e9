//! The version of a program.

use std::fmt;

/// Three numbers; what follows them, as in "2.12.0-RC.1", is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
    /// The third number.
    pub patch: u32,
}

impl Version {
    /// The version at the beginning of `text`, where a number that is missing is 0.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut numbers = text.split(['.', '-', '+', ' ']).map(|number| number.parse().ok());
        let mut next = || numbers.next().flatten();
        Some(Self { major: next()?, minor: next()?, patch: next().unwrap_or(0) })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_the_beginning_and_ordered_by_number() {
        let version = |text| Version::read(text).map(|version| version.to_string());
        assert_eq!(version("2.15.1").as_deref(), Some("2.15.1"));
        assert_eq!(version("2.12.0-RC.1").as_deref(), Some("2.12.0"));
        assert_eq!(version("4.48 pypi linux amd64").as_deref(), Some("4.48.0"));
        assert_eq!(version("v2"), None);
        assert!(Version::read("2.9.10") < Version::read("2.12.0"));
    }
}
