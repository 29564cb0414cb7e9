//! Which variables a job may set: those of `[env]`, and those that stand before `xcodebuild` on a line.
//!
//! The one rule for the client (before anything runs), the coordinator (at submit) and the agent (last look). It says nothing about what the
//! agent puts into the environment itself, except that a job may not set the same names.

use std::collections::BTreeMap;

/// The most variables of one job.
pub const VARIABLES_MAX: usize = 256;
/// The longest variable in bytes, name and value together: a Mac starts no process whose arguments and variables exceed 1 MiB in all.
pub const VARIABLE_BYTES_MAX: usize = 32 * 1024;

/// The most bytes that all variables of a job have together, names and values: what is left of the 1 MiB is for arguments and the agent's own.
pub const VARIABLES_BYTES_MAX: usize = 256 * 1024;

/// What becomes of a variable that a job may not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VariableClass {
    /// The worker sets it itself. Before `xcodebuild` on a line it is dropped with a notice; in `[env]` it is refused.
    Owned,
    /// Refused wherever it stands.
    Deny,
}

/// One line of the table.
#[derive(Debug, PartialEq, Eq)]
pub struct VariableRow {
    /// The names; a `*` at the end stands for anything.
    pub names: &'static [&'static str],
    /// What becomes of them.
    pub class: VariableClass,
    /// Why.
    pub rule: &'static str,
    /// What to do instead.
    pub instead: &'static str,
}

const fn owned(names: &'static [&'static str], rule: &'static str, instead: &'static str) -> VariableRow {
    VariableRow { names, class: VariableClass::Owned, rule, instead }
}

const fn deny(names: &'static [&'static str], rule: &'static str, instead: &'static str) -> VariableRow {
    VariableRow { names, class: VariableClass::Deny, rule, instead }
}

/// The table: all other names are the job's to set, and part of its key.
pub const VARIABLES: &[VariableRow] = &[
    owned(&["PATH", "HOME", "TMPDIR"], "each attempt has its own", "leave it out, or set it within the script that needs it"),
    owned(&["DEVELOPER_DIR"], "the Xcode of toolchain.xcode is used", "write toolchain.xcode"),
    owned(&["NSUnbufferedIO"], "it is always YES, so that the log can be followed", "leave it out"),
    deny(&["SDKROOT"], "-sdk is its only carrier", "write -sdk with the platform, such as -sdk iphonesimulator"),
    deny(
        &["TOOLCHAINS", "CC", "CXX", "LD", "SWIFT_*"],
        "it chooses which programs run",
        "leave it out: the Xcode of toolchain.xcode is used",
    ),
    deny(
        &["XCODE_XCCONFIG_FILE"],
        "it overrides even the settings of the command line",
        "write the settings into the action, or into the project",
    ),
    deny(&["DYLD_*", "LD_*", "SIMCTL_CHILD_*"], "it loads code into every program that runs", "set it in the scheme's environment"),
    deny(
        &["GIT_*", "SSH_*", "AWS_*", "NATS_*", "RCH_TOKEN"],
        "it carries or redirects credentials, and those live on the workers",
        "ask the farm's operators for the access",
    ),
    deny(&["IFS"], "it changes how every script is read", "set it within the script that needs it"),
];

/// Why a variable cannot be set by a job. Values are never shown: they may be secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    /// No shell could set it.
    #[error("{0:?} is not the name of a variable: expected letters, digits and _, the first not a digit")]
    Name(String),
    /// The table refuses it.
    #[error("a job cannot set the variable {name}: {}; {}", row.rule, row.instead)]
    Refused {
        /// Its name.
        name: String,
        /// The row that refuses it.
        row: &'static VariableRow,
    },
    /// No process can be given it.
    #[error("the value of the variable {0} holds a NUL character: remove it")]
    Nul(String),
    /// Longer than what is passed on.
    #[error("the variable {name} has {bytes} bytes with its value, more than {VARIABLE_BYTES_MAX}: put the value into a file of the tree")]
    TooLong {
        /// Its name.
        name: String,
        /// Name and value.
        bytes: usize,
    },
    /// More than anybody needs.
    #[error("{0} variables are set, more than {VARIABLES_MAX}: put them into a file of the tree")]
    TooMany(usize),
    /// Together more than a process can be started with.
    #[error(
        "the variables have {0} bytes with their values in all, more than {VARIABLES_BYTES_MAX}: put the longest values into a file of the tree"
    )]
    TooLongTogether(usize),
}

