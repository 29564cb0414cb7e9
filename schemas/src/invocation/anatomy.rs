//! What each word of a line is, for people who ask why: its row of the tables, before its value is judged.

use super::scan::{What, scan};
use super::settings::{self, SettingClass};
use super::table::Class;

/// Some words of a line, and what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Where it begins, counted from 0 after the word `xcodebuild`.
    pub index: usize,
    /// How many words it covers, at least 1.
    pub length: usize,
    /// Its class; nothing for what no table knows.
    pub class: Option<Class>,
    /// What it is for, or why it is dropped or refused; empty for what no table knows.
    pub meaning: &'static str,
}

/// Takes a line apart, every word of it, in order. What becomes of each part is [`classify`](super::classify)'s to say.
pub fn anatomy(argv: &[String]) -> Vec<Part> {
    let part = |found: super::scan::Found<'_>| {
        let (class, meaning) = match found.what {
            What::Argument { row, .. } => (Some(row.class), row.rule),
            What::Setting { key, .. } => match settings::find(settings::base(key)) {
                Some(row) => (Some(of_setting(row.class)), row.rule),
                None => (Some(Class::Policy), "a setting of the project's own"),
            },
            What::Unreadable { .. } => (None, ""),
        };
        Part { index: found.index, length: found.words.len(), class, meaning }
    };
    scan(argv).into_iter().map(part).collect()
}

fn of_setting(class: SettingClass) -> Class {
    match class {
        SettingClass::Allow(_) => Class::Allow,
        SettingClass::Policy => Class::Policy,
        SettingClass::Deny => Class::Deny,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_belongs_to_one_part_with_its_class() {
        let line = "test -scheme App -quiet -destination platform=iOS Simulator,name=x -arch arm64 archive ONLY_ACTIVE_ARCH=NO MINE=1 SYMROOT=x ???";
        let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let parts = anatomy(&argv);
        let found: Vec<(usize, usize, Option<&str>)> =
            parts.iter().map(|part| (part.index, part.length, part.class.map(Class::as_str))).collect();
        assert_eq!(
            found,
            [
                (0, 1, Some("allow")),
                (1, 2, Some("allow")),
                (3, 1, Some("owned")),
                (4, 2, Some("owned")),
                (6, 1, None),
                (7, 2, Some("policy")),
                (9, 1, Some("deny")),
                (10, 1, Some("allow")),
                (11, 1, Some("policy")),
                (12, 1, Some("deny")),
                (13, 1, None),
            ]
        );
        assert_eq!(parts.iter().map(|part| part.length).sum::<usize>(), argv.len());
        assert!(parts.iter().all(|part| part.class.is_none() == part.meaning.is_empty()));
    }
}
