//! `rch xcode explain`: what would become of a command line, argument by argument. Runs nothing.

use std::time::Duration;

use rch_schemas::Reason;
use rch_schemas::document::Farm;
use rch_schemas::invocation::Policy;
use serde_json::{Value, json};

use super::Context;
use crate::config::{Layers, Settings};
use crate::error::CommandError;
use crate::output::{Ending, Label, Why, count, table, wrapped};
use crate::plan::{Directories, Explained, PlanError, Reading, Refused, quoted, read};

/// How long a farm may take to say its policy: the answer is as good without, and says so.
const FARM_PATIENCE: Duration = Duration::from_secs(3);
/// Columns beside a label, so that both fit a terminal.
const TEXT_COLUMNS: usize = 66;
/// Characters shown of one argument in the table.
const ARGUMENT_CHARS_MAX: usize = 48;

/// The rules that judge.
struct Rules {
    policy: Policy,
    /// The farm, when it answered.
    farm: Option<Farm>,
    /// For people: whose rules they are.
    told: String,
}

/// Explains one line.
pub(crate) async fn run(context: &mut Context<'_>, words: &[String]) -> Result<Ending, CommandError> {
    let layers = context.layers(Vec::new())?;
    let rules = rules(context, &layers).await;
    let merged = match &rules.farm {
        Some(farm) => layers.merged_with(farm)?,
        None => layers.merged(),
    };
    let settings = Settings::new(&merged);
    let working = &context.environment.working_directory;
    let root = context.root(&layers);
    let reading = read(&settings, words, Directories { root: &root, working }, Some(&rules.policy));
    let refused = reading.refused();
    let missing = missing(&reading);
    let mut document = document(&reading, refused.as_ref(), &rules);
    tell(context, &reading, refused.as_ref(), &missing);
    context.reporter.data_fact(&Label::Policy, &rules.told);
    tell_arguments(context, &reading);
    let ending = if let Some(refused) = refused {
        Ending::because(Why::Reason(Reason::ArgumentDenied), refused.sentences().join("\n"))
    } else {
        // What belongs together is checked last, as for a run: a pinned destination, for one.
        let also = if missing.is_empty() { reading.into_plan(&settings, &root).err() } else { None };
        if let Some(error) = &also {
            context.reporter.data_fact(&Label::Missing, &error.to_string());
        }
        let missing: Vec<String> = missing.into_iter().chain(also.iter().map(PlanError::to_string)).collect();
        document["missing"] = json!(missing);
        Ending::success(if missing.is_empty() { "accepted" } else { "accepted, and something is missing before it can run" })
    };
    Ok(ending.with_document(document))
}

/// The farm's own rules, and with them its defaults, when it is configured and answers; else those built in, which allow nothing that is left
/// to a farm.
async fn rules(context: &Context<'_>, layers: &Layers) -> Rules {
    let built_in = |why: &str| Rules {
        policy: Policy::default(),
        farm: None,
        told: format!("built in, which allows nothing that is a farm's to allow: {why}"),
    };
    let merged = layers.merged();
    let Ok(url) = Settings::new(&merged).coordinator() else { return built_in("no coordinator is configured") };
    let client = match context.client(url.clone()) {
        Ok(client) => client,
        Err(error) => return built_in(&error.sentence()),
    };
    match tokio::time::timeout(FARM_PATIENCE, client.farm()).await {
        Ok(Ok(farm)) => Rules { told: format!("of the farm {}, {url}", farm.name), policy: farm.policy.clone(), farm: Some(farm) },
        Ok(Err(error)) if !error.is_passing() => built_in(&error.to_string()),
        Ok(Err(_)) | Err(_) => built_in(&format!("{url} does not answer")),
    }
}

fn missing(reading: &Reading) -> Vec<String> {
    reading.missing.iter().map(ToString::to_string).collect()
}

