//! The file: short, each line one that a person would write, what else there is in comments.

use std::fmt::Write as _;

/// Names of things that were not taken, before "and more".
const OTHERS_MAX: usize = 8;

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

/// A text as TOML writes it, on one line whatever it holds: it stands in comments, too.
pub(super) fn quoted(text: &str) -> String {
    if !text.contains(char::is_control) {
        return toml::Value::String(text.to_owned()).to_string();
    }
    let escaped = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escaped).collect::<String>())
}

fn listed(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    some(&quoted, ", ")
}

/// The first few, with this between them.
pub(super) fn some(texts: &[String], between: &str) -> String {
    let named = texts[..texts.len().min(OTHERS_MAX)].join(between);
    if texts.len() > OTHERS_MAX { format!("{named} and {} more", texts.len() - OTHERS_MAX) } else { named }
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn a_quoted_text_is_one_line_and_reads_back_as_itself() {
        for text in ["App", "a\"b", "it's \"it\"", "a\\b", "a\n[run]\nx = 1", "\r\u{7f}\u{85}\t\0\"\\'", "'''\"\"\"\n", "\u{2028}"] {
            let quoted = quoted(text);
            assert!(!quoted.contains(char::is_control), "{quoted}");
            let table: toml::Table = format!("# {quoted}\nvalue = {quoted}").parse().unwrap();
            assert_eq!((table.len(), table["value"].as_str()), (1, Some(text)));
        }
    }
}
