//! Build settings on the command line: which ones, and which values.
//!
//! Values are closed where they can be. They are never folded: `YES`, `yes` and `1` are different bytes to the scripts of a project.

use super::nearest::nearest;
use super::policy::Policy;
use super::value::{Refusal, refuse};
use crate::requirement::Version;

/// What becomes of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingClass {
    /// Kept, with one of these values.
    Allow(Closed),
    /// Kept with a value that reaches nothing outside the tree, when the farm's policy names it.
    Policy,
    /// Refused whatever a policy says.
    Deny,
}

/// A closed set of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// `YES` or `NO`.
    YesNo,
    /// Nothing at all.
    Empty,
    /// Architectures, joined by spaces.
    Archs,
    /// Numbers joined by dots.
    Version,
    /// One of these texts.
    OneOf(&'static [&'static str]),
}

/// One line of the table.
#[derive(Debug)]
pub struct SettingRow {
    /// Keys; a `*` at the start or the end stands for anything.
    pub names: &'static [&'static str],
    /// What becomes of it.
    pub class: SettingClass,
    /// Why.
    pub rule: &'static str,
    /// What to write instead, when the class refuses it.
    pub instead: &'static str,
}

const fn allow(names: &'static [&'static str], values: Closed, rule: &'static str) -> SettingRow {
    SettingRow { names, class: SettingClass::Allow(values), rule, instead: "" }
}

const fn policy(names: &'static [&'static str], rule: &'static str, instead: &'static str) -> SettingRow {
    SettingRow { names, class: SettingClass::Policy, rule, instead }
}

const fn deny(names: &'static [&'static str], rule: &'static str, instead: &'static str) -> SettingRow {
    SettingRow { names, class: SettingClass::Deny, rule, instead }
}

/// The table of settings. The first row that matches counts, so what is denied stands first.
#[rustfmt::skip]
pub const SETTINGS: &[SettingRow] = &[
    deny(&["SYMROOT", "OBJROOT", "DSTROOT", "BUILD_DIR", "BUILD_ROOT", "CONFIGURATION_BUILD_DIR", "CONFIGURATION_TEMP_DIR", "PROJECT_TEMP_DIR",
        "SHARED_PRECOMPS_DIR", "DERIVED*", "INSTALL_ROOT"], "the farm chooses paths", "leave it out: products come back as artifacts"),
    deny(&["TOOLCHAINS", "CC", "CXX", "LD", "LDPLUSPLUS", "LIBTOOL", "SWIFT_EXEC", "*_LAUNCHER", "DEVELOPER_DIR"], "it chooses which programs run",
        "leave it out: the Xcode of [toolchain] is used"),
    deny(&["SDKROOT"], "-sdk is its only carrier", "write -sdk with the platform, such as -sdk iphonesimulator"),

    allow(&["ONLY_ACTIVE_ARCH", "CODE_SIGNING_ALLOWED", "CODE_SIGNING_REQUIRED", "ENABLE_TESTABILITY", "COMPILER_INDEX_STORE_ENABLE",
        "GCC_GENERATE_TEST_COVERAGE_FILES", "GCC_INSTRUMENT_PROGRAM_FLOW_ARCS", "CLANG_ENABLE_CODE_COVERAGE", "GCC_GENERATE_DEBUGGING_SYMBOLS",
        "RUN_CLANG_STATIC_ANALYZER", "SWIFT_TREAT_WARNINGS_AS_ERRORS", "GCC_TREAT_WARNINGS_AS_ERRORS", "SUPPORTS_MACCATALYST",
        "BUILD_LIBRARY_FOR_DISTRIBUTION", "SWIFT_SERIALIZE_DEBUGGING_OPTIONS", "ENABLE_USER_SCRIPT_SANDBOXING"], Closed::YesNo, "scripts of a project see the bytes, so a switch is YES or NO in exact case"),
    allow(&["CODE_SIGN_IDENTITY"], Closed::OneOf(&["", "-"]), "workers hold no certificates; - signs ad hoc, as macOS and Catalyst tests with entitlements need"),
    allow(&["PROVISIONING_PROFILE", "PROVISIONING_PROFILE_SPECIFIER", "DEVELOPMENT_TEAM"], Closed::Empty, "workers hold no certificates and no profiles"),
    allow(&["ARCHS", "VALID_ARCHS"], Closed::Archs, "these are the architectures of Macs and of what they simulate"),
    allow(&["SWIFT_VERSION", "*_DEPLOYMENT_TARGET"], Closed::Version, "it is a version"),
    allow(&["SWIFT_STRICT_CONCURRENCY"], Closed::OneOf(&["minimal", "targeted", "complete"]), "it says how far the compiler checks"),
    allow(&["DEBUG_INFORMATION_FORMAT"], Closed::OneOf(&["dwarf", "dwarf-with-dsym"]), "it says where debug information goes"),

    policy(&["PLATFORM_NAME"], "-sdk and -destination choose the platform", "leave it out, and write -sdk with the platform, such as -sdk iphonesimulator"),
    policy(&["OTHER_SWIFT_FLAGS", "OTHER_LDFLAGS", "OTHER_CFLAGS", "SWIFT_ACTIVE_COMPILATION_CONDITIONS", "GCC_PREPROCESSOR_DEFINITIONS"],
        "its value can hold any flag of the compiler", "set it in the project, or ask the farm's operators to allow it (policy.settings)"),
    policy(&["*_SEARCH_PATHS"], "its value can name any directory", "set it in the project, or ask the farm's operators to allow it (policy.settings)"),
    policy(&["MARKETING_VERSION", "CURRENT_PROJECT_VERSION"], "a number that changes with every build makes every job another one",
        "leave it out: what is built here is tested, not shipped; or ask the farm's operators to allow it (policy.settings)"),
];

