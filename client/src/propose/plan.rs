//! Test plans.

use std::path::Path;

use serde_json::Value;

/// A test plan of a scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TestPlan {
    pub(super) name: String,
    /// Whether it is run when none is named.
    pub(super) is_default: bool,
    /// The names of the targets it tests; `None` when there is no such file, or it cannot be read.
    pub(super) targets: Option<Vec<String>>,
}

impl TestPlan {
    /// Whether it would run something.
    pub(super) fn has_tests(&self) -> bool {
        self.targets.as_ref().is_some_and(|targets| !targets.is_empty())
    }
}

/// The plan at `path` of the tree.
pub(super) fn read(root: &Path, path: &Path, is_default: bool) -> Option<TestPlan> {
    // A name that no configuration can hold is that of no plan to propose.
    let name = path.file_stem()?.to_str().filter(|name| !name.contains(char::is_control))?.to_owned();
    let document: Option<Value> = super::survey::read(&root.join(path)).and_then(|text| serde_json::from_str(&text).ok());
    Some(TestPlan { name, is_default, targets: document.map(|document| targets(&document)) })
}

fn targets(document: &Value) -> Vec<String> {
    let targets = document.get("testTargets").and_then(Value::as_array).into_iter().flatten();
    let is_on = |target: &&Value| target.get("enabled").and_then(Value::as_bool) != Some(false);
    let names = targets.filter(is_on).filter_map(|target| target.pointer("/target/name")?.as_str().map(str::to_owned));
    names.filter(|name| !name.contains(char::is_control)).collect()
}
