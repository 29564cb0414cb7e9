//! A farm on this machine: its NATS server, its coordinator and its agents as child processes in one directory.
//!
//! It owns the directory, the keys and configuration files in it, and the processes. It does not know what a run is: whoever wants one starts
//! `rch` with [`Farm::rch`].
//!
//! ```text
//! bin/{rch,rch-agent,rch-coordinator,rch-keeper}   links to the one program
//! farm.key  inventory.toml  coordinator.toml       who belongs to the farm
//! store.toml                                       who we are to the store, when that is a bucket
//! nats.conf  nats/  coordinator/  store/           what it remembers
//! agents/<name>/{agent.toml,agent.key,data/,mac/}  one worker, with its simulated Mac
//! home/  logs/                                     for rch; for people
//! ```

mod error;
mod files;
mod layout;
mod plan;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::environment::rch_variables;
use crate::http;
use crate::keeper::Keeper;
use crate::nats_server::{Announced, NATS_SERVER, Ports};
use crate::service::Service;

pub use error::FarmError;
pub(crate) use layout::Layout;
pub use plan::{AgentPlan, Directory, FarmPlan, Mac};

/// What the coordinator prints in front of its URL when it listens.
const LISTENING: &str = "listening on ";
/// How long a coordinator gets from listening to ready, and agents from started to online.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How often a program that has no way to tell us is asked.
const GLANCE: Duration = Duration::from_millis(20);

/// A running farm. Dropping it ends everything in it.
#[derive(Debug)]
pub struct Farm {
    plan: FarmPlan,
    layout: Layout,
    ports: Ports,
    url: String,
    agents: BTreeMap<String, Service>,
    coordinator: Service,
    nats: Service,
    _keeper: Keeper,
}

impl Farm {
    /// Lays the farm out and starts everything in it; it is ready when this returns.
    pub(crate) fn start(plan: FarmPlan) -> Result<Self, FarmError> {
        let layout = Layout::make(&plan)?;
        let keeper = Keeper::start(&layout.link("rch-keeper")).map_err(|source| FarmError::Keeper { source })?;
        if plan.directory == Directory::Temporary {
            keeper.remove(layout.root());
        }
        files::write_identities(&layout, &plan)?;
        let nats = Service::new("nats", &NATS_SERVER.provision()?.program, layout.log("nats"), keeper.clone())
            .arguments(["-c".as_ref(), layout.nats_config().as_os_str()]);
        let coordinator = Service::new("coordinator", &layout.link("rch-coordinator"), layout.log("coordinator"), keeper.clone())
            .arguments(["--config".as_ref(), layout.coordinator_config().as_os_str()]);
        let agents = plan.agents.iter().map(|agent| (agent.name.clone(), agent_service(&layout, agent, &keeper))).collect();
        let mut farm = Self { plan, layout, ports: Ports::default(), url: String::new(), agents, coordinator, nats, _keeper: keeper };
        farm.start_all()?;
        Ok(farm)
    }

    fn start_all(&mut self) -> Result<(), FarmError> {
        self.start_nats()?;
        self.start_coordinator()?;
        let names: Vec<String> = self.agents.keys().cloned().collect();
        for name in &names {
            self.spawn_agent(name)?;
        }
        self.wait_for_agents(&names)
    }

    /// Starts the NATS server; from the second time on where it was before, so that everybody finds it again.
    pub fn start_nats(&mut self) -> Result<(), FarmError> {
        files::write_nats(&self.layout, &self.plan, self.ports)?;
        let mut announced = Announced::default();
        self.ports = self.nats.start(|line| announced.line(line))?;
        Ok(())
    }

    /// Starts the coordinator, from the second time on at the same URL, and waits until it can do its work.
    pub fn start_coordinator(&mut self) -> Result<(), FarmError> {
        files::write_coordinator(&self.layout, &self.plan, self)?;
        self.url = self.coordinator.start(|line| line.strip_prefix(LISTENING).map(str::to_owned))?;
        let deadline = Instant::now() + READY_WITHIN;
        while !http::get(&self.url, "/v1/readyz").is_ok_and(|(status, _)| status == 200) {
            glance(&mut self.coordinator, deadline)?;
        }
        Ok(())
    }

    /// Starts an agent and waits until the coordinator hears it.
    pub fn start_agent(&mut self, name: &str) -> Result<(), FarmError> {
        self.spawn_agent(name)?;
        self.wait_for_agents(&[name.to_owned()])
    }

