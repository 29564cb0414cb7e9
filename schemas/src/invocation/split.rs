//! What people write before the word `xcodebuild`, taken away.

use super::table;

/// Other tools that build Apple projects, as the first word of a line.
const PROGRAMS: [&str; 12] =
    ["swift", "swiftc", "fastlane", "xctool", "make", "rake", "bundle", "tuist", "bazel", "carthage", "pod", "xcrun"];

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

/// Why a command line cannot be taken for a call of xcodebuild; `index` is the word's place, counted from 0 in the whole line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word}: {}; {}", self.reason(), self.fix())]
pub struct SplitError {
    /// Where it stands.
    pub index: usize,
    /// The word.
    pub word: String,
    /// What is wrong with it.
    pub kind: SplitErrorKind,
}

/// What is wrong with a word before `xcodebuild`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SplitErrorKind {
    /// Another user is asked for.
    User,
    /// An option of `env` or `time`.
    Option(&'static str),
    /// `xcrun --sdk`.
    Sdk,
    /// A command that would act on the xcodebuild of the machine it is given on.
    Command,
    /// The line runs another program.
    Program,
}

impl SplitError {
    /// Why it is refused.
    pub fn reason(&self) -> String {
        match self.kind {
            SplitErrorKind::User => "it runs as another user, and a worker runs jobs as its own".to_owned(),
            SplitErrorKind::Option(command) => format!("this option of {command} is not understood"),
            SplitErrorKind::Sdk => "it chooses where xcrun looks for xcodebuild, and the Xcode is chosen by toolchain.xcode".to_owned(),
            SplitErrorKind::Command => "it would act on the xcodebuild of this machine, and the farm runs its own".to_owned(),
            SplitErrorKind::Program => "the farm runs xcodebuild, and this is another program".to_owned(),
        }
    }

    /// What to write instead.
    pub fn fix(&self) -> &'static str {
        match self.kind {
            SplitErrorKind::User | SplitErrorKind::Command => "leave it out",
            SplitErrorKind::Option(_) => "write the command without it",
            SplitErrorKind::Sdk => "leave it out, and write -sdk after xcodebuild",
            SplitErrorKind::Program => "write the xcodebuild line that it stands for, such as xcodebuild test -scheme NAME",
        }
    }
}

/// Takes away `env`, `K=V`, `xcrun`, `time`, `exec`, a path and the word `xcodebuild` from the front of a command line.
///
/// A line that never says `xcodebuild` is taken to be its arguments already: then `K=V` at its front is a build setting, not a variable.
///
/// # Errors
/// [`SplitError`] for `sudo`, for commands and options that would change what runs, and for lines of other build tools.
pub fn split(words: &[String]) -> Result<Split, SplitError> {
    let untouched = || Split { environment: Vec::new(), tool: None, skipped: 0, argv: words.to_vec() };
    let Some(tool) = words.iter().position(|word| is_xcodebuild(word)) else {
        return match words.first().filter(|word| PROGRAMS.contains(&word.as_str())) {
            Some(program) => Err(SplitError { index: 0, word: program.clone(), kind: SplitErrorKind::Program }),
            None => Ok(untouched()),
        };
    };
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
    for (index, word) in words.iter().enumerate() {
        let refuse = |kind| Some(Err(SplitError { index, word: word.clone(), kind }));
        // Looked for first: the value may be a path, and says nothing of what runs.
        if let Some((name, value)) = word.split_once('=').filter(|(name, _)| is_variable(name)) {
            environment.push(Assignment { name: name.to_owned(), value: value.to_owned() });
            continue;
        }
        let name = word.rsplit('/').next().unwrap_or(word);
        match (name, command) {
            ("env", _) => command = Some("env"),
            ("xcrun", _) => command = Some("xcrun"),
            ("time", _) => command = Some("time"),
            ("sudo" | "doas" | "su", _) => return refuse(SplitErrorKind::User),
            // A job is a process of its own with an environment that starts empty, and its times are measured, anyway.
            ("exec" | "command" | "nohup", _) | ("-i" | "-", Some("env")) | ("-p" | "-l", Some("time")) => {}
            ("--sdk" | "-sdk", Some("xcrun")) => return refuse(SplitErrorKind::Sdk),
            (_, Some(command)) if word.starts_with('-') => return refuse(SplitErrorKind::Option(command)),
            // `-scheme xcodebuild` and `test -scheme xcodebuild` are arguments; `timeout 600 xcodebuild` is a command.
            _ if word.starts_with('-') || table::find(word).is_some() => return None,
            _ => return refuse(SplitErrorKind::Command),
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
            ("TOOL=/usr/bin/env X=/usr/bin/sudo xcodebuild test", "TOOL=/usr/bin/env X=/usr/bin/sudo", "test"),
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
        for (line, index, said) in [
            ("sudo xcodebuild test", 0, "sudo: it runs as another user, and a worker runs jobs as its own; leave it out"),
            ("xcrun --sdk macosx xcodebuild", 1, "leave it out, and write -sdk after xcodebuild"),
            ("xcrun --log xcodebuild", 1, "this option of xcrun is not understood"),
            ("env -u HOME xcodebuild", 1, "this option of env is not understood"),
            ("A=1 timeout 600 xcodebuild test", 1, "timeout: it would act on the xcodebuild of this machine"),
            ("arch -arm64 xcodebuild test", 0, "leave it out"),
            ("swift test --parallel", 0, "swift: the farm runs xcodebuild, and this is another program; write the xcodebuild line"),
            ("bundle exec fastlane scan", 0, "this is another program"),
        ] {
            let error = split(&words(line)).expect_err(line);
            assert_eq!(error.word, words(line)[index], "{line}");
            assert_eq!(error.index, index, "{line}");
            assert!(error.to_string().contains(said), "{line}: {error}");
        }
    }
}
