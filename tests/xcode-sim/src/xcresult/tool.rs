//! `xcresulttool`.

use serde_json::{Value, json};

use super::bundle::read_bundle;
use super::record::Record;
use super::tests_json;
use crate::apple_json;
use crate::console::Console;
use crate::exit::Exit;
use crate::invocation::Invocation;

/// The version Xcode 16.2's says.
const VERSION: &str = "xcresulttool version 23500, format version 3.53 (current)";

pub(crate) fn main(invocation: &Invocation, console: &mut Console) -> Exit {
    let words: Vec<&str> = invocation.arguments.iter().map(String::as_str).collect();
    let plain: Vec<&str> = words.iter().copied().take_while(|word| !word.starts_with('-')).collect();
    let answer: fn(&Record) -> Value = match plain.as_slice() {
        ["version"] => {
            console.line(VERSION);
            return Exit::OK;
        }
        ["get", "test-results", "summary"] => tests_json::summary,
        ["get", "test-results", "tests"] => tests_json::tests,
        ["get", "test-results", "insights"] => |_| json!({ "insights": [] }),
        ["get", "test-results", "metrics"] => |_| json!([]),
        ["get", "build-results"] => tests_json::build_results,
        ["get", "content-availability"] => availability,
        _ => {
            let asked = plain.join(" ");
            console.error(format!(
                "Error: Unknown subcommand '{asked}'\nUsage: xcresulttool <subcommand>\n  See 'xcresulttool --help' for more \
                 information."
            ));
            return Exit::USAGE;
        }
    };
    let Some(path) = words.iter().position(|word| *word == "--path").and_then(|at| words.get(at + 1)) else {
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
    let value = answer(&record);
    console.line(if words.contains(&"--compact") { apple_json::compact(&value) } else { apple_json::pretty(&value) });
    Exit::OK
}

fn availability(record: &Record) -> Value {
    json!({
        "hasCoverage": false,
        "hasDiagnostics": false,
        "hasTestResults": record.tests.is_some(),
        "logs": ["build", "action", "console"],
    })
}
