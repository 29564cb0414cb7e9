//! The version of a NATS server.

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
    /// The version in the answer to `nats-server --version`: "nats-server: v2.15.1".
    pub(crate) fn of_server(answer: &str) -> Option<Self> {
        let (_, numbers) = answer.trim().rsplit_once("nats-server: v")?;
        let mut numbers = numbers.split(['.', '-', '+']).map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Self { major: next()?, minor: next()?, patch: next()? })
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
    fn versions_are_read_as_the_server_prints_them_and_ordered_by_number() {
        let version = |text| Version::of_server(text).map(|version| version.to_string());
        assert_eq!(version("nats-server: v2.15.1\n").as_deref(), Some("2.15.1"));
        assert_eq!(version("nats-server: v2.12.0-RC.1\n").as_deref(), Some("2.12.0"));
        assert_eq!(version("nats-server v2\n"), None);
        assert!(Version::of_server("nats-server: v2.9.10") < Version::of_server("nats-server: v2.12.0"));
    }
}
