//! The command line as people write it and as it explains itself.

use rch_schemas::Reason;

use super::*;
use crate::golden;

fn parsed(line: &str) -> Command {
    Cli::read(line.split(' ').map(OsString::from)).unwrap_or_else(|error| panic!("{line}: {error}")).command
}

#[test]
fn the_definitions_are_consistent() {
    Cli::definitions().debug_assert();
}

#[test]
fn arguments_of_xcodebuild_are_taken_as_they_are_and_flags_of_rch_before_them() {
    for (line, own, expected) in [
        ("rch xcodebuild -scheme App test", false, "-scheme App test"),
        ("rch xcodebuild --dry-run -quiet -scheme App", true, "-quiet -scheme App"),
        ("rch xcodebuild -hideShellScriptEnvironment -jobs 4", false, "-hideShellScriptEnvironment -jobs 4"),
        ("rch xcodebuild test -only-testing:A/b CODE_SIGNING_ALLOWED=NO", false, "test -only-testing:A/b CODE_SIGNING_ALLOWED=NO"),
        ("rch xcodebuild --log raw env A=1 xcrun xcodebuild -version", false, "env A=1 xcrun xcodebuild -version"),
        ("rch xcodebuild -scheme --json", false, "-scheme --json"),
    ] {
        let Command::Xcodebuild { run, line: words } = parsed(line) else { panic!("{line}") };
        assert_eq!((run.dry_run, words.join(" ").as_str()), (own, expected), "{line}");
    }
}

#[test]
fn older_spellings_still_work_and_are_not_advertised() {
    assert!(matches!(parsed("rch xcode tail last"), Command::Xcode(XcodeCommand::Tail(_))));
    assert!(matches!(parsed("rch xcode artifacts last"), Command::Xcode(XcodeCommand::Fetch(_))));
    assert!(matches!(parsed("rch xcode doctor"), Command::Xcode(XcodeCommand::Doctor)));
    assert!(matches!(parsed("rch xcode cancel last"), Command::Xcode(XcodeCommand::Cancel { .. })));
    let mut command = Cli::definitions();
    let help = command.find_subcommand_mut("xcode").map(|xcode| xcode.render_help().to_string()).unwrap_or_default();
    assert!(help.contains("verify") && !help.contains("tail") && !help.contains("doctor"), "{help}");
}

/// `--help` of every command, as it was agreed: a command without a golden file fails, and a file without a command too.
#[test]
fn help_of_every_command_is_the_golden_one() {
    let mut pages = Vec::new();
    visit(&Cli::definitions(), &[], &mut |words, _| {
        let line = words.iter().map(OsString::from).chain([OsString::from("--help")]);
        pages.push((format!("{}.txt", words.join("-")), Cli::read(line).expect_err("help is no command").to_string()));
    });
    golden::check_directory("help", &pages);
}

/// Calls `each` with every command that people see, and the words that lead to it.
fn visit(command: &clap::Command, above: &[&str], each: &mut impl FnMut(&[&str], &clap::Command)) {
    let words = [above, &[command.get_name()]].concat();
    each(&words, command);
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        visit(inner, &words, each);
    }
}

#[test]
fn every_command_and_every_group_shows_an_example() {
    visit(&Cli::definitions(), &[], &mut |words, command| {
        let example = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(example.contains("Example:"), "{words:?}");
    });
}

#[test]
fn help_ends_with_every_exit_code_of_the_contract() {
    let help = Cli::definitions().render_long_help().to_string();
    let (_, codes) = help.split_once("Exit codes:\n").expect("there is a list");
    for reason in Reason::ALL {
        assert!(codes.lines().any(|line| line.trim_start().starts_with(&format!("{} ", reason.exit_code()))), "{reason}");
    }
}

#[test]
fn flags_are_a_layer_of_the_configuration() {
    let Command::Xcode(XcodeCommand::Verify { run }) = parsed("rch xcode verify --no-cache --destination a=b --worker macmini-01") else {
        panic!("verify")
    };
    let values = run.values();
    assert_eq!(values[0], ("cache.results", json!("off")));
    assert_eq!(values[1], ("worker_selection.worker", json!("macmini-01")));
    assert_eq!(values[2], ("destination.values", json!(["a=b"])));
}
