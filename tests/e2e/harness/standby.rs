//! A second coordinator of a farm: same ledger, store and key, data and port of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;

use rch_local::Farm;
use reqwest::StatusCode;
use tempfile::TempDir;

use super::api::Api;
use super::files::wait_until;

/// It runs until it is dropped: then it is told to end, and gives the lead back if it has it.
#[derive(Debug)]
pub(crate) struct Standby {
    process: Child,
    api: Api,
    _data: TempDir,
}

impl Standby {
    /// Starts it beside the farm's coordinator.
    pub(crate) fn of(farm: &Farm) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut command = Command::new(farm.bin().join("rch-coordinator"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RCH_")) {
            command.env_remove(name);
        }
        command.arg("--config").arg(farm.directory().join("coordinator.toml")).arg("--data-dir").arg(data.path());
        command.args(["--listen", "127.0.0.1:0"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let url = lines.find_map(|line| line.strip_prefix("listening on ").map(str::to_owned)).expect("it says where it listens");
        thread::spawn(move || lines.for_each(drop));
        Self { process, api: Api::at(&url), _data: data }
    }

    /// Waits until it leads: until the lease of another has ended.
    pub(crate) fn wait_until_leading(&self) {
        wait_until("the standby leads", || {
            let health = self.api.get("/v1/healthz");
            assert!(!matches!(health, Err((StatusCode::BAD_GATEWAY, _))), "the standby has ended: {health:?}");
            health.is_ok_and(|health| health["leader"] == true)
        });
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        let process = nix::unistd::Pid::from_raw(i32::try_from(self.process.id()).expect("a process id"));
        let _ = nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGTERM);
        let _ = self.process.wait();
    }
}
