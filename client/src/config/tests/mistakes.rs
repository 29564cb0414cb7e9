//! What each mistake is answered with.

use std::fmt::Write as _;

use super::*;

/// The table: `client/golden/config-mistakes.txt`. With `RCH_UPDATE_GOLDEN` set, it is written anew from what is answered now.
#[test]
fn every_mistake_is_named_with_its_file_its_key_and_what_to_write() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/config-mistakes.txt");
    let golden = fs::read_to_string(&path).unwrap();
    let (head, cases) = golden.split_once("\n\n").unwrap();
    let (mut answered, mut count) = (format!("{head}\n"), 0);
    let (mut content, mut lines) = (String::new(), cases.lines());
    while let Some(line) = lines.next() {
        if line.starts_with("=> ") || line == "=>" {
            write!(answered, "\n{content}=> {}\n", refused(&content)).unwrap();
            content.clear();
            count += 1;
            assert!(matches!(lines.next(), None | Some("")), "an empty line follows {line}");
        } else {
            content.push_str(line);
            content.push('\n');
        }
    }
    assert!(count >= 30 && content.is_empty(), "{count} cases, then {content:?}");
    if std::env::var_os("RCH_UPDATE_GOLDEN").is_some() {
        fs::write(&path, answered).unwrap();
    } else {
        assert_eq!(answered, golden);
    }
}

/// The answer to a repo file of these bytes.
fn refused_bytes(bytes: &[u8]) -> String {
    let (home, environment) = surroundings("", "", &[]);
    fs::write(home.path().join("tree/.rch/xcode.toml"), bytes).unwrap();
    let error = Layers::read(&environment, &[]).unwrap_err();
    error.to_string().replace(home.path().to_str().unwrap(), "~")
}

#[test]
fn what_is_no_text_is_answered_in_words() {
    let file = "~/tree/.rch/xcode.toml";
    let expected = "expected a TOML file in UTF-8; save it as UTF-8";
    assert_eq!(refused_bytes(b"[project]\nscheme = \"\xe9\""), format!("{file} has bytes in line 2 that are not UTF-8, {expected}"));
    assert_eq!(refused_bytes(b"\xff\xfes\0"), format!("{file} is text in UTF-16, {expected}"));
    let too_large = vec![b'#'; 1024 * 1024 + 1];
    let answer = refused_bytes(&too_large);
    assert_eq!(
        answer,
        format!(
            "{file} is more than 1048576 bytes, expected a TOML file in UTF-8; a configuration is a page of text; take out what is none"
        )
    );
}

#[test]
fn a_mark_before_utf_8_is_no_mistake() {
    let (_home, environment) = surroundings("", &format!("\u{feff}{REPO}"), &[]);
    assert_eq!(Layers::read(&environment, &[]).unwrap().merged().text(&["project", "scheme"]), Some("App"));
}

#[test]
fn what_stands_in_the_file_s_place_is_named() {
    let (home, environment) = surroundings("", REPO, &[]);
    let file = home.path().join("tree/.rch/xcode.toml");
    let answer = || Layers::read(&environment, &[]).unwrap_err().to_string().replace(home.path().to_str().unwrap(), "~");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert_eq!(answer(), "~/tree/.rch/xcode.toml is a directory, expected a TOML file in UTF-8; put a TOML file there, or nothing");
    fs::remove_dir(&file).unwrap();
    std::os::unix::fs::symlink("nowhere.toml", &file).unwrap();
    assert_eq!(answer(), "~/tree/.rch/xcode.toml cannot be read; make it readable");
    fs::remove_file(&file).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(&file).unwrap();
    assert!(answer().contains("is a pipe, a socket or a device, expected a TOML file"), "{}", answer());
}

#[test]
fn a_mistyped_variable_is_refused_and_those_of_other_programs_are_not_ours() {
    let answer = |name: &str, value: &str| {
        let (_home, environment) = surroundings("", REPO, &[(name, value)]);
        Layers::read(&environment, &[]).map(drop).map_err(|error| error.to_string())
    };
    for (name, value, expected) in [
        (
            "RCH_TIMEOUT_QUEUE_SECONDS",
            "1",
            "environment: there is no key RCH_TIMEOUT_QUEUE_SECONDS; did you mean RCH_TIMEOUTS_QUEUE_SECONDS?",
        ),
        ("RCH_TOKENS", "x", "environment: there is no key RCH_TOKENS; did you mean RCH_TOKEN?"),
        ("RCH_TIMEOUTS_QUEUE_SECONDS", "soon", "environment: timeouts.queue_seconds is \"soon\", expected a whole number from 0 to 604800"),
        ("RCH_ARTIFACTS_COVERAGE", "yes", "environment: artifacts.coverage is \"yes\", expected true or false"),
        (
            "RCH_ENV_PASS",
            "CI, SSH_AUTH_SOCK",
            "environment: env.pass: a job cannot set the variable SSH_AUTH_SOCK: it carries or redirects credentials, and those live on the workers; ask the farm's operators for the access",
        ),
        (
            "RCH_ACTIONS_VERIFY",
            "[\"a\", 1]",
            "environment: actions.verify is [\"a\",1], expected an array of at most 1000 texts, such as [\"a\", \"b\"]",
        ),
        (
            "RCH_COORDINATOR",
            "http://kim:hunter2@farm",
            "environment: coordinator is (not shown), expected a URL such as \"http://coordinator.local:7070\", without a user, a query or a fragment",
        ),
        (
            "RCH_COORDINATOR",
            "http://hunter2@farm:7070",
            "environment: coordinator is (not shown), expected a URL such as \"http://coordinator.local:7070\", without a user, a query or a fragment",
        ),
        (
            "RCH_COORDINATOR",
            "http://kim:hunter2@no host",
            "environment: coordinator is (not shown), expected a URL such as \"http://coordinator.local:7070\", without a user, a query or a fragment",
        ),
        (
            "RCH_COORDINATOR",
            "http://farm?token=hunter2",
            "environment: coordinator is (not shown), expected a URL such as \"http://coordinator.local:7070\", without a user, a query or a fragment",
        ),
        (
            "RCH_COORDINATOR",
            "http://farm#hunter2",
            "environment: coordinator is (not shown), expected a URL such as \"http://coordinator.local:7070\", without a user, a query or a fragment",
        ),
        (
            "RCH_COORDINATOR",
            "farm:7070",
            "environment: coordinator is \"farm:7070\", expected a URL such as \"http://coordinator.local:7070\", without a user, a query or a fragment",
        ),
    ] {
        assert_eq!(answer(name, value), Err(expected.to_owned()), "{name}");
    }
    for name in ["RCH_COORDINATOR_LISTEN", "RCH_AGENT_NAME", "RCH_LOG", "RCH_TOKEN"] {
        assert_eq!(answer(name, "x"), Ok(()), "{name}");
    }
}