/// Keys of a destination.
const DESTINATION_KEYS: [&str; 6] = ["platform", "name", "OS", "arch", "variant", "id"];
/// Settings that belong to what the farm does not do, unless its policy names them: the key, why it is refused, what to write instead.
const OUT_OF_SCOPE: [(&str, &str, &str); 3] = [
    ("SKIP_INSTALL", "it matters to archive alone", "leave it out"),
    ("INSTALL_PATH", "it matters to archive and install alone", "leave it out"),
    ("CODE_SIGN_STYLE", "workers hold no certificates", "leave it out, or write CODE_SIGNING_ALLOWED=NO"),
];

/// The row of a key without conditions.
pub(super) fn find(key: &str) -> Option<&'static SettingRow> {
    SETTINGS.iter().find(|row| row.names.iter().any(|name| matches(name, key)))
}

fn matches(name: &str, key: &str) -> bool {
    match (name.strip_prefix('*'), name.strip_suffix('*')) {
        (Some(ending), _) => key.len() > ending.len() && key.ends_with(ending),
        (_, Some(beginning)) => key.len() > beginning.len() && key.starts_with(beginning),
        (None, None) => key == name,
    }
}

/// The key without its conditions: `ARCHS` of `ARCHS[sdk=iphoneos*]`.
pub(super) fn base(key: &str) -> &str {
    key.split_once('[').map_or(key, |(base, _)| base)
}

/// Takes a word apart at the `=` after the key; nothing when no key stands before it.
pub(super) fn split(word: &str) -> Option<(&str, &str)> {
    let name = word.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    if name == 0 || word.as_bytes()[0].is_ascii_digit() {
        return None;
    }
    let mut end = name;
    while word[end..].starts_with('[') {
        end += word[end..].find(']')? + 1;
    }
    Some((&word[..end], word[end..].strip_prefix('=')?))
}

/// Whether a setting may stand on the line.
pub(super) fn check(key: &str, value: &str, policy: &Policy) -> Result<(), Refusal> {
    let row = find(base(key));
    let named = policy.settings.contains(key)
        || row.is_some_and(|row| row.names.iter().any(|name| matches(name, base(key)) && policy.settings.contains(*name)));
    match row.map(|row| (row, row.class)) {
        Some((row, SettingClass::Deny)) => refuse(row.rule, row.instead),
        Some((_, SettingClass::Allow(_))) if base(key) != key && !policy.settings.contains(key) => refuse(
            "a setting with a condition is left to the farm's policy",
            format!("set it in the project, or ask the farm's operators to allow {key} (policy.settings)"),
        ),
        Some((row, SettingClass::Allow(values))) => values.check(key, value, row.rule),
        Some((_, SettingClass::Policy)) | None if named => check_reach(value),
        Some((row, SettingClass::Policy)) => {
            refuse(format!("{}: it is left to the farm's policy, which does not name it", row.rule), row.instead)
        }
        None => refuse_unknown(key),
    }
}

