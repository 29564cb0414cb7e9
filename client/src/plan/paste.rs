//! A line that was pasted as one quoted string: the call of xcodebuild in it, and why the rest of it is not for us.

use std::ops::Range;

use rch_schemas::invocation::{TABLE, split};

use super::command_line::{CommandLine, hidden};
use super::refusal::Refusal;
use super::shell::{Token, Word, quoted, tokens};

/// Programs that make xcodebuild's output readable.
const FORMATTERS: [&str; 3] = ["xcpretty", "xcbeautify", "xcsift"];

/// What stands before a line in documentation and in the files of CI services.
const LEADERS: [&str; 6] = ["$", "%", "-", "run:", "command:", "script:"];

/// One command of the text: where it stands among the pieces, and its words.
struct Command {
    /// The operator before it.
    before: Option<usize>,
    words: Vec<(usize, Word)>,
    /// All its pieces, redirections included.
    place: Range<usize>,
}

/// Whether one word is a whole line: it has blanks, and is no argument that may hold them.
pub(super) fn is_pasted(word: &str) -> bool {
    let word = unfenced(word);
    let Some((first, _)) = word.split_once(char::is_whitespace) else { return false };
    let calls = tokens(word).iter().any(|token| matches!(token, Token::Word(word) if is_xcodebuild(&word.value)));
    calls || !first.contains(['=', ':'])
}

/// Without the back-ticks that documentation puts around a line.
fn unfenced(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('`').and_then(|inner| inner.strip_suffix('`')).filter(|inner| !inner.contains('`')).unwrap_or(text)
}

fn is_xcodebuild(word: &str) -> bool {
    word.rsplit('/').next() == Some("xcodebuild")
}

/// Reads the text as a shell would, and keeps the one call of xcodebuild in it.
pub(super) fn read(text: &str) -> CommandLine {
    let tokens = tidied(tokens(unfenced(text)));
    let mut line = CommandLine { pieces: tokens.iter().map(shown).collect(), ..CommandLine::default() };
    let commands = commands(&tokens);
    let main = main_command(&commands);
    hide_values(&mut line.pieces, &commands, main);
    for (index, token) in tokens.iter().enumerate() {
        line.refusals.extend(refuse_piece(index, token));
    }
    for (number, command) in commands.iter().enumerate() {
        match main {
            Some(main) if number < main => line.refusals.push(before(command, &tokens)),
            Some(main) if number > main => {
                let refusal = after(command, &tokens, &line.pieces);
                line.refusals.push(refusal);
            }
            Some(_) | None => {}
        }
    }
    for (place, word) in main.into_iter().flat_map(|main| &commands[main].words) {
        if let Some(expansion) = &word.expansion {
            line.expansions.push((line.words.len(), expansion.clone()));
        }
        line.words.push(word.value.clone());
        line.places.push(*place);
    }
    line
}

/// Without empty lines, what stands before a line where it was copied from, and the operators that end the text and do nothing there.
fn tidied(mut tokens: Vec<Token>) -> Vec<Token> {
    let is = |token: &Token, texts: &[&str]| matches!(token, Token::Operator(text) if texts.contains(&text.as_str()));
    tokens.dedup_by(|later, first| is(later, &["\n"]) && matches!(first, Token::Operator(_)));
    while tokens.first().is_some_and(|token| is(token, &["\n"])) {
        tokens.remove(0);
    }
    while matches!(tokens.first(), Some(Token::Word(word)) if LEADERS.contains(&word.text.as_str())) {
        tokens.remove(0);
    }
    while tokens.last().is_some_and(|token| is(token, &["\n", ";"])) {
        tokens.pop();
    }
    tokens
}

fn shown(token: &Token) -> String {
    match token {
        Token::Word(word) if word.text.chars().any(char::is_control) => quoted(&word.value),
        Token::Word(word) => word.text.clone(),
        Token::Operator(text) if text == "\n" => ";".to_owned(),
        Token::Operator(text) | Token::Redirection(text) => text.clone(),
    }
}

fn commands(tokens: &[Token]) -> Vec<Command> {
    let mut commands = vec![Command { before: None, words: Vec::new(), place: 0..0 }];
    for (index, token) in tokens.iter().enumerate() {
        let last = commands.last_mut().expect("there is one from the start");
        match token {
            Token::Operator(_) => commands.push(Command { before: Some(index), words: Vec::new(), place: index + 1..index + 1 }),
            Token::Word(word) => last.words.push((index, word.clone())),
            Token::Redirection(_) => {}
        }
        if !matches!(token, Token::Operator(_)) {
            last_place(&mut commands, index);
        }
    }
    commands.retain(|command| !command.words.is_empty());
    commands
}

fn last_place(commands: &mut [Command], index: usize) {
    if let Some(command) = commands.last_mut() {
        command.place.end = index + 1;
    }
}

/// The one that calls xcodebuild; else the first that begins like its arguments; else the first.
fn main_command(commands: &[Command]) -> Option<usize> {
    let values = |command: &Command| command.words.iter().map(|(_, word)| word.value.clone()).collect::<Vec<_>>();
    let calls = |command: &&Command| split(&values(command)).is_ok_and(|split| split.tool.is_some());
    let holds = |command: &&Command| command.words.iter().any(|(_, word)| is_xcodebuild(&word.value));
    let argues = |command: &&Command| {
        let first = &command.words[0].1.value;
        first.starts_with('-') || TABLE.iter().any(|row| row.names.contains(&first.as_str()))
    };
    let first = |wanted: &dyn Fn(&&Command) -> bool| commands.iter().position(|command| wanted(&command));
    first(&calls).or_else(|| first(&holds)).or_else(|| first(&argues)).or_else(|| (!commands.is_empty()).then_some(0))
}

