//! The text after `-destination`: its canonical text means the same.

use rch_schemas::destination::DestinationSpec;

use crate::input::Input;

/// The text itself.
pub(crate) fn check(data: &[u8]) {
    let Some(text) = Input::new(data).text() else { return };
    match DestinationSpec::parse(text) {
        Ok(spec) => {
            let canonical = spec.to_string();
            assert_eq!(DestinationSpec::parse(&canonical).as_ref(), Ok(&spec), "{text:?} as {canonical:?}");
            assert_eq!(DestinationSpec::parse(&format!(" {canonical} ")).as_ref(), Ok(&spec), "spaces around it mean nothing");
            let _ = (spec.kind(), spec.leaves_choice());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