fn tell(context: &mut Context<'_>, reading: &Reading, refused: Option<&Refused>, missing: &[String]) {
    let reporter = &mut *context.reporter;
    if let Some(refused) = refused {
        reporter.data_lines(&refused.line());
        reporter.data("");
        for (label, text) in refused.facts() {
            reporter.data_fact(&label, &text);
        }
        reporter.data("");
    } else {
        let classified = &reading.classified;
        let jobs = count(classified.destinations.len().max(1) as u64, "job");
        reporter.data_fact(&Label::Accepted, &format!("{}, {jobs}", classified.action));
        let runs: Vec<String> =
            std::iter::once("xcodebuild".to_owned()).chain(classified.sanitized_argv.iter().map(|word| quoted(word))).collect();
        let mut rows = wrapped(&runs, TEXT_COLUMNS).into_iter();
        reporter.data_fact(&Label::Runs, &rows.next().unwrap_or_default());
        rows.for_each(|row| reporter.data_detail(&row));
        for destination in &classified.destinations {
            reporter.data_fact(&Label::Job, &format!("{} on {destination}", classified.action));
        }
        for text in missing {
            reporter.data_fact(&Label::Missing, text);
        }
    }
    for filled in &reading.filled {
        let words: Vec<String> = filled.words.iter().map(|word| quoted(word)).collect();
        reporter.data_fact(&Label::Config, &format!("{}, from {}", words.join(" "), filled.origin));
    }
    for dropped in &reading.classified.dropped {
        reporter.data_fact(&Label::Dropped, &format!("{}: {}", dropped.argument, dropped.reason));
    }
    if !reading.env.is_empty() {
        let names: Vec<&str> = reading.env.keys().map(String::as_str).collect();
        reporter.data_fact(&Label::Environment, &format!("{}, set for the build and its tests", names.join(", ")));
    }
    for notice in &reading.notices {
        reporter.data_fact(&Label::Notice, notice);
    }
}

fn tell_arguments(context: &mut Context<'_>, reading: &Reading) {
    let row = |explained: Explained| {
        let mut argument: String = explained.argument.chars().take(ARGUMENT_CHARS_MAX).collect();
        if argument.len() < explained.argument.len() {
            argument.push_str("..");
        }
        [argument, explained.class.to_owned(), explained.meaning.to_owned()]
    };
    let rows: Vec<[String; 3]> = reading.explained().into_iter().map(row).collect();
    if rows.is_empty() {
        return;
    }
    context.reporter.data("");
    context.reporter.data_lines(&table(["ARGUMENT", "CLASS", "WHAT IT IS"], &[], &rows));
}