/// Shows no value of a variable in commands other than the one that is judged, which has its own rule; settings of a call of xcodebuild stay.
fn hide_values(pieces: &mut [String], commands: &[Command], main: Option<usize>) {
    for (_, command) in commands.iter().enumerate().filter(|(number, _)| Some(*number) != main) {
        for (place, word) in command.words.iter().take_while(|(_, word)| !is_xcodebuild(&word.value)) {
            if let Some(hidden) = hidden(&word.value) {
                pieces[*place] = hidden;
            }
        }
    }
}

/// What is wrong with a piece by itself, wherever it stands.
fn refuse_piece(index: usize, token: &Token) -> Option<Refusal> {
    let (reason, fix) = match token {
        Token::Word(word) if word.is_open => ("a quote in it is never closed", "close the quote"),
        Token::Operator(text) if text == "(" || text == ")" => ("it starts a shell of its own", "leave the parentheses out"),
        Token::Operator(text) if text == "&" => {
            ("it would go on in the background", "leave it out, and write rch xcodebuild --detach: it prints the run's id and leaves")
        }
        Token::Redirection(text) if text.contains(">&") => ("build.log holds both outputs in one order", "leave it out"),
        Token::Redirection(text) if text.contains('>') => {
            ("the whole log is kept as build.log under .rch/artifacts", "leave it out, or write it after rch, outside the quotes")
        }
        Token::Redirection(_) => ("a job reads no input", "leave it out"),
        Token::Word(_) | Token::Operator(_) => return None,
    };
    Some(Refusal { place: index..index + 1, reason: reason.to_owned(), fix: fix.to_owned() })
}

/// Why a command before the call is not for us; with the operator that ends it.
fn before(command: &Command, tokens: &[Token]) -> Refusal {
    let first = command.words[0].1.value.as_str();
    let assigns = command.words.iter().all(|(_, word)| word.value.contains('=') && !word.value.starts_with('='));
    let (reason, fix) = match first {
        "set" => ("it prepares a shell for a pipe, and rch exits as the build or the tests did", "leave it out".to_owned()),
        "cd" | "pushd" => {
            let directory = command.words.get(1).map_or("", |(_, word)| word.text.as_str());
            ("paths are taken from the directory that rch is given in", format!("leave it out, and go there first: cd {directory}"))
        }
        "export" => ("it sets a variable of your shell", "write NAME=VALUE before the word xcodebuild".to_owned()),
        _ if assigns => ("it sets a variable of your shell", "write NAME=VALUE before the word xcodebuild".to_owned()),
        _ => ("it is a command of its own", "leave it out, and give it in your shell first".to_owned()),
    };
    let ends = matches!(tokens.get(command.place.end), Some(Token::Operator(text)) if text != ")");
    Refusal { place: command.place.start..command.place.end + usize::from(ends), reason: reason.to_owned(), fix }
}

/// Why a command after the call is not for us; with the operator that begins it.
fn after(command: &Command, tokens: &[Token], pieces: &[String]) -> Refusal {
    let operator = match command.before.map(|at| &tokens[at]) {
        Some(Token::Operator(text)) => text.as_str(),
        Some(Token::Word(_) | Token::Redirection(_)) | None => "",
    };
    let start = command.before.filter(|_| operator != ")" && operator != "(").unwrap_or(command.place.start);
    let place = start..command.place.end;
    let (reason, fix) = follows(operator, command, &pieces[place.clone()].join(" "));
    Refusal { place, reason: reason.to_owned(), fix }
}

fn follows(operator: &str, command: &Command, text: &str) -> (&'static str, String) {
    let holds = |names: &[&str]| {
        let named = |word: &Word| names.iter().any(|name| word.value.to_ascii_lowercase().contains(name));
        command.words.iter().any(|(_, word)| named(word))
    };
    let outside = "leave it out, or write it after rch, outside the quotes";
    match operator {
        "|" | "|&" if holds(&FORMATTERS) => (
            "rch prints a readable log by itself",
            format!("leave out `{text}`, and write rch xcodebuild --log short where there is no terminal"),
        ),
        "|" | "|&" if command.words[0].1.value == "tee" => {
            ("the whole log is kept as build.log under .rch/artifacts", format!("leave out `{text}`"))
        }
        "|" | "|&" => ("a pipe is for your shell", outside.to_owned()),
        _ if command.words.iter().any(|(_, word)| is_xcodebuild(&word.value)) => (
            "it is a second call of xcodebuild",
            "give each an rch of its own, or make them actions of one run in .rch/xcode.toml".to_owned(),
        ),
        "\n" if command.words[0].1.value.starts_with('-') => {
            ("the line before it ends, and a shell takes this for another command", "end the line before it with \\".to_owned())
        }
        "||" => ("what to do on failure is for your shell", format!("{outside}: rch exits as the build or the tests did")),
        _ => ("it is a command of its own", outside.to_owned()),
    }
}
