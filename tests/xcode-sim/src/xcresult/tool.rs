//! `xcresulttool`.

use serde_json::{Value, json};

use super::bundle::read_bundle;
use super::legacy_json;
use super::record::Record;
use super::tests_json;
use crate::apple_json;
use crate::console::Console;
use crate::developer::Installation;
use crate::exit::Exit;
use crate::invocation::Invocation;

/// The version Xcode 16.2's says.
const VERSION: &str = "xcresulttool version 23500, format version 3.53 (current)";
/// And Xcode 15.4's.
const LEGACY_VERSION: &str = "xcresulttool version 22608, format version 3.49 (current)";
/// The first Xcode with the newer commands, in which the older ones need a flag.
const CURRENT_SINCE: u32 = 16;

/// What is asked for.
enum Question<'a> {
    Version,
    Current(fn(&Record) -> Value),
    Legacy(Option<&'a str>),
}

pub(crate) fn main(invocation: &Invocation, installation: &Installation, console: &mut Console) -> Exit {
    let is_legacy = installation.developer(invocation, "xcresulttool").is_ok_and(|developer| is_legacy(&developer.xcode.version));
    let words: Vec<&str> = invocation.arguments.iter().map(String::as_str).collect();
    let question = match question(&words, is_legacy) {
        Ok(Question::Version) => {
            console.line(if is_legacy { LEGACY_VERSION } else { VERSION });
            return Exit::OK;
        }
        Ok(question) => question,
        Err(error) => {
            console.error(error);
            return Exit::USAGE;
        }
    };
    let Some(path) = option(&words, "--path") else {
        console.error("Error: Missing expected argument '--path <path>'");
        return Exit::USAGE;
    };
    let path = invocation.absolute(path);
    if !path.exists() {
        console.error(format!("Error: File or directory doesn't exist at path: {}.", path.display()));
        return Exit::FAILURE;
    }
    let Some(record) = read_bundle(&path) else {
        console.error(format!(
            "Error: Failed to create a result bundle reader for {}: Info.plist does not exist or is not readable.",
            path.display()
        ));
        return Exit::FAILURE;
    };
    let value = match question {
        Question::Current(answer) => Some(answer(&record)),
        Question::Legacy(id) => legacy_json::object(&record, id),
        Question::Version => None,
    };
    let Some(value) = value else {
        console.error("Error: Failed to find object with the given ID");
        return Exit::FAILURE;
    };
    console.line(if words.contains(&"--compact") { apple_json::compact(&value) } else { apple_json::pretty(&value) });
    Exit::OK
}

fn is_legacy(version: &str) -> bool {
    version.split('.').next().and_then(|major| major.parse::<u32>().ok()).is_some_and(|major| major < CURRENT_SINCE)
}

fn option<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    words.iter().position(|word| *word == name).and_then(|at| words.get(at + 1)).copied()
}

fn question<'a>(words: &[&'a str], is_legacy: bool) -> Result<Question<'a>, String> {
    let plain: Vec<&str> = words.iter().copied().take_while(|word| !word.starts_with('-')).collect();
    let json = option(words, "--format") == Some("json");
    match plain.as_slice() {
        ["version"] => return Ok(Question::Version),
        ["get"] | ["get", "object"] if json && (is_legacy || words.contains(&"--legacy")) => {
            return Ok(Question::Legacy(option(words, "--id")));
        }
        ["get"] | ["get", "object"] if json => {
            return Err("Error: This command is deprecated and will be removed in a future release, --legacy flag is required to use it."
                .to_owned());
        }
        _ => {}
    }
    let current: Option<fn(&Record) -> Value> = match plain.as_slice() {
        _ if is_legacy => None,
        ["get", "test-results", "summary"] => Some(tests_json::summary),
        ["get", "test-results", "tests"] => Some(tests_json::tests),
        ["get", "test-results", "insights"] => Some(|_| json!({ "insights": [] })),
        ["get", "test-results", "metrics"] => Some(|_| json!([])),
        ["get", "build-results"] => Some(tests_json::build_results),
        ["get", "content-availability"] => Some(availability),
        _ => None,
    };
    current.map(Question::Current).ok_or_else(|| {
        let asked = plain.join(" ");
        format!("Error: Unknown subcommand '{asked}'\nUsage: xcresulttool <subcommand>\n  See 'xcresulttool --help' for more information.")
    })
}

fn availability(record: &Record) -> Value {
    json!({
        "hasCoverage": false,
        "hasDiagnostics": false,
        "hasTestResults": record.tests.is_some(),
        "logs": ["build", "action", "console"],
    })
}