/// Whether a word is a piece of a destination, which ended up beside it because its text was not quoted.
pub(super) fn is_destination_key(word: &str) -> bool {
    split(word).is_some_and(|(key, _)| DESTINATION_KEYS.contains(&key))
}

fn refuse_unknown(key: &str) -> Result<(), Refusal> {
    if DESTINATION_KEYS.contains(&key) {
        return refuse("this belongs to a destination", "write -destination before it, and quote the whole destination");
    }
    if let Some((_, reason, fix)) = OUT_OF_SCOPE.iter().find(|(name, ..)| *name == key) {
        return refuse(*reason, *fix);
    }
    let known = SETTINGS.iter().filter(|row| row.class != SettingClass::Deny).flat_map(|row| row.names.iter().copied());
    let reason = "the farm does not know this setting";
    match nearest(key, known) {
        Some(meant) => refuse(reason, format!("did you mean {meant}?")),
        None => refuse(reason, format!("set it in the project, or ask the farm's operators to allow {key} (policy.settings)")),
    }
}

impl Closed {
    fn check(self, key: &str, value: &str, rule: &str) -> Result<(), Refusal> {
        let (fits, expected) = match self {
            Self::YesNo => (matches!(value, "YES" | "NO"), format!("{key}=YES or {key}=NO, in exact case")),
            Self::Empty => (value.is_empty(), format!("{key}= with nothing after it")),
            Self::Archs => (
                value.split(' ').all(|arch| matches!(arch, "arm64" | "x86_64")),
                format!("{key}=arm64, {key}=x86_64, or both with a space"),
            ),
            Self::Version => (value.parse::<Version>().is_ok(), format!("{key}= and numbers joined by dots, such as 17.0")),
            Self::OneOf(texts) => {
                (texts.contains(&value), texts.iter().map(|text| format!("{key}={text}")).collect::<Vec<_>>().join(" or "))
            }
        };
        if fits { Ok(()) } else { refuse(format!("the farm takes no such value: {rule}"), format!("write {expected}")) }
    }
}

/// Refuses a free value that reaches outside the tree or brings a program of its own into the compiler.
fn check_reach(value: &str) -> Result<(), Refusal> {
    // The build system splits values as a shell does: a quoted or escaped spelling is the same flag.
    let bare: String = value.chars().filter(|c| !matches!(c, '"' | '\'' | '\\')).collect();
    let fix = "set it in the project";
    if bare.contains('@') {
        return refuse("@ reads a file of arguments or a place outside the tree", fix);
    }
    if bare.contains("..") {
        return refuse("the value leaves the tree by ..", fix);
    }
    if bare.split_whitespace().any(reaches_root) {
        return refuse(
            "the value holds an absolute path, and workers have the tree elsewhere",
            "write it relative to $(SRCROOT), in the project",
        );
    }
    match bare.split(|c: char| c.is_whitespace() || matches!(c, ',' | '=')).find(|part| loads_program(part)) {
        Some(part) => refuse(format!("{part} brings a program of its own into the compiler"), fix),
        None => Ok(()),
    }
}

/// Whether a `/` begins a path: at the start of the word, after a separator, or glued to a flag (`-I/usr/include`, `-isystem/usr/include`).
fn reaches_root(word: &str) -> bool {
    let relative_flag = ["-I", "-L", "-F"].iter().any(|flag| word.strip_prefix(flag).is_some_and(|rest| !rest.starts_with('/')));
    let glued = word.starts_with('-') && !relative_flag;
    word.match_indices('/').any(|(at, _)| {
        let before = &word[..at];
        let flag_alone = glued && before.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'+'));
        before.is_empty() || before.ends_with(['=', ',', ':', ';', '(', '[', '{']) || flag_alone
    })
}

/// Whether part of a flag loads a plug-in or chooses a tool. Not a sandbox: the project runs code anyway; this keeps it in the project.
fn loads_program(part: &str) -> bool {
    let flag = part.trim_start_matches('-').to_ascii_lowercase();
    let chooses = [
        "load",
        "fuse-ld",
        "ld-path",
        "use-ld",
        "tools-directory",
        "driver-use-frontend-path",
        "sdk",
        "isysroot",
        "resource-dir",
        "working-directory",
    ];
    part.starts_with('-') && (flag.contains("plugin") || flag.starts_with("load-") || chooses.contains(&flag.as_str()))
}
