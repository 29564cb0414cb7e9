//! The most that any farm could allow.

use rch_schemas::invocation::{Class, Policy, TABLE};

/// A policy that names everything a policy can name, for the arguments of one line. What it refuses, every farm refuses.
pub(super) fn most_generous(argv: &[String]) -> Policy {
    let rows = TABLE.iter().filter(|row| row.class == Class::Policy);
    let arguments = rows.flat_map(|row| row.names).map(|name| (*name).to_owned()).collect();
    let settings = argv.iter().filter_map(|word| word.split_once('=')).map(|(key, _)| key.to_owned()).collect();
    Policy { arguments, settings, trust_macros_and_plugins: true }
}

#[cfg(test)]
mod tests {
    use rch_schemas::invocation::classify;

    use super::*;

    #[test]
    fn what_some_farm_may_allow_is_not_refused_here_and_what_none_does_is() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for (line, accepted) in [
            ("build -scheme App OTHER_LDFLAGS=-ObjC MY_FLAG=1", true),
            ("build -scheme App -xcconfig Config/CI.xcconfig", true),
            ("build -scheme App SYMROOT=/tmp", false),
            ("archive -scheme App", false),
        ] {
            let argv = words(line);
            assert_eq!(classify(&argv, &most_generous(&argv)).is_accepted(), accepted, "{line}");
        }
    }
}
