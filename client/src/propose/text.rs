//! The file: short, each line one that a person would write, what else there is in comments.

use std::fmt::Write as _;

/// What the file says.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// `workspace`, `project` or `package`.
    pub(super) key: &'static str,
    pub(super) path: String,
    pub(super) other_containers: Vec<String>,
    pub(super) scheme: String,
    pub(super) other_schemes: Vec<String>,
    /// `test` or `build`.
    pub(super) action: &'static str,
    /// The test plan to name.
    pub(super) plan: Option<String>,
    /// Test plans that are run only when they are named.
    pub(super) other_plans: Vec<String>,
    pub(super) destination: String,
}

/// A text as TOML writes it.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn listed(texts: &[String]) -> String {
    texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", ")
}

impl Draft {
    /// The file's text.
    pub(super) fn render(&self) -> String {
        let mut text =
            String::from("# Proposed by `rch xcode init` from what lies in this tree. `rch config keys` lists all that can stand here.\n");
        let mut line = |line: String| writeln!(text, "{line}").expect("a text takes every line");
        line("schema_version = 1\n\n[project]".to_owned());
        line(format!("{} = {}", self.key, quoted(&self.path)));
        if !self.other_containers.is_empty() {
            line(format!("# also in this tree: {}", listed(&self.other_containers)));
        }
        line(format!("scheme = {}", quoted(&self.scheme)));
        if !self.other_schemes.is_empty() {
            line(format!("# other shared schemes: {}", listed(&self.other_schemes)));
        }
        line(format!("\n[actions]\nverify = [{}]", quoted(self.action)));
        if self.plan.is_some() || !self.other_plans.is_empty() {
            line(format!("\n[actions.{}]", self.action));
        }
        if let Some(plan) = &self.plan {
            line(format!("test_plan = {}", quoted(plan)));
        }
        if !self.other_plans.is_empty() {
            line(format!("# other test plans: {}", listed(&self.other_plans)));
        }
        line(format!("\n[destination]\nvalue = {}", quoted(&self.destination)));
        text
    }
}
