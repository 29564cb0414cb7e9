//! What people write before the word `xcodebuild`, taken away.

/// A command line without what stands before `xcodebuild`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Variables set for this command, in order.
    pub environment: Vec<Assignment>,
    /// How xcodebuild was called, when the line says it: `xcodebuild`, or an absolute path, which may belong to another Xcode.
    pub tool: Option<String>,
    /// How many words stand before `argv`.
    pub skipped: usize,
    /// What follows the word `xcodebuild`.
    pub argv: Vec<String>,
}

/// A variable set on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Its name.
    pub name: String,
    /// Its value, which may be a secret.
    pub value: String,
}

/// Why a command line cannot be taken for a call of xcodebuild.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// Another user was asked for.
    #[error("{0} runs as another user, and a worker runs jobs as its own: leave {0} out")]
    User(String),
    /// An option of `env`, `time` or `xcrun`.
    #[error("{option} of {command} is not understood: write the command without it")]
    Option {
        /// The command.
        command: &'static str,
        /// Its option.
        option: String,
    },
}

/// Takes away `env`, `K=V`, `xcrun`, `time`, `exec`, a path and the word `xcodebuild` from the front of a command line.
///
/// A line that never says `xcodebuild` is taken to be its arguments already: then `K=V` at its front is a build setting, not a variable.
///
/// # Errors
/// [`SplitError`] for `sudo` and for options that would change what runs.
pub fn split(words: &[String]) -> Result<Split, SplitError> {
    let untouched = || Split { environment: Vec::new(), tool: None, skipped: 0, argv: words.to_vec() };
    let Some(tool) = words.iter().position(|word| is_xcodebuild(word)) else { return Ok(untouched()) };
    let Some(prefix) = read_prefix(&words[..tool]) else { return Ok(untouched()) };
    Ok(Split { environment: prefix?, tool: Some(words[tool].clone()), skipped: tool + 1, argv: words[tool + 1..].to_vec() })
}

fn is_xcodebuild(word: &str) -> bool {
    word == "xcodebuild" || word.starts_with('/') && word.ends_with("/xcodebuild")
}

/// The variables of a prefix; nothing when the words are no prefix, as when a scheme is called `xcodebuild`.
fn read_prefix(words: &[String]) -> Option<Result<Vec<Assignment>, SplitError>> {
    let mut environment = Vec::new();
    let mut command = None;
    for word in words {
        let name = word.rsplit('/').next().unwrap_or(word);
        match (name, command) {
            ("env", _) => command = Some("env"),
            ("xcrun", _) => command = Some("xcrun"),
            ("time", _) => command = Some("time"),
            ("sudo" | "doas" | "su", _) => return Some(Err(SplitError::User(word.clone()))),
            // A job is a process of its own with an environment that starts empty, and its times are measured, anyway.
            ("exec" | "command" | "nohup", _) | ("-i" | "-", Some("env")) | ("-p" | "-l", Some("time")) => {}
            (_, Some(command)) if word.starts_with('-') => return Some(Err(SplitError::Option { command, option: word.clone() })),
            _ => {
                let (name, value) = word.split_once('=').filter(|(name, _)| is_variable(name))?;
                environment.push(Assignment { name: name.to_owned(), value: value.to_owned() });
            }
        }
    }
    Some(Ok(environment))
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn what_stands_before_xcodebuild_is_taken_away() {
        for (line, variables, argv) in [
            ("xcodebuild -scheme App test", "", "-scheme App test"),
            ("env NSUnbufferedIO=YES xcodebuild test", "NSUnbufferedIO=YES", "test"),
            ("A=1 B= time -p xcrun xcodebuild build", "A=1 B=", "build"),
            ("exec env -i PATH=/bin /usr/bin/xcodebuild -list", "PATH=/bin", "-list"),
            ("/Applications/Xcode-26.3.0.app/Contents/Developer/usr/bin/xcodebuild build", "", "build"),
            ("CODE_SIGNING_ALLOWED=NO -scheme App", "", "CODE_SIGNING_ALLOWED=NO -scheme App"),
            ("-scheme xcodebuild test", "", "-scheme xcodebuild test"),
            ("test -scheme xcodebuild", "", "test -scheme xcodebuild"),
        ] {
            let split = split(&words(line)).unwrap_or_else(|error| panic!("{line}: {error}"));
            let found: Vec<String> = split.environment.iter().map(|set| format!("{}={}", set.name, set.value)).collect();
            assert_eq!(found.join(" "), variables, "{line}");
            assert_eq!(split.argv, words(argv), "{line}");
            assert_eq!(words(line)[split.skipped..], split.argv, "{line}");
        }
        assert_eq!(split(&[]).map(|split| split.argv), Ok(Vec::new()));
    }

    #[test]
    fn another_user_and_options_that_change_what_runs_are_refused() {
        for (line, said) in [
            ("sudo xcodebuild test", "leave sudo out"),
            ("xcrun --sdk macosx xcodebuild", "--sdk of xcrun"),
            ("env -u HOME xcodebuild", "-u of env"),
        ] {
            let error = split(&words(line)).expect_err(line).to_string();
            assert!(error.contains(said), "{line}: {error}");
        }
    }
}
