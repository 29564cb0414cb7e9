//! What holds for every line, sensible or not.

use proptest::prelude::*;

use super::*;

/// Arguments that stand well beside each other, each with its words.
fn argument() -> impl Strategy<Value = Vec<String>> {
    let name = "[A-Za-z][A-Za-z +().]{0,8}[a-z]";
    let yes_no = prop_oneof![Just("YES".to_owned()), Just("NO".to_owned())];
    let pair = |flag: &'static str| move |value: String| vec![flag.to_owned(), value];
    prop_oneof![
        name.prop_map(pair("-scheme")),
        name.prop_map(pair("-only-testing")),
        name.prop_map(|value| vec![format!("-skip-testing:{value}")]),
        name.prop_map(pair("-skip-test-configuration")),
        "(\\./){0,2}[a-z]{1,3}(//?[a-z]{1,3}){0,2}\\.xcworkspace/{0,2}".prop_map(pair("-workspace")),
        "0{0,2}[1-9]".prop_map(pair("-test-iterations")),
        yes_no.clone().prop_map(pair("-enableCodeCoverage")),
        yes_no.clone().prop_map(|value| vec![format!("ONLY_ACTIVE_ARCH={value}")]),
        yes_no.prop_map(|value| vec![format!("CODE_SIGNING_ALLOWED={value}")]),
        Just(vec!["CODE_SIGN_IDENTITY=".to_owned()]),
        Just(vec!["-quiet".to_owned()]),
        "[a-z/.]{1,8}".prop_map(pair("-derivedDataPath")),
        Just(vec!["clean".to_owned()]),
        Just(vec!["-retry-tests-on-failure".to_owned()]),
        Just(vec!["-sdk".to_owned(), "iphonesimulator".to_owned()]),
    ]
}

/// A line without repetitions that are refused, and the same arguments in another order.
fn two_orders() -> impl Strategy<Value = (Vec<String>, Vec<String>)> {
    let distinct = prop::collection::vec(argument(), 0..8).prop_map(|mut arguments| {
        let may_repeat = |first: &str| first.starts_with("-only") || first.starts_with("-skip") || first == "-quiet";
        let key = |words: &[String]| words[0].split('=').next().unwrap_or_default().to_owned();
        let mut seen = std::collections::BTreeSet::new();
        arguments.retain(|words| seen.insert(key(words)) || may_repeat(&words[0]));
        arguments.push(vec!["test".to_owned()]);
        arguments
    });
    distinct
        .prop_flat_map(|arguments| (Just(arguments.clone()), Just(arguments).prop_shuffle()))
        .prop_map(|(a, b)| (a.concat(), b.concat()))
}

/// Any words, with those of the table among them often enough to reach every branch.
fn any_line() -> impl Strategy<Value = Vec<String>> {
    let known: Vec<String> = TABLE.iter().flat_map(|row| row.names).map(|name| (*name).to_owned()).collect();
    let keys: Vec<String> = SETTINGS.iter().flat_map(|row| row.names).map(|name| format!("{}=YES", name.trim_matches('*'))).collect();
    let word = prop_oneof![
        3 => prop::sample::select(known),
        1 => prop::sample::select(keys),
        1 => prop::sample::select(vec!["YES", "NO", "1", "macosx", "iphonesimulator", "A.xcodeproj", "B.xcworkspace", "platform=macOS", "name=iPhone 16"])
            .prop_map(str::to_owned),
        1 => "\\PC{0,12}",
        1 => "[-@A-Z_a-z\\[\\]=:/.,*0-9]{0,12}",
    ];
    prop::collection::vec(word, 0..16)
}

/// A policy that names everything it can, and the one that names nothing.
fn any_policy() -> impl Strategy<Value = Policy> {
    let generous = Policy {
        arguments: TABLE.iter().flat_map(|row| row.names).map(|name| (*name).to_owned()).collect(),
        settings: SETTINGS.iter().flat_map(|row| row.names).map(|name| (*name).to_owned()).collect(),
        trust_macros_and_plugins: false,
    };
    prop_oneof![Just(Policy::default()), Just(generous)]
}

proptest! {
    #[test]
    fn the_order_of_a_line_does_not_matter((one, other) in two_orders()) {
        let (one, other) = (classify(&one, &Policy::default()), classify(&other, &Policy::default()));
        prop_assert!(one.is_accepted(), "{:?}", one.rejected);
        prop_assert_eq!(one.sanitized_argv, other.sanitized_argv);
        prop_assert_eq!(one.clean, other.clean);
    }

    #[test]
    fn sanitizing_twice_is_sanitizing_once(line in any_line(), policy in any_policy()) {
        let once = classify(&line, &policy);
        let twice = classify(&once.sanitized_argv, &policy);
        prop_assert_eq!(&twice.sanitized_argv, &once.sanitized_argv);
        prop_assert_eq!(twice.action, once.action);
        prop_assert_eq!(&twice.container, &once.container);
        prop_assert_eq!(&twice.scheme, &once.scheme);
        prop_assert!(twice.dropped.is_empty() && twice.destinations.is_empty() && !twice.clean);
        if once.is_accepted() {
            prop_assert!(twice.is_accepted(), "{:?}", twice.rejected);
        }
    }

    #[test]
    fn every_word_is_accounted_for(line in any_line(), policy in any_policy()) {
        let classified = classify(&line, &policy);
        for rejected in &classified.rejected {
            prop_assert!(rejected.length > 0 && rejected.index + rejected.length <= line.len());
            prop_assert!(!rejected.reason.is_empty() && !rejected.fix.is_empty());
        }
        for kept in &classified.sanitized_argv[1..] {
            let asked = line.iter().any(|word| word == kept || kept.ends_with(word.as_str()) || word.trim_start_matches('0') == kept);
            prop_assert!(asked || kept.starts_with('-') || kept.contains('.'), "{} comes from nowhere in {:?}", kept, line);
        }
    }

    #[test]
    fn nothing_denied_or_owned_survives(line in any_line(), policy in any_policy()) {
        let classified = classify(&line, &policy);
        let mut words = classified.sanitized_argv.iter().skip(1);
        while let Some(word) = words.next() {
            let row = TABLE.iter().find(|row| row.names.iter().any(|name| name == word));
            if let Some(row) = row {
                prop_assert!(matches!(row.class, Class::Allow | Class::Policy), "{}", word);
                if row.value.is_taken() {
                    words.next();
                }
            }
        }
    }

    #[test]
    fn splitting_never_panics_and_never_loses_arguments(line in any_line(), at in 0..16_usize) {
        let mut words = line;
        words.insert(at.min(words.len()), "xcodebuild".to_owned());
        if let Ok(found) = split(&words) {
            prop_assert_eq!(&words[found.skipped..], &found.argv[..]);
        }
    }
}
