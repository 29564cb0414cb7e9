//! Clients that ask for one run after another until they are told to stop.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rch_local::Farm;

use crate::harness::{Api, Outcome, Project, start};

const FOR_EVER: [(&str, &str); 1] = [("HANG", "build")];
const BROKEN: &str = "Sources/Feed/FeedView.swift";

/// What a client keeps asking for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// A build that succeeds.
    Build,
    /// A build of what does not compile.
    Broken,
    /// A build that never ends, and is cancelled once it runs.
    Cancelled,
}

impl Wish {
    /// The exit code it must get.
    fn exit_code(self) -> i32 {
        match self {
            Self::Build => 0,
            Self::Broken => 50,
            Self::Cancelled => 80,
        }
    }

    fn project(self) -> Project {
        let project = Project::sample();
        match self {
            Self::Build => project,
            Self::Broken => {
                project.append(BROKEN, "#error(\"broken on purpose\")");
                project
            }
            Self::Cancelled => project.simulate(&FOR_EVER),
        }
    }
}

/// Tells the clients to stop when it is dropped, so that they do when a test fails.
#[derive(Debug)]
pub(super) struct Closing<'a>(pub(super) &'a AtomicBool);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Asks `worker` for the same again and again, and is told the right end each time. One run at least.
pub(super) fn keep_asking(farm: &Mutex<Farm>, worker: &str, wish: Wish, over: &AtomicBool) -> Vec<Outcome> {
    let project = wish.project();
    let mut outcomes = Vec::new();
    while outcomes.is_empty() || !over.load(Ordering::Relaxed) {
        outcomes.push(ask(farm, project.path(), worker, wish).expect(wish.exit_code()));
    }
    outcomes
}

fn ask(farm: &Mutex<Farm>, directory: &Path, worker: &str, wish: Wish) -> Outcome {
    let (mut running, api) = {
        let farm = farm.lock().unwrap();
        (start(&farm, directory, &["xcode", "run", "--action", "build", "--worker", worker]), Api::of(&farm))
    };
    if wish == Wish::Cancelled {
        let run = running.run_id();
        api.wait_for_running(&run);
        cancel(farm, directory, &run);
    }
    running.wait()
}

/// Cancels a run, again as long as nobody says that it heard of it. (Ctrl-C would not wait for the end of the run for longer than ten seconds.)
fn cancel(farm: &Mutex<Farm>, directory: &Path, run: &str) {
    loop {
        let cancelling = start(&farm.lock().unwrap(), directory, &["cancel", run]);
        if cancelling.wait().code == 0 {
            return;
        }
    }
}