    /// Starts an agent without waiting for the coordinator to hear it.
    pub fn spawn_agent(&mut self, name: &str) -> Result<(), FarmError> {
        let plan = self.plan.agents.iter().find(|agent| agent.name == name).expect("only agents of the plan are started");
        files::write_agent(&self.layout, &self.plan, plan, &self.nats_url())?;
        self.agent(name).start(|_| Some(()))?;
        Ok(())
    }

    fn wait_for_agents(&mut self, names: &[String]) -> Result<(), FarmError> {
        let deadline = Instant::now() + READY_WITHIN;
        for name in names {
            while !self.is_online(name) {
                glance(self.agents.get_mut(name).expect("only agents of the plan are waited for"), deadline)?;
            }
        }
        Ok(())
    }

    /// Whether the coordinator hears the worker.
    fn is_online(&self, name: &str) -> bool {
        let Ok((200, body)) = http::get(&self.url, "/v1/workers") else { return false };
        let workers: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
        let workers = workers.as_array().map_or(&[][..], Vec::as_slice);
        workers.iter().any(|worker| worker["worker"] == name && worker["liveness"] == "online")
    }

    /// The NATS server's process.
    pub fn nats(&mut self) -> &mut Service {
        &mut self.nats
    }

    /// The coordinator's process.
    pub fn coordinator(&mut self) -> &mut Service {
        &mut self.coordinator
    }

    /// An agent's process.
    ///
    /// # Panics
    ///
    /// The plan has no agent of that name.
    pub fn agent(&mut self, name: &str) -> &mut Service {
        self.agents.get_mut(name).expect("the plan has an agent of that name")
    }

    /// Every process of the farm.
    pub fn services(&mut self) -> impl Iterator<Item = &mut Service> {
        self.agents.values_mut().chain([&mut self.coordinator, &mut self.nats])
    }

    /// Where the coordinator listens: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the NATS server listens: `nats://127.0.0.1:PORT`.
    pub fn nats_url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.ports.client)
    }

    /// Where the NATS server is monitored: `http://127.0.0.1:PORT`.
    pub fn monitor_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.monitor)
    }

    /// The directory with everything of the farm.
    pub fn directory(&self) -> &Path {
        self.layout.root()
    }

    /// The directory of the object store, where it is in none of a bucket.
    pub fn store(&self) -> PathBuf {
        self.layout.store()
    }

    /// The directory with what an agent keeps.
    pub fn agent_data(&self, name: &str) -> PathBuf {
        self.layout.agent(name).join("data")
    }

    /// The directory with the programs.
    pub fn bin(&self) -> PathBuf {
        self.layout.root().join("bin")
    }

    /// What the farm was made from.
    pub fn plan(&self) -> &FarmPlan {
        &self.plan
    }

    /// `rch` in `directory`, talking to this farm, without anything of the user's own configuration.
    pub fn rch(&self, directory: &Path) -> Command {
        let mut command = Command::new(self.layout.link("rch"));
        for variable in rch_variables() {
            command.env_remove(variable);
        }
        command.env_remove("XDG_CONFIG_HOME").env_remove("XDG_CACHE_HOME").env("HOME", self.layout.home()).env(rch_variable(), self.url());
        command.current_dir(directory);
        command
    }

    /// Ends everything, as dropping it does.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Farm {
    /// All agents at once, so that none leaves a build behind, then the coordinator, then the NATS server.
    fn drop(&mut self) {
        for agent in self.agents.values() {
            agent.ask_to_stop();
        }
        for service in self.services() {
            service.stop();
        }
    }
}

/// The variable that tells `rch` where the coordinator is.
pub(crate) fn rch_variable() -> &'static str {
    "RCH_COORDINATOR"
}

fn agent_service(layout: &Layout, plan: &AgentPlan, keeper: &Keeper) -> Service {
    let service = Service::new(&plan.name, &layout.link("rch-agent"), layout.log(&plan.name), keeper.clone())
        .arguments(["--config".as_ref(), layout.agent(&plan.name).join("agent.toml").as_os_str()]);
    match plan.mac {
        Mac::Simulated(_) => service.variable("HOME", layout.agent(&plan.name).join("home")),
        Mac::This => service,
    }
}

/// Waits a moment for a program that is not ready yet; an error when it never will be.
fn glance(service: &mut Service, deadline: Instant) -> Result<(), FarmError> {
    if service.ended().is_some() {
        return Err(service.ended_early().into());
    }
    if Instant::now() >= deadline {
        return Err(service.not_ready(READY_WITHIN).into());
    }
    thread::sleep(GLANCE);
    Ok(())
}
