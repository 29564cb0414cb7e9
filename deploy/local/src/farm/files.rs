//! The files that a farm's programs read: keys, inventory and configuration.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use toml::{Table, Value};

use super::layout::Layout;
use super::plan::{AgentPlan, FarmPlan, Mac};
use super::{Farm, FarmError};
use crate::key;
use crate::nats_server::{NatsConfig, Ports};

/// What the inventory says of every worker; jobs may ask for more with tags of their own.
const TAGS: [&str; 2] = ["macos", "xcode"];

/// Makes the farm's key, each agent's key and simulated Mac, the credentials of the store, and the inventory that pins the agents' keys.
pub(super) fn write_identities(layout: &Layout, plan: &FarmPlan) -> Result<(), FarmError> {
    key::ensure(&layout.farm_key())?;
    let mut workers = Vec::new();
    for agent in &plan.agents {
        let public_key = key::ensure(&layout.agent(&agent.name).join("agent.key"))?;
        workers.push(Value::Table(table([
            ("name", agent.name.as_str().into()),
            ("priority", i64::from(agent.priority).into()),
            ("tags", TAGS.map(Value::from).to_vec().into()),
            ("public_key", public_key.to_string().into()),
        ])));
        install(layout, agent, &plan.program)?;
    }
    if let Some(bucket) = &plan.bucket {
        let path = layout.store_credentials();
        let failed = |source| FarmError::Write { path: path.clone(), source };
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path).map_err(failed)?;
        file.write_all(bucket.credentials().as_bytes()).map_err(failed)?;
    }
    write(&layout.inventory(), &table([("worker", workers.into())]).to_string())
}

/// Lays out the simulated Mac of an agent that has one.
fn install(layout: &Layout, agent: &AgentPlan, program: &Path) -> Result<(), FarmError> {
    let Mac::Simulated(machine) = &agent.mac else { return Ok(()) };
    let folder = layout.agent(&agent.name).join("mac");
    let installed = rch_xcode_sim::install(&folder, machine, program);
    installed.map(|_| ()).map_err(|source| FarmError::Mac { agent: agent.name.clone(), source })
}

/// Writes the NATS server's configuration.
pub(super) fn write_nats(layout: &Layout, plan: &FarmPlan, ports: Ports) -> Result<(), FarmError> {
    let store = layout.root().join("nats");
    let config = NatsConfig { store: &store, ports, durability: plan.durability, storage: plan.storage };
    write(&layout.nats_config(), &config.text())
}

/// Writes the coordinator's configuration. It listens where it listened before, if it did.
pub(super) fn write_coordinator(layout: &Layout, plan: &FarmPlan, farm: &Farm) -> Result<(), FarmError> {
    let listen = farm.url.strip_prefix("http://").filter(|address| !address.is_empty()).unwrap_or("127.0.0.1:0");
    let mut config = table([
        ("name", "local".into()),
        ("listen", listen.into()),
        ("nats_url", farm.nats_url().into()),
        ("nats_monitor_url", farm.monitor_url().into()),
        ("data_dir", text(&layout.root().join("coordinator"))),
        ("key_file", text(&layout.farm_key())),
        ("inventory", text(&layout.inventory())),
    ]);
    config.extend(store(layout, plan));
    config.extend(plan.coordinator.clone());
    write(&layout.coordinator_config(), &config.to_string())
}

/// Writes an agent's configuration.
pub(super) fn write_agent(layout: &Layout, farm: &FarmPlan, plan: &AgentPlan, nats_url: &str) -> Result<(), FarmError> {
    let folder = layout.agent(&plan.name);
    let mut config = table([
        ("name", plan.name.as_str().into()),
        ("nats_url", nats_url.into()),
        ("data_dir", text(&folder.join("data"))),
        ("key_file", text(&folder.join("agent.key"))),
        ("slots", i64::from(plan.slots).into()),
    ]);
    if let Mac::Simulated(_) = plan.mac {
        config.insert("tool_path".to_owned(), vec![text(&folder.join("mac/bin"))].into());
        config.insert("xcode_search".to_owned(), vec![text(&folder.join("mac"))].into());
    }
    config.extend(store(layout, farm));
    config.extend(plan.settings.clone());
    write(&folder.join("agent.toml"), &config.to_string())
}

/// Where the store is, and who we are to it.
fn store(layout: &Layout, plan: &FarmPlan) -> Table {
    match &plan.bucket {
        Some(bucket) => table([("store", bucket.url().into()), ("store_credentials_file", text(&layout.store_credentials()))]),
        None => table([("store", format!("file://{}", layout.store().display()).into())]),
    }
}

fn text(path: &Path) -> Value {
    path.display().to_string().into()
}

fn table<const N: usize>(entries: [(&str, Value); N]) -> Table {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn write(path: &Path, text: &str) -> Result<(), FarmError> {
    fs::write(path, text).map_err(|source| FarmError::Write { path: path.to_owned(), source })
}
