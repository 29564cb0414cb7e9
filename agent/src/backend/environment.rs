//! The environment of a backend: nothing is inherited, everything in it is named here or by the job.

use std::collections::BTreeMap;

use super::Plan;
use crate::tool::Tools;

/// Variables that choose other tools, load code or carry credentials; a job that names one is refused rather than run without it, since its key
/// says otherwise.
const DENIED_PREFIXES: [&str; 8] = ["DYLD_", "LD_", "SIMCTL_CHILD_", "SWIFT_", "GIT_", "SSH_", "AWS_", "NATS_"];
const DENIED: [&str; 12] =
    ["PATH", "HOME", "TMPDIR", "DEVELOPER_DIR", "NSUnbufferedIO", "SDKROOT", "TOOLCHAINS", "XCODE_XCCONFIG_FILE", "CC", "CXX", "LD", "IFS"];

/// Whether a job may set the variable.
pub(crate) fn is_allowed(name: &str) -> bool {
    let is_name =
        !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_name && !DENIED.contains(&name) && !DENIED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The whole environment of an attempt's backend.
pub(super) fn of(plan: &Plan<'_>, tools: &Tools) -> BTreeMap<String, String> {
    let inputs = &plan.job.job_key_inputs;
    let mut environment = inputs.env.clone();
    let ours = [
        ("PATH", tools.search_path()),
        ("HOME", super::argument(&plan.directory.home())),
        ("TMPDIR", super::argument(&plan.directory.tmp())),
        ("DEVELOPER_DIR", inputs.toolchain.developer_dir.clone()),
        // Without it xcodebuild holds its output back when it is piped, and the tail stalls.
        ("NSUnbufferedIO", "YES".to_owned()),
    ];
    environment.extend(ours.map(|(name, value)| (name.to_owned(), value)));
    environment.entry("LANG".to_owned()).or_insert_with(|| "en_US.UTF-8".to_owned());
    environment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_sets_its_own_variables_and_none_that_choose_tools_or_load_code() {
        for name in ["CI", "API_BASE_URL", "TZ", "LANG", "TEST_RUNNER_FLAG", "_X"] {
            assert!(is_allowed(name), "{name}");
        }
        for name in ["", "PATH", "DYLD_INSERT_LIBRARIES", "XCODE_XCCONFIG_FILE", "SWIFT_EXEC", "1X", "A=B", "A B", "NATS_PASSWORD"] {
            assert!(!is_allowed(name), "{name}");
        }
    }
}