/// Whether a job may set a variable of this name.
///
/// # Errors
/// [`VariableError::Name`] and [`VariableError::Refused`], whose text says what to do instead.
pub fn check_name(name: &str) -> Result<(), VariableError> {
    let is_name =
        !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !is_name {
        return Err(VariableError::Name(name.chars().take(80).collect()));
    }
    match VARIABLES.iter().find(|row| row.names.iter().any(|pattern| matches(pattern, name))) {
        Some(row) => Err(VariableError::Refused { name: name.to_owned(), row }),
        None => Ok(()),
    }
}

/// Whether a job may have these variables.
///
/// # Errors
/// [`VariableError`] of the first that it may not have.
pub fn check(variables: &BTreeMap<String, String>) -> Result<(), VariableError> {
    if variables.len() > VARIABLES_MAX {
        return Err(VariableError::TooMany(variables.len()));
    }
    for (name, value) in variables {
        check_name(name)?;
        let bytes = name.len() + value.len();
        if bytes > VARIABLE_BYTES_MAX {
            return Err(VariableError::TooLong { name: name.chars().take(80).collect(), bytes });
        }
        if value.contains('\0') {
            return Err(VariableError::Nul(name.clone()));
        }
    }
    let bytes = variables.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > VARIABLES_BYTES_MAX {
        return Err(VariableError::TooLongTogether(bytes));
    }
    Ok(())
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(name == pattern, |beginning| name.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_sets_its_own_variables_and_none_that_choose_tools_or_load_code() {
        for name in ["CI", "API_BASE_URL", "TZ", "LANG", "TEST_RUNNER_FLAG", "_X", "USER", "LDAP", "PATHS", "SWIFTLINT"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in
            ["PATH", "DYLD_INSERT_LIBRARIES", "XCODE_XCCONFIG_FILE", "SWIFT_EXEC", "NATS_PASSWORD", "NSUnbufferedIO", "DEVELOPER_DIR"]
        {
            let said = check_name(name).expect_err(name).to_string();
            assert!(said.starts_with(&format!("a job cannot set the variable {name}: ")) && said.contains("; "), "{said}");
        }
        for name in ["", "1X", "A=B", "A B", "É", "A\0"] {
            assert_eq!(check_name(name), Err(VariableError::Name(name.to_owned())));
        }
    }

    #[test]
    fn a_value_is_bounded_and_never_shown() {
        let one = |name: &str, value: String| check(&BTreeMap::from([(name.to_owned(), value)])).map_err(|error| error.to_string());
        assert_eq!(one("A", "any text\n✓".to_owned()), Ok(()));
        assert_eq!(one("A", "s".repeat(VARIABLE_BYTES_MAX - 1)), Ok(()));
        for (value, expected) in [("secret\0".to_owned(), "NUL"), ("s".repeat(VARIABLE_BYTES_MAX), "more than 32768")] {
            let said = one("A", value).expect_err(expected);
            assert!(said.contains(expected) && !said.contains("secret") && !said.contains("sss"), "{said}");
        }
        let many: BTreeMap<_, _> = (0..=VARIABLES_MAX).map(|number| (format!("A{number}"), String::new())).collect();
        assert_eq!(check(&many), Err(VariableError::TooMany(VARIABLES_MAX + 1)));
        let long = |count| (0..count).map(|number| (format!("A{number}"), "s".repeat(VARIABLE_BYTES_MAX - 2))).collect();
        assert_eq!(check(&long(8)), Ok(()));
        let said = check(&long(9)).expect_err("more than a process can be started with").to_string();
        assert!(said.contains("294912 bytes") && said.contains("more than 262144: put"), "{said}");
    }

    #[test]
    fn every_row_says_why_and_what_to_do() {
        for row in VARIABLES {
            assert!(!row.rule.is_empty() && !row.instead.is_empty() && !row.names.is_empty(), "{row:?}");
        }
    }
}
