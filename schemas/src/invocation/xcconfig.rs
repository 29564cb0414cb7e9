//! What a file given with `-xcconfig` assigns. It beats the command line, so what is denied there must be denied in it.

use super::settings::{self, SettingClass};

/// What stands in one file of build settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Xcconfig {
    /// Files it includes, as written, each with its line. Whoever reads files follows them, within the tree.
    pub includes: Vec<(usize, String)>,
    /// Settings it may not assign.
    pub denied: Vec<DeniedAssignment>,
}

/// A setting that no file may assign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeniedAssignment {
    /// The line, counted from 1.
    pub line: usize,
    /// The key, with its condition.
    pub key: String,
    /// Why.
    pub reason: &'static str,
    /// What to do instead.
    pub fix: &'static str,
}

/// The file that canonical arguments name with `-xcconfig`, from the root of the tree.
pub fn xcconfig_of(sanitized_argv: &[String]) -> Option<&str> {
    let named = sanitized_argv.iter().position(|argument| argument == "-xcconfig")?;
    sanitized_argv.get(named + 1).map(String::as_str)
}

/// Reads the text of an `.xcconfig` file. Lines that are no assignment and no include are passed over, as Xcode does.
pub fn read_xcconfig(text: &str) -> Xcconfig {
    let mut file = Xcconfig::default();
    for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line.trim().trim_start_matches('\u{feff}'))) {
        if let Some(include) = line.strip_prefix("#include") {
            file.includes.extend(include.split('"').nth(1).map(|path| (number, path.to_owned())));
            continue;
        }
        let Some(key) = settings::split(&line.replace([' ', '\t'], "")).map(|(key, _)| key.to_owned()) else { continue };
        if let Some(row) = settings::find(settings::base(&key)).filter(|row| row.class == SettingClass::Deny) {
            file.denied.push(DeniedAssignment { line: number, key, reason: row.rule, fix: row.instead });
        }
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denied_keys_and_includes_are_found_in_every_spelling() {
        let text = "// SYMROOT = comment\n#include \"Base.xcconfig\"\n#include? \"../Local.xcconfig\"\nONLY_ACTIVE_ARCH = NO\n  SYMROOT\t= build // here\n\
                    CC[sdk=iphoneos*][arch=arm64]=/bin/evil\nOTHER_LDFLAGS = -ObjC -l\"x\"\nnonsense\n";
        let file = read_xcconfig(text);
        assert_eq!(file.includes, [(2, "Base.xcconfig".to_owned()), (3, "../Local.xcconfig".to_owned())]);
        let denied: Vec<(usize, &str)> = file.denied.iter().map(|denied| (denied.line, denied.key.as_str())).collect();
        assert_eq!(denied, [(5, "SYMROOT"), (6, "CC[sdk=iphoneos*][arch=arm64]")]);
        assert!(file.denied.iter().all(|denied| !denied.reason.is_empty() && !denied.fix.is_empty()));
    }
}
