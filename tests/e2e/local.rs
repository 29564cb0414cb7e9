//! `rch-local` itself: a farm that is kept running, ended from elsewhere, and never left behind.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use crate::harness::{PROGRAM, wait_until};

/// `rch-local up`, once it says how to use the farm.
struct Up {
    process: Child,
    said: Vec<String>,
}

impl Up {
    fn start(directory: &Path) -> Self {
        let process = Command::new(PROGRAM).args(["up", "--directory"]).arg(directory).stdout(Stdio::piped()).spawn().unwrap();
        let mut up = Self { process, said: Vec::new() };
        let mut lines = BufReader::new(up.process.stdout.take().unwrap()).lines().map(Result::unwrap);
        while up.said.last().is_none_or(|line| !line.contains("rch xcode verify")) {
            let line = lines.next().unwrap_or_else(|| panic!("it ended: {:#?}", up.said));
            up.said.push(line);
        }
        up
    }

    /// Where a server of the farm listens: the address behind `scheme` in what was said.
    fn address(&self, scheme: &str) -> String {
        let text = self.said.iter().find_map(|line| line.split(scheme).nth(1)).unwrap();
        text.split([',', ' ']).next().unwrap().to_owned()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn local(command: &str, directory: &Path) -> Output {
    Command::new(PROGRAM).args([command, "--directory"]).arg(directory).output().unwrap()
}

fn nobody_listens(address: &str) -> bool {
    TcpStream::connect(address).is_err()
}

#[test]
fn a_farm_that_is_up_is_the_only_one_there_until_it_is_taken_down() {
    let directory = tempfile::tempdir().unwrap();
    let mut up = Up::start(directory.path());
    let addresses = [up.address("http://"), up.address("nats://")];
    assert!(!addresses.iter().any(|address| nobody_listens(address)), "{:#?}", up.said);

    let second = local("up", directory.path());
    let refusal = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success() && refusal.contains(&up.process.id().to_string()) && refusal.contains("rch-local down"), "{refusal}");

    assert!(local("down", directory.path()).status.success());
    assert!(up.process.wait().unwrap().success(), "it was asked to end, and ended in order");
    assert!(addresses.iter().all(|address| nobody_listens(address)));

    let again = local("down", directory.path());
    assert!(again.status.success() && String::from_utf8_lossy(&again.stdout).contains("no farm is running"), "{again:?}");
}

#[test]
fn nothing_outlives_a_farm_whose_starter_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let mut up = Up::start(directory.path());
    let addresses = [up.address("http://"), up.address("nats://")];
    up.process.kill().unwrap();
    up.process.wait().unwrap();
    wait_until("nobody listens", || addresses.iter().all(|address| nobody_listens(address)));
}
