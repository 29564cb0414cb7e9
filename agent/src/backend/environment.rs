//! The environment of a backend: nothing is inherited, everything in it is named here or by the job.

use std::collections::BTreeMap;

use super::Plan;
use crate::tool::Tools;

/// The whole environment of an attempt's backend.
pub(super) fn of(plan: &Plan<'_>, tools: &Tools) -> BTreeMap<String, String> {
    let inputs = &plan.job.job_key_inputs;
    let mut environment = inputs.env.clone();
    // The names that `rch_schemas::environment` calls owned.
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
    use rch_schemas::environment::{VariableClass, VariableError, check_name};

    #[test]
    fn what_is_set_here_no_job_may_set() {
        for name in ["PATH", "HOME", "TMPDIR", "DEVELOPER_DIR", "NSUnbufferedIO"] {
            let Err(VariableError::Refused { row, .. }) = check_name(name) else { panic!("{name} is a job's to set") };
            assert_eq!(row.class, VariableClass::Owned, "{name}");
        }
    }
}
