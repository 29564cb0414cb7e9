//! Files of build settings: every line is looked at, whatever stands around it.

use rch_schemas::invocation::read_xcconfig;

use crate::input::Input;

/// The text of a file.
pub(crate) fn check(data: &[u8]) {
    let Some(text) = Input::new(data).text() else { return };
    let read = read_xcconfig(text);
    let lines = text.lines().count();
    assert!(read.denied.iter().all(|denied| (1..=lines).contains(&denied.line) && !denied.key.is_empty()));
    assert!(read.includes.iter().all(|(line, _)| (1..=lines).contains(line)));

    // What is denied is found after anything.
    let after = read_xcconfig(&format!("{text}\nSYMROOT = /tmp\n#include \"More.xcconfig\"\n"));
    assert_eq!(after.denied.len(), read.denied.len() + 1, "an assignment is hidden by what stands before it");
    assert_eq!(after.includes.len(), read.includes.len() + 1, "an include is hidden by what stands before it");
}
