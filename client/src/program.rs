//! One start of the program: parse, capture the surroundings, do the command, say how it ended.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use crate::cli::{Cli, Color, Command, WorkersCommand, XcodeCommand, asks_for_json};
use crate::command::run::What;
use crate::command::{self, Context};
use crate::environment::Environment;
use crate::error::CommandError;
use crate::interrupt::Interrupts;
use crate::output::{Ending, Reporter, Streams, Style, Terminal, Why};

/// Runs `rch` with the arguments of this process; the exit code is one of the contract's table.
pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let cli = match Cli::read(words.clone()) {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(refuse(&words, &error)),
    };
    ExitCode::from(run(cli))
}

/// Help and version are no errors; everything else that clap says is usage.
fn refuse(words: &[OsString], error: &clap::Error) -> u8 {
    if !error.use_stderr() || !asks_for_json(words) {
        // A reader that went away is no reason to fail.
        let _ = error.print();
        return if error.use_stderr() { Why::Usage.exit_code() } else { 0 };
    }
    let mut reporter = Reporter::new(Style::Json, streams(Color::Never, None));
    let ending = Ending::because(Why::Usage, error.to_string().trim().replace('\n', " "));
    reporter.finish(&ending)
}

fn run(cli: Cli) -> u8 {
    let style = if cli.global.json { Style::Json } else { Style::Human };
    let environment = Environment::capture();
    let mut reporter = Reporter::new(style, streams(cli.global.color, environment.as_ref().ok()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(2).build();
    let ending = match (environment, runtime) {
        (Ok(environment), Ok(runtime)) => {
            let ending = runtime.block_on(interruptible(cli, environment, &mut reporter));
            // What still runs is a blocking read of the tree, or a connection nobody needs any more.
            runtime.shutdown_background();
            ending
        }
        (Err(source), _) => CommandError::Local { what: "cannot find", path: "the working directory".into(), source }.tell(&mut reporter),
        (_, Err(source)) => CommandError::Local { what: "cannot start", path: "the runtime".into(), source }.tell(&mut reporter),
    };
    reporter.finish(&ending)
}

/// Does the command; the second Ctrl-C ends it wherever it is, and the first, too, where nothing has to be ended well.
async fn interruptible(cli: Cli, environment: Environment, reporter: &mut Reporter) -> Ending {
    let (interrupts, listener) = match Interrupts::listen() {
        Ok(listening) => listening,
        Err(source) => return CommandError::Local { what: "cannot listen for", path: "signals".into(), source }.tell(reporter),
    };
    let (ends_well, mut first) = (ends_well(&cli.command), interrupts.clone());
    let mut context = Context { environment, global: cli.global, interrupts, reporter };
    let outcome = tokio::select! {
        outcome = dispatch(cli.command, &mut context) => outcome,
        () = first.asked(1), if !ends_well => Err(CommandError::Interrupted),
        () = listener.run() => Err(CommandError::Interrupted),
    };
    outcome.unwrap_or_else(|error| error.tell(reporter))
}

/// Whether the command answers a first Ctrl-C itself: it has a run to cancel or to leave, or something half fetched.
fn ends_well(command: &Command) -> bool {
    use XcodeCommand as Xcode;
    match command {
        Command::Xcodebuild { .. } | Command::Tail(_) | Command::Wait { .. } | Command::Fetch(_) => true,
        Command::Workers(command) => matches!(command, WorkersCommand::Drain { wait: true, .. }),
        Command::Xcode(command) => matches!(command, Xcode::Verify { .. } | Xcode::Run { .. } | Xcode::Tail(_) | Xcode::Fetch(_)),
        Command::Cancel { .. }
        | Command::Runs { .. }
        | Command::Queue(_)
        | Command::Why(_)
        | Command::Replay(_)
        | Command::Status
        | Command::Login(_)
        | Command::Logout { .. }
        | Command::Config(_)
        | Command::Schema(_)
        | Command::Audit { .. }
        | Command::Doctor
        | Command::Completions { .. }
        | Command::Man { .. } => false,
    }
}

/// Does one command.
pub(crate) async fn dispatch(command: Command, context: &mut Context<'_>) -> Result<Ending, CommandError> {
    match command {
        Command::Xcode(XcodeCommand::Verify { run }) => command::run::run(context, run, What::Verify).await,
        Command::Xcode(XcodeCommand::Run { actions, run }) => command::run::run(context, run, What::Actions(actions)).await,
        Command::Xcode(XcodeCommand::Explain { line }) => command::explain::run(context, &line).await,
        Command::Xcodebuild { run, line } => command::run::run(context, run, What::Line(line)).await,
        Command::Tail(flags) | Command::Xcode(XcodeCommand::Tail(flags)) => command::tail::tail(context, flags).await,
        Command::Wait { id } => command::tail::wait(context, &id).await,
        Command::Cancel { id } | Command::Xcode(XcodeCommand::Cancel { id }) => command::cancel::run(context, &id).await,
        Command::Fetch(flags) | Command::Xcode(XcodeCommand::Fetch(flags)) => command::fetch::run(context, flags).await,
        Command::Runs { limit } => command::runs::run(context, limit).await,
        Command::Queue(flags) => command::queue::run(context, flags).await,
        Command::Why(flags) => command::why::run(context, flags).await,
        Command::Replay(flags) => command::replay::run(context, flags).await,
        Command::Workers(command) => command::workers::run(context, command).await,
        Command::Status => command::status::run(context).await,
        Command::Xcode(XcodeCommand::Init(flags)) => command::init::run(context, flags).await,
        Command::Login(flags) => command::login::login(context, flags).await,
        Command::Logout { url } => command::login::logout(context, &url),
        Command::Config(command) => command::config::run(context, command).await,
        Command::Schema(command) => command::schema::run(context, command),
        Command::Audit { directory } => command::audit::run(context, &directory).await,
        Command::Doctor | Command::Xcode(XcodeCommand::Doctor) => command::doctor::run(context).await,
        Command::Completions { shell } => Ok(command::manual::completions(context, shell)),
        Command::Man { directory } => command::manual::pages(context, directory.as_deref()),
    }
}

fn streams(color: Color, environment: Option<&Environment>) -> Streams {
    let has = |name: &str| environment.is_some_and(|environment| environment.get(name).is_some());
    let dumb = environment.is_some_and(|environment| environment.get("TERM") == Some("dumb"));
    let terminal = io::stderr().is_terminal() && !dumb;
    let is_coloured = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => terminal && !has("NO_COLOR"),
    };
    Streams {
        out: Box::new(io::stdout()),
        err: Box::new(io::stderr()),
        colour: is_coloured,
        live: (terminal && !has("CI")).then(Terminal::stderr),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_interrupt_is_left_to_commands_that_have_something_to_end() {
        for (line, expected) in [
            ("rch xcode verify", true),
            ("rch xcodebuild build", true),
            ("rch wait last", true),
            ("rch fetch last", true),
            ("rch workers drain macmini-02 --wait", true),
            ("rch workers drain macmini-02", false),
            ("rch xcode explain -- build", false),
            ("rch cancel last", false),
            ("rch audit .", false),
            ("rch doctor", false),
        ] {
            let cli = Cli::read(line.split(' ').map(OsString::from)).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(ends_well(&cli.command), expected, "{line}");
        }
    }
}
