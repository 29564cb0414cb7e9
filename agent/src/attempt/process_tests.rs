//! The kill ladder and the log, with real processes and short graces.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use rch_schemas::wire::agent::Phase;
use tokio::signal::unix::{SignalKind, signal};

use super::*;

/// A shell script under limits of a test's choosing.
struct Bench {
    dir: tempfile::TempDir,
    progress: Progress,
    stop: watch::Sender<Option<Stop>>,
    limits: Limits,
}

impl Bench {
    fn new() -> Self {
        let progress = Progress::default();
        progress.enter(Phase::Execute, Uptime::now());
        let limits = Limits { deadline: after(60_000), idle: Duration::from_mins(1), grace: Duration::from_millis(50) };
        Self { dir: tempfile::tempdir().unwrap(), progress, stop: watch::channel(None).0, limits }
    }

    async fn run(&self, script: &str) -> (Exit, String, u64) {
        let line = CommandLine {
            program: PathBuf::from("/bin/sh"),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            environment: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
            directory: self.dir.path().to_owned(),
        };
        // Who was started to ignore SIGINT, as a script's background jobs are, hands that on; who catches it, as the agent does, does not.
        let _caught = signal(SignalKind::interrupt()).unwrap();
        let path = self.dir.path().join("build.log");
        let (mut log, grown) = LogWriter::create(&path).await.unwrap();
        let around = Surroundings { log: &mut log, limits: self.limits, progress: &self.progress, stop: self.stop.subscribe() };
        let exit = Running::start(&line).unwrap().finish(around).await.unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(log.sha256(), Sha256::of(&text));
        let bytes = grown.borrow().bytes;
        (exit, text, bytes)
    }
}

fn after(ms: u64) -> Uptime {
    Uptime::from_millis(Uptime::now().millis() + ms)
}

#[tokio::test]
async fn both_streams_land_in_one_log_in_order_and_the_input_is_empty() {
    let (exit, log, bytes) = Bench::new().run("echo one; echo two >&2; cat; echo three; exit 65").await;
    assert_eq!((exit.code, exit.signal, exit.stopped), (Some(65), None, None));
    assert_eq!((log.as_str(), bytes), ("one\ntwo\nthree\n", 14));
}

#[tokio::test]
async fn a_backend_that_heeds_sigint_writes_its_last_words() {
    let mut bench = Bench::new();
    bench.limits.deadline = after(300);
    bench.limits.grace = Duration::from_secs(30);
    let (exit, log, _) = bench.run("trap 'echo interrupted; exit 75' INT; echo started; while :; do sleep 0.05; done").await;
    assert_eq!((exit.code, exit.stopped), (Some(75), Some(Stop::Overall)));
    assert_eq!(log, "started\ninterrupted\n");
}

#[tokio::test]
async fn a_backend_that_ignores_everything_is_killed_after_two_graces() {
    let mut bench = Bench::new();
    bench.limits.deadline = after(100);
    let (exit, _, _) = bench.run("trap '' INT TERM; while :; do sleep 0.05; done").await;
    assert_eq!((exit.code, exit.signal, exit.stopped), (None, Some(9), Some(Stop::Overall)));
}

#[tokio::test]
async fn silence_is_its_own_reason() {
    let mut bench = Bench::new();
    bench.limits.idle = Duration::from_millis(200);
    let (exit, log, _) = bench.run("echo busy; exec sleep 1000").await;
    assert_eq!((exit.signal, exit.stopped), (Some(2), Some(Stop::Idle)));
    assert_eq!(log, "busy\n");
}

#[tokio::test]
async fn a_backend_is_ended_when_the_farm_no_longer_wants_it() {
    let bench = Bench::new();
    bench.stop.send_replace(Some(Stop::Cancelled));
    let (exit, _, _) = bench.run("exec sleep 1000").await;
    assert_eq!((exit.signal, exit.stopped), (Some(2), Some(Stop::Cancelled)));
}

#[tokio::test]
async fn a_grandchild_that_holds_the_pipe_does_not_hold_the_attempt_and_does_not_outlive_it() {
    let bench = Bench::new();
    let started = Uptime::now();
    let (exit, log, _) = bench.run("(trap '' INT TERM; exec sleep 1000) & echo $! >child; echo done").await;
    assert_eq!((exit.code, log.as_str()), (Some(0), "done\n"));
    assert!(Uptime::now().since(started) < PIPE_GRACE * 4);
    let child: i32 = std::fs::read_to_string(bench.dir.path().join("child")).unwrap().trim().parse().unwrap();
    let child = nix::unistd::Pid::from_raw(child);
    // Killed with the group; gone once whoever inherited it has reaped it, or a zombie that runs no more.
    let state = || std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
    while nix::sys::signal::kill(child, None).is_ok() && !state().contains(") Z ") {
        tokio::task::yield_now().await;
    }
}
