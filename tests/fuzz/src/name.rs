//! Names in a bundle: a valid one is safe to put beneath a directory, and folding is a true equivalence.

use std::path::{Component, Path};

use rch_bundle::name::{self, Taken};

use crate::input::Input;

/// Two paths, one a line.
pub(crate) fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let (Ok(one), Some(other)) = (std::str::from_utf8(input.line()), input.text()) else { return };
    for path in [one, other] {
        let folded = name::fold(path);
        assert_eq!(name::fold(&folded), folded, "{path:?}");
        let composed = name::nfc(path);
        assert_eq!(name::nfc(&composed), composed);
        assert_eq!(name::fold(&composed), folded, "{path:?} in form C is another name");
        if name::check(path).is_ok() {
            assert!(Path::new(path).components().all(|component| matches!(component, Component::Normal(_))), "{path:?}");
            assert_eq!(path, composed);
            assert!(!path.contains('\0') && path.split('/').all(|component| !component.eq_ignore_ascii_case(".git")));
        }
    }
    let mut taken = Taken::default();
    taken.take(one).expect("nothing is taken yet");
    assert_eq!(taken.take(other).is_err(), name::fold(one) == name::fold(other));
}
