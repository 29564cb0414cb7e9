//! What stands before the word `xcodebuild`: whatever is taken away, the arguments are the rest of the line.

use rch_schemas::invocation::split;

use crate::input::Input;

/// One word a line.
pub(crate) fn check(data: &[u8]) {
    let words = Input::new(data).words();
    let Ok(found) = split(&words) else { return };
    assert_eq!(words[found.skipped..], found.argv[..]);
    assert_eq!(found.tool.is_some(), found.skipped > 0);
    assert!(found.environment.len() < words.len());
    let names = found.environment.iter().map(|assignment| &assignment.name);
    for name in names {
        assert!(!name.is_empty() && !name.contains(['=', '\0']), "{name:?}");
    }
    if let Some(tool) = &found.tool {
        // Arguments alone are left as they are, unless they call xcodebuild once more.
        let calls_again = found.argv.iter().any(|word| word.ends_with("xcodebuild"));
        assert_eq!(&words[found.skipped - 1], tool);
        if !calls_again {
            let again = split(&found.argv).expect("a line without xcodebuild is all arguments");
            assert_eq!((again.argv, again.skipped), (found.argv, 0));
        }
    }
}
