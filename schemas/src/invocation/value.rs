//! What the value of an argument may be, and its one canonical spelling.

use super::sdk::Sdk;

/// The rule for an argument's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// It takes none.
    None,
    /// Any text, for names that are the project's and for arguments that are dropped or refused with whatever follows them.
    Text,
    /// A test's name, after `:` or as the next word: `Target/Class/method()`; may hold spaces, `+`, brackets and back-ticks.
    TestName,
    /// `YES` or `NO`.
    YesNo,
    /// A whole number, first and last included.
    Number(u32, u32),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// An SDK's name.
    Sdk,
    /// A configuration's name, in exact case.
    Configuration,
    /// A language or region, such as `de` or `zh-Hans`.
    Locale,
    /// A path within the tree that ends in this.
    Path(&'static str),
}

/// Why a value is refused, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) reason: String,
    pub(super) fix: String,
}

pub(super) fn refuse<T>(reason: impl Into<String>, fix: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { reason: reason.into(), fix: fix.into() })
}

impl Value {
    /// Whether the word after the argument belongs to it.
    pub fn is_taken(self) -> bool {
        self != Self::None
    }

    /// For documentation: what may be written.
    pub fn describe(self) -> String {
        match self {
            Self::None => String::new(),
            Self::Text => "TEXT".to_owned(),
            Self::TestName => "TEST".to_owned(),
            Self::YesNo => "YES|NO".to_owned(),
            Self::Number(first, last) => format!("{first}..{last}"),
            Self::OneOf(words) => words.join("|"),
            Self::Sdk => "SDK".to_owned(),
            Self::Configuration => "NAME".to_owned(),
            Self::Locale => "CODE".to_owned(),
            Self::Path(ending) => format!("PATH{ending}"),
        }
    }

    /// The canonical spelling of `text`, the argument `name`'s value.
    pub(super) fn canonical(self, name: &str, text: &str) -> Result<String, Refusal> {
        match self {
            Self::None | Self::Text => Ok(text.to_owned()),
            Self::TestName => test_name(name, text),
            Self::YesNo => one_of(name, text, &["YES", "NO"]),
            Self::Number(first, last) => number(name, text, first, last),
            Self::OneOf(words) => one_of(name, text, words),
            Self::Sdk => sdk(text),
            Self::Configuration => configuration(text),
            Self::Locale => locale(name, text),
            Self::Path(ending) => path(name, text, ending),
        }
    }
}

fn test_name(name: &str, text: &str) -> Result<String, Refusal> {
    if text.starts_with('-') {
        return refuse("no test's name begins with -", format!("write {name}:Target/Class/test"));
    }
    Ok(text.to_owned())
}

fn one_of(name: &str, text: &str, words: &[&str]) -> Result<String, Refusal> {
    if words.contains(&text) {
        return Ok(text.to_owned());
    }
    let meant = words.iter().find(|word| word.eq_ignore_ascii_case(text)).unwrap_or(&words[0]);
    refuse(format!("{name} takes {}, in exact case", words.join(" or ")), format!("write {name} {meant}"))
}

fn number(name: &str, text: &str, first: u32, last: u32) -> Result<String, Refusal> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse::<u32>() {
        Ok(number) if digits && (first..=last).contains(&number) => Ok(number.to_string()),
        _ => refuse(format!("{name} takes a whole number from {first} to {last}"), format!("write {name} {first} or more")),
    }
}

fn sdk(text: &str) -> Result<String, Refusal> {
    match text.parse::<Sdk>() {
        Ok(_) => Ok(text.to_owned()),
        Err(unknown) if text.contains('/') => {
            refuse(format!("{unknown}; a path would choose files of the worker"), "write the platform, such as -sdk iphonesimulator")
        }
        Err(unknown) => refuse(unknown.to_string(), "write the platform, such as -sdk iphonesimulator"),
    }
}

/// Xcode's own two configurations are known by heart; the case of a project's others only the project knows.
fn configuration(text: &str) -> Result<String, Refusal> {
    match ["Debug", "Release"].into_iter().find(|known| known.eq_ignore_ascii_case(text) && *known != text) {
        Some(known) => refuse("names of configurations are compared in exact case", format!("write -configuration {known}")),
        None => Ok(text.to_owned()),
    }
}

fn locale(name: &str, text: &str) -> Result<String, Refusal> {
    if text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        return Ok(text.to_owned());
    }
    refuse(
        format!("{name} takes a code of letters, digits, - and _"),
        format!("write {name} {}", if name == "-testRegion" { "DE" } else { "de" }),
    )
}

fn path(name: &str, text: &str, ending: &str) -> Result<String, Refusal> {
    if text.starts_with('/') {
        return refuse("the path is absolute, and the worker has the tree elsewhere", "write it relative to the root of the tree");
    }
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return refuse("the path leaves the tree by ..", "write it relative to the root of the tree");
    }
    let path = parts.join("/");
    if path.is_empty() {
        return refuse("this is the tree itself", format!("a package needs no {name}: leave it out"));
    }
    if path.starts_with('-') {
        return refuse("a path that begins with - could be read as an argument", "rename the file");
    }
    if !path.ends_with(ending) {
        let fix = match path.rsplit_once('.').map(|(_, extension)| extension) {
            Some("xcworkspace") => format!("write -workspace {path}"),
            Some("xcodeproj") => format!("write -project {path}"),
            _ => format!("name the {ending} file"),
        };
        return refuse(format!("{name} takes a path that ends in {ending}"), fix);
    }
    Ok(path)
}
