//! `rch schema list`, `show` and `validate`.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use rch_schemas::registry::Entry;
use serde_json::{Value, json};

use super::Context;
use crate::cli::SchemaCommand;
use crate::error::CommandError;
use crate::output::{Ending, Label, Why, table};
use crate::schema::{Catalogue, Checked, Violation, check};

/// No document comes near it; a file that is larger is something else.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Does one of them. No farm is asked.
pub(crate) fn run(context: &mut Context<'_>, command: SchemaCommand) -> Result<Ending, CommandError> {
    match command {
        SchemaCommand::List => Ok(list(context)),
        SchemaCommand::Show { name } => show(context, &name),
        SchemaCommand::Validate { files } => validate(context, &files),
    }
}

fn list(context: &mut Context<'_>) -> Ending {
    let catalogue = Catalogue::new();
    let row = |entry: &Entry| [entry.name.to_owned(), entry.id(), entry.sentence().to_owned()];
    let rows: Vec<[String; 3]> = catalogue.entries().iter().map(row).collect();
    context.reporter.data_lines(&table(["NAME", "SCHEMA_ID", "SAYS"], &[], &rows));
    let listed: Vec<Value> = rows.iter().map(|[name, id, says]| json!({ "name": name, "schema_id": id, "says": says })).collect();
    Ending::success(format!("{} documents", listed.len())).with_document(json!({ "schemas": listed }))
}

fn show(context: &mut Context<'_>, name: &str) -> Result<Ending, CommandError> {
    let catalogue = Catalogue::new();
    let entry = catalogue.named(name)?;
    let lines: Vec<String> = entry.text().lines().map(str::to_owned).collect();
    context.reporter.data_lines(&lines);
    Ok(Ending::success(entry.id()).with_document(json!(entry.schema)))
}

fn validate(context: &mut Context<'_>, files: &[PathBuf]) -> Result<Ending, CommandError> {
    let mut catalogue = Catalogue::new();
    let (mut reports, mut invalid) = (Vec::new(), 0);
    for file in files {
        let name = file.display().to_string();
        let text = read(&context.environment.working_directory, file)?;
        let checked = check(&mut catalogue, &text);
        context.reporter.data_lines(&lines(&name, &checked));
        invalid += usize::from(!checked.violations.is_empty());
        reports.push(json!({ "file": name, "valid": checked.violations.is_empty(), "checked": checked }));
    }
    let ending = if invalid == 0 {
        Ending::success(format!("{} files are what they say they are", files.len()))
    } else {
        let sentence = format!("{invalid} of {} files are not what their schema says", files.len());
        context.reporter.fact(&Label::Failed, &sentence);
        Ending::because(Why::Usage, sentence)
    };
    Ok(ending.with_document(json!({ "files": reports })))
}

/// The file's text. What is not UTF-8 is no JSON, and is said to be so by the parser.
fn read(working_directory: &Path, file: &Path) -> Result<String, CommandError> {
    let bytes = || {
        let mut bytes = Vec::new();
        if file == Path::new("-") {
            io::stdin().lock().take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        } else {
            File::open(working_directory.join(file))?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        }
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("it is larger than {FILE_BYTES_MAX} bytes, which no document is"),
            ));
        }
        Ok(bytes)
    };
    let local = |source| CommandError::Given { path: file.to_owned(), source };
    Ok(String::from_utf8_lossy(&bytes().map_err(local)?).into_owned())
}

/// What a person sees of one file: a line when it is valid, else a line for each place.
fn lines(name: &str, checked: &Checked) -> Vec<String> {
    let line = |violation: &Violation| {
        let Violation { line, pointer, expected, found } = violation;
        let line = line.map(|line| format!(":{line}")).unwrap_or_default();
        format!("{name}{line}#{pointer}: expected {expected}; found {found}")
    };
    if checked.violations.is_empty() {
        let ids = checked.schema_ids.join(", ");
        let count = if checked.documents == 1 { String::new() } else { format!(", {} lines", checked.documents) };
        return vec![format!("{name}: valid, {ids}{count}")];
    }
    checked.violations.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::fs;

    use rch_schemas::document::{CliEvent, CliEventBody};

    use super::super::tests::rch;

    const GOOD: &str = r#"{"schema_version":1,"schema_id":"rch-xcode/cli_event@1","created_at":"2026-03-02T09:30:00.125Z","event":{"type":"progress","label":"Run","text":"x"}}"#;

    #[tokio::test]
    async fn files_are_checked_one_by_one_and_the_exit_code_says_whether_all_are_valid() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("good.json"), GOOD).unwrap();
        fs::write(root.path().join("bad.jsonl"), format!("{GOOD}\n{}\n", GOOD.replace("\"x\"", "7"))).unwrap();
        let (ending, captured) = rch(root.path(), &["schema", "validate", "good.json"]).await;
        assert_eq!((ending.exit_code, captured.out().as_str()), (0, "good.json: valid, rch-xcode/cli_event@1\n"));

        let (ending, captured) = rch(root.path(), &["schema", "validate", "bad.jsonl", "good.json"]).await;
        assert_eq!(ending.exit_code, 2);
        assert_eq!(captured.out(), "bad.jsonl:2#/event/text: expected string; found 7\ngood.json: valid, rch-xcode/cli_event@1\n");
        let (mistyped, said) = rch(root.path(), &["schema", "validate", "god.json"]).await;
        assert_eq!((mistyped.exit_code, said.err().contains("cannot read god.json: ")), (2, true), "{}", said.err());
        assert_eq!(captured.err(), "      Failed  1 of 2 files are not what their schema says\n        Exit  2 USAGE\n");
    }

    #[tokio::test]
    async fn what_rch_prints_as_json_is_valid_itself() {
        let root = tempfile::tempdir().unwrap();
        let (_, captured) = rch(root.path(), &["schema", "list", "--json"]).await;
        fs::write(root.path().join("list.json"), captured.out()).unwrap();
        let (ending, captured) = rch(root.path(), &["schema", "validate", "list.json", "--json"]).await;
        assert_eq!(ending.exit_code, 0, "{}", captured.out());
        let event: CliEvent = serde_json::from_str(captured.out().trim()).unwrap();
        let CliEventBody::Result { document: Some(document), .. } = event.event else { panic!("{event:?}") };
        assert_eq!(document["files"][0]["checked"]["schema_ids"][0], "rch-xcode/cli_event@1");
    }

    #[tokio::test]
    async fn a_schema_is_shown_as_it_is_committed_and_a_wrong_name_is_corrected() {
        let root = tempfile::tempdir().unwrap();
        let (_, captured) = rch(root.path(), &["schema", "show", "recipe"]).await;
        let committed = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/rch-xcode/recipe.schema.json");
        assert_eq!(captured.out(), fs::read_to_string(committed).unwrap());
        let (ending, captured) = rch(root.path(), &["schema", "show", "recipes"]).await;
        assert_eq!((ending.exit_code, captured.err().contains("did you mean recipe?")), (2, true), "{}", captured.err());
    }
}
