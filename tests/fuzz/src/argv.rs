//! `xcodebuild` command lines: what is kept of any line stays as it is when it is judged again, and nothing denied is kept.

use rch_schemas::destination::DestinationSpec;
use rch_schemas::invocation::{ARGUMENTS_MAX, Class, Policy, SETTINGS, TABLE, classify};

use crate::input::Input;

/// A byte for the policy, then one word a line.
pub(crate) fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let policy = policy(input.byte());
    let line = input.words();
    let once = classify(&line, &policy);
    for rejected in &once.rejected {
        assert!(rejected.length > 0 && rejected.index + rejected.length <= line.len().max(ARGUMENTS_MAX), "{rejected:?}");
        assert!(!rejected.reason.is_empty() && !rejected.fix.is_empty(), "{rejected:?}");
    }
    assert!(once.dropped.iter().all(|dropped| dropped.index < line.len() && !dropped.reason.is_empty()));
    assert!(once.destinations.iter().all(|text| DestinationSpec::parse(text).is_ok()));
    assert!(once.sanitized_argv.len() <= line.len() + 1, "more is kept than there was");
    check_kept(&once.sanitized_argv);

    let twice = classify(&once.sanitized_argv, &policy);
    assert_eq!(twice.sanitized_argv, once.sanitized_argv);
    assert_eq!((twice.action, &twice.container, &twice.scheme), (once.action, &once.container, &once.scheme));
    assert!(twice.dropped.is_empty() && twice.destinations.is_empty() && !twice.clean);
    assert!(twice.is_accepted() || !once.is_accepted(), "{:?}", twice.rejected);
}

/// One that names nothing, or all there is.
fn policy(choice: u8) -> Policy {
    let mut policy = Policy { trust_macros_and_plugins: choice & 1 == 0, ..Policy::default() };
    if choice & 2 != 0 {
        policy.arguments = TABLE.iter().flat_map(|row| row.names).map(|name| (*name).to_owned()).collect();
        policy.settings = SETTINGS.iter().flat_map(|row| row.names).map(|name| (*name).to_owned()).collect();
    }
    policy
}

/// Nothing of the classes deny and owned is among what is kept, where an argument is expected.
fn check_kept(argv: &[String]) {
    let mut words = argv.iter().skip(1);
    while let Some(word) = words.next() {
        let Some(row) = TABLE.iter().find(|row| row.names.iter().any(|name| name == word)) else { continue };
        assert!(matches!(row.class, Class::Allow | Class::Policy), "{word} is kept");
        if row.value.is_taken() {
            words.next();
        }
    }
}
