//! The tables of `README.md` and `ARGUMENTS.md`: what the code says, for people. Everything else in those files is written by hand.

use std::fmt::Write as _;

use rch_schemas::environment::{VARIABLES, VariableClass};
use rch_schemas::invocation::{Class, Closed, Row, SETTINGS, SettingClass, SettingRow, TABLE, Value};
use rch_schemas::reason::exit;
use rch_schemas::{FailureKind, Reason, RetryClass, registry};

use super::{hold, text};

#[test]
fn the_tables_for_people_say_what_the_code_says() {
    hold(
        "README.md",
        &with_tables(&text("README.md"), &[("documents", documents()), ("exit-codes", exit_codes()), ("reasons", reasons())]),
    );
    let tables = [
        ("kept", kept()),
        ("dropped", dropped()),
        ("refused", refused()),
        ("settings-allowed", settings_allowed()),
        ("settings-policy", settings_other(SettingClass::Policy)),
        ("settings-refused", settings_other(SettingClass::Deny)),
        ("variables", variables()),
    ];
    hold("ARGUMENTS.md", &with_tables(&text("ARGUMENTS.md"), &tables));
}

/// The text with each table between its markers.
fn with_tables(text: &str, tables: &[(&str, String)]) -> String {
    tables.iter().fold(text.to_owned(), |text, (name, table)| {
        let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->"));
        let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("the line {begin:?} is gone"));
        let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("the line {end:?} is gone"));
        format!("{before}{begin}\n{table}\n{end}{after}")
    })
}

fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut table = format!("| {} |\n|{}", head.join(" | "), " --- |".repeat(N));
    for row in rows {
        assert!(row.iter().all(|cell| !cell.contains(['|', '\n'])), "{row:?} would break the table");
        write!(table, "\n| {} |", row.join(" | ")).unwrap();
    }
    table.replace("  |", " |").replace("|  ", "| ") + "\n"
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn codes<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().map(code).collect::<Vec<_>>().join(" ")
}

fn documents() -> String {
    let row = |entry: registry::Entry| {
        let schema = serde_json::to_value(&entry.schema).unwrap();
        // Lines of a file have alternatives; the first is the header.
        let header = ["oneOf", "anyOf"].iter().find_map(|key| schema[*key][0]["$ref"].as_str());
        let header = header.map_or(&schema, |reference| schema.pointer(&reference[1..]).unwrap());
        let scope = match (&header["properties"]["job_id"], &header["properties"]["run_id"]) {
            (job, _) if !job.is_null() => "job",
            (_, run) if !run.is_null() => "run",
            _ => "–",
        };
        let file = format!("[`{0}`](rch-xcode/{0}.schema.json)", entry.name);
        [file, code(&entry.id()), scope.to_owned(), entry.sentence().to_owned()]
    };
    table(["document", "`schema_id`", "scope", "says"], registry::documents().into_iter().map(row))
}

fn exit_codes() -> String {
    let own = exit::ALL.iter().map(|(code, sentence)| [code.to_string(), "–".to_owned(), (*sentence).to_owned()]);
    let kinds = FailureKind::ALL.iter().map(|kind| [kind.exit_code().to_string(), code(kind.as_str()), kind.sentence().to_owned()]);
    table(["exit", "`failure_kind`", "when"], own.chain(kinds))
}

fn reasons() -> String {
    let retry = |reason: Reason| match reason.retry_class() {
        RetryClass::Again => "again",
        RetryClass::Elsewhere => "elsewhere",
        RetryClass::Never => "never",
    };
    let row = |reason: &Reason| {
        let kind = reason.kind().map_or_else(|| "–".to_owned(), |kind| code(kind.as_str()));
        [code(reason.code()), kind, reason.exit_code().to_string(), retry(*reason).to_owned(), reason.sentence().to_owned()]
    };
    table(["code", "`failure_kind`", "exit", "retry", "says"], Reason::ALL.iter().map(row))
}