/// The same facts for a program; members that `invocation.json` has too are named as there.
fn document(reading: &Reading, refused: Option<&Refused>, rules: &Rules) -> Value {
    let classified = &reading.classified;
    let arguments = reading.explained().into_iter().map(|explained| {
        json!({ "argument": explained.argument, "class": explained.class, "meaning": explained.meaning, "from": explained.origin })
    });
    json!({
        "accepted": refused.is_none(),
        "line": reading.pieces().join(" "),
        "original_argv": reading.original_argv(),
        "sanitized_argv": classified.sanitized_argv,
        "action": classified.action,
        "clean": classified.clean,
        "destinations": classified.destinations,
        "arguments": arguments.collect::<Vec<_>>(),
        "dropped": classified.dropped.iter().map(|it| json!({ "argument": it.argument, "reason": it.reason })).collect::<Vec<_>>(),
        "rejected": refused.map_or_else(|| json!([]), Refused::document),
        "config": reading.filled.iter().map(|it| json!({ "words": it.words, "from": it.origin })).collect::<Vec<_>>(),
        "missing": missing(reading),
        "environment": reading.env.keys().collect::<Vec<_>>(),
        "notices": reading.notices,
        "policy": rules.policy,
        "policy_sha256": rules.policy.digest(),
        "policy_of": rules.farm.as_ref().map_or_else(|| "built-in".to_owned(), |farm| format!("farm {}", farm.name)),
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::fs;

    use rch_schemas::document::CliEvent;
    use serde_json::{Value, json};

    use crate::command::tests::{rch, tree};
    use crate::download::tests::{Served, farm};
    use crate::farm::fake::{Answer, Fake};
    use crate::golden;

    /// What people see of these lines, each given at the root of a tree with one action. A change is to be made here too, on purpose.
    #[tokio::test]
    async fn explanations_read_as_was_agreed() {
        let root = tree();
        let mut transcript = String::new();
        for words in [
            &["xcode", "explain", "--", "env", "LANG=de", "xcodebuild", "-quiet", "clean", "test", "-only-testing", "AppTests/A b"][..],
            &["xcode", "explain", "--", "-project", "App.xcodeproj", "-target", "앱 하나", "-configuration", "debug", "archive"],
            &[
                "xcode",
                "explain",
                "--",
                "set -o pipefail && xcodebuild -scheme \"$SCHEME\" -destination platform=iOS Simulator,name=iPhone 16 \\\n  -derivedDataPath $PWD/dd test 2>&1 | tee out.log | xcpretty -c",
            ],
            &["xcode", "explain", "--", "swift", "test"],
            &["xcodebuild", "-arch", "arm64", "-exportArchive", "-archivePath", "a.xcarchive", "build"],
        ] {
            let (_, captured) = rch(root.path(), words).await;
            let typed: Vec<String> = words.iter().map(|word| super::quoted(word)).collect();
            transcript.extend(["$ rch ", &typed.join(" "), "\n", &captured.out(), &captured.err(), "\n"]);
        }
        golden::check("explain.txt", &transcript);
    }

    #[tokio::test]
    async fn without_a_configuration_a_line_is_explained_and_what_it_lacks_is_told() {
        let root = tempfile::tempdir().unwrap();
        let (ending, captured) = rch(root.path(), &["xcode", "explain", "xcodebuild", "-scheme", "App", "test"]).await;
        assert_eq!(ending.exit_code, 0, "{}", captured.out());
        let lines: Vec<String> = captured.out().lines().map(str::to_owned).collect();
        assert_eq!(lines[0], "    Accepted  test, 1 job");
        let missing: Vec<&String> = lines.iter().filter(|line| line.starts_with("     Missing  ")).collect();
        assert_eq!(missing.len(), 2, "{lines:#?}");
        assert!(missing[0].contains("add -workspace or -project") && missing[1].contains("destination.value is not set"), "{missing:?}");
        assert_eq!(captured.err(), "");
    }

    #[tokio::test]
    async fn the_policy_of_a_farm_that_answers_decides() {
        let fake = Fake::serve(|asked| match asked.what.as_str() {
            "GET /farm" => {
                let mut farm = serde_json::to_value(farm(&Served::key())).unwrap();
                farm["policy"]["arguments"] = json!(["-arch"]);
                Answer::json(&farm)
            }
            _ => Answer::not_found(),
        })
        .await;
        let root = tree();
        let line = ["xcode", "explain", "--", "xcodebuild", "-arch", "arm64", "test"];
        let (ending, captured) = rch(root.path(), &[&["--coordinator", fake.url.as_str()], &line[..]].concat()).await;
        assert_eq!(ending.exit_code, 0, "{}", captured.out());
        assert!(captured.out().contains(&format!("      Policy  of the farm home, {}", fake.url)), "{}", captured.out());
        assert_eq!(fake.counts().len(), 1, "nothing but the farm itself is asked for");
        let (ending, captured) = rch(root.path(), &line).await;
        assert_eq!(ending.exit_code, 10, "{}", captured.out());
        assert!(captured.out().contains("Policy  built in, which allows nothing that is a farm's to allow: no coordinator is configured"));
        let (ending, captured) = rch(root.path(), &[&["--coordinator", "http://127.0.0.1:1"], &line[..]].concat()).await;
        assert_eq!(ending.exit_code, 10);
        assert!(captured.out().contains("http://127.0.0.1:1/ does not answer"), "{}", captured.out());
    }

    #[tokio::test]
    async fn a_program_gets_the_same_facts_in_one_result() {
        let root = tree();
        let line = ["--json", "xcode", "explain", "--", "TOKEN=verysecret", "xcodebuild", "-quiet", "-target", "App", "test"];
        let (_, captured) = rch(root.path(), &line).await;
        let lines: Vec<Value> = captured.out().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(lines.len() == 1 && serde_json::from_value::<CliEvent>(lines[0].clone()).is_ok(), "{lines:?}");
        assert!(!captured.out().contains("verysecret"), "values of variables are never told");
        let result = &lines[0]["event"];
        assert_eq!((&result["exit_code"], &result["code"]), (&json!(10), &json!("ARGUMENT_DENIED")));
        let document = &result["document"];
        assert_eq!(document["accepted"], false);
        assert_eq!(document["line"], "TOKEN=.. xcodebuild -quiet -target App test");
        assert_eq!(document["original_argv"], json!(["-quiet", "-target", "App", "test"]));
        assert_eq!(document["dropped"][0]["argument"], "-quiet");
        assert_eq!(document["rejected"][0]["argument"], "-target App");
        assert!(document["rejected"][0]["fix"].as_str().unwrap().contains("-scheme"));
        assert_eq!(document["environment"], json!(["TOKEN"]));
        assert_eq!(document["config"][1], json!({"words": ["-scheme", "App"], "from": "project.scheme of .rch/xcode.toml"}));
        let class = |index: usize| document["arguments"][index]["class"].clone();
        assert_eq!([class(0), class(1), class(2)], ["owned", "deny", "allow"]);
        assert_eq!(document["policy_of"], "built-in");
    }

    #[tokio::test]
    async fn what_belongs_together_is_checked_as_for_a_run() {
        let root = tree();
        let file = root.path().join(".rch/xcode.toml");
        let config = fs::read_to_string(&file).unwrap().replace("[timeouts]", "mode = \"pinned\"\n[timeouts]");
        fs::write(&file, config).unwrap();
        let (ending, captured) = rch(root.path(), &["xcode", "explain", "--", "xcodebuild", "test"]).await;
        assert_eq!(ending.exit_code, 0);
        assert!(captured.out().contains("Missing  destination.mode is \"pinned\""), "{}", captured.out());
    }
}
