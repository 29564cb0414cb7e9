//! `rch completions` and `rch man`: the command line's own definitions, for a shell and for `man`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::Context;
use crate::cli::Cli;
use crate::error::CommandError;
use crate::output::{Ending, Label, count};

/// Prints what `shell` needs. Nothing of it depends on a tree or a farm.
pub(crate) fn completions(context: &mut Context<'_>, shell: clap_complete::Shell) -> Ending {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::definitions(), "rch", &mut script);
    let script = String::from_utf8_lossy(&script);
    for line in script.lines() {
        context.reporter.data(line);
    }
    Ending::success(format!("completions for {shell}")).with_document(json!({ "shell": shell.to_string(), "script": script }))
}

/// Prints `rch.1`, or writes a page for each command into `directory`.
pub(crate) fn pages(context: &mut Context<'_>, directory: Option<&Path>) -> Result<Ending, CommandError> {
    let Some(directory) = directory else {
        let page = render(Cli::definitions());
        for line in page.lines() {
            context.reporter.data(line);
        }
        return Ok(Ending::success("rch.1").with_document(json!({ "page": page })));
    };
    let directory = context.environment.working_directory.join(directory);
    let local = |what, path: PathBuf| move |source| CommandError::Local { what, path, source };
    fs::create_dir_all(&directory).map_err(local("cannot make", directory.clone()))?;
    let mut written = Vec::new();
    for (name, command) in all() {
        let path = directory.join(format!("{name}.1"));
        fs::write(&path, render(command)).map_err(local("cannot write", path.clone()))?;
        written.push(path);
    }
    let text = format!("{} in {}", count(written.len() as u64, "page"), directory.display());
    context.reporter.fact(&Label::Manual, &text);
    Ok(Ending::success(text).with_document(json!({ "pages": written })))
}

/// Every command that people see, by the words that lead to it: `rch-xcode-verify`.
fn all() -> Vec<(String, clap::Command)> {
    let mut definitions = Cli::definitions();
    definitions.build();
    let mut commands = vec![("rch".to_owned(), definitions)];
    let mut index = 0;
    while let Some((name, command)) = commands.get(index).cloned() {
        let visible = command.get_subcommands().filter(|inner| !inner.is_hide_set());
        commands.extend(visible.map(|inner| (format!("{name}-{}", inner.get_name()), inner.clone())));
        index += 1;
    }
    // A page is called by its whole name, and shows how the command is called.
    commands.into_iter().map(|(name, command)| (name.clone(), command.name(name))).collect()
}

fn render(command: clap::Command) -> String {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page).expect("memory can be written to");
    // What stands after a command's flags are its examples, and the exit codes.
    String::from_utf8_lossy(&page).replace(".SH EXTRA\n", ".SH EXAMPLES\n")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use clap::ValueEnum as _;

    use super::super::tests::rch;
    use super::*;

    #[tokio::test]
    async fn every_shell_gets_a_script_that_names_every_command() {
        let root = tempfile::tempdir().unwrap();
        for shell in clap_complete::Shell::value_variants() {
            let (ending, captured) = rch(root.path(), &["completions", &shell.to_string()]).await;
            assert_eq!(ending.exit_code, 0);
            for word in ["verify", "xcodebuild", "workers", "--log"] {
                assert!(captured.out().contains(word.trim_start_matches('-')), "{shell} lacks {word}");
            }
        }
    }

    #[tokio::test]
    async fn each_command_has_a_page_and_the_first_one_lists_the_exit_codes() {
        let root = tempfile::tempdir().unwrap();
        let (_, captured) = rch(root.path(), &["man"]).await;
        assert!(captured.out().starts_with(".ie") && captured.out().contains("WORKER_INCOMPATIBLE"), "{}", captured.out());
        let (ending, _) = rch(root.path(), &["man", "out/man1"]).await;
        assert_eq!(ending.exit_code, 0);
        for name in ["rch.1", "rch-xcode-verify.1", "rch-workers-show.1"] {
            assert!(fs::read_to_string(root.path().join("out/man1").join(name)).unwrap().contains(".SH NAME"), "{name}");
            assert!(fs::read_to_string(root.path().join("out/man1").join(name)).unwrap().contains(".SH EXAMPLES\n"), "{name}");
        }
        assert!(!root.path().join("out/man1/rch-xcode-tail.1").exists(), "the older spellings are not advertised");
    }
}