fn value(value: Value) -> String {
    match value {
        Value::None => "–".to_owned(),
        Value::Text => "text".to_owned(),
        Value::TestName => "`Target/Class/test()`".to_owned(),
        Value::YesNo => "`YES` `NO`".to_owned(),
        Value::Number(first, last) => format!("{first} to {last}"),
        Value::OneOf(words) => codes(words.iter().copied()),
        Value::Sdk => "platform, or platform and version".to_owned(),
        Value::Configuration => "name".to_owned(),
        Value::Locale => "code".to_owned(),
        Value::Path(ending) => format!("path`{ending}`"),
    }
}

fn kept() -> String {
    let rows = TABLE.iter().filter(|row| row.position.is_some());
    table(
        ["place", "argument", "value", "class", "rule"],
        rows.map(|row| {
            let class = if row.class == Class::Policy { "policy" } else { "allow" };
            let place = row.position.map_or_else(String::new, |place| place.to_string());
            [place, codes(row.names.iter().copied()), value(row.value), class.to_owned(), rule(row)]
        }),
    )
}

/// The rule with what the other columns of the table in code add.
fn rule(row: &Row) -> String {
    let mut rule = row.rule.to_owned();
    let mut add = |condition: bool, text: String| {
        if condition {
            write!(rule, "; {text}").unwrap();
        }
    };
    add(row.repeats, "may be repeated: sorted, each value once".to_owned());
    add(row.tests_only, "for tests only".to_owned());
    add(!row.excludes.is_empty(), format!("not beside {}", codes(row.excludes.iter().copied())));
    add(!row.needs.is_empty(), format!("needs one of {}", codes(row.needs.iter().copied())));
    rule
}

fn dropped() -> String {
    let rows = TABLE.iter().filter(|row| matches!(row.class, Class::Owned | Class::OwnedIfTrusted));
    table(
        ["argument", "value", "why it is not needed"],
        rows.map(|row| {
            let condition = if row.class == Class::OwnedIfTrusted { "; refused while that is off" } else { "" };
            [codes(row.names.iter().copied()), value(row.value), format!("{}{condition}", row.rule)]
        }),
    )
}

fn refused() -> String {
    let rows = TABLE.iter().filter(|row| row.class == Class::Deny);
    let row = |row: &Row| [codes(row.names.iter().copied()), value(row.value), row.rule.to_owned(), row.instead.to_owned()];
    table(["argument", "value", "why", "instead"], rows.map(row))
}

fn settings_allowed() -> String {
    let row = |row: &'static SettingRow| {
        let SettingClass::Allow(closed) = row.class else { return None };
        let values = match closed {
            Closed::YesNo => "`YES` `NO`".to_owned(),
            Closed::Empty => "nothing after the `=`".to_owned(),
            Closed::Archs => "`arm64`, `x86_64`, or both with a space".to_owned(),
            Closed::Version => "numbers joined by dots".to_owned(),
            Closed::OneOf(texts) => {
                texts.iter().map(|text| if text.is_empty() { "nothing".to_owned() } else { code(text) }).collect::<Vec<_>>().join(", ")
            }
        };
        Some([codes(row.names.iter().copied()), values, row.rule.to_owned()])
    };
    table(["setting", "values", "why these"], SETTINGS.iter().filter_map(row))
}

fn settings_other(class: SettingClass) -> String {
    let rows = SETTINGS.iter().filter(|row| row.class == class);
    table(["setting", "why", "instead"], rows.map(|row| [codes(row.names.iter().copied()), row.rule.to_owned(), row.instead.to_owned()]))
}

fn variables() -> String {
    let row = |row: &rch_schemas::environment::VariableRow| {
        let line = match row.class {
            VariableClass::Owned => "left out",
            VariableClass::Deny => "refused",
        };
        [codes(row.names.iter().copied()), line.to_owned(), row.rule.to_owned(), row.instead.to_owned()]
    };
    table(["variable", "before `xcodebuild`", "why", "instead"], VARIABLES.iter().map(row))
}
