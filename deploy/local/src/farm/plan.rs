//! What a farm is to be like, before there is one.

use std::path::{Path, PathBuf};

use rch_xcode_sim::Machine;

use super::{Farm, FarmError};
use crate::nats_server::{Durability, Storage};
use crate::s3_server::BucketPlan;

/// What a farm is to be like.
#[derive(Clone, Debug)]
pub struct FarmPlan {
    pub(super) program: PathBuf,
    pub(super) directory: Directory,
    pub(super) agents: Vec<AgentPlan>,
    pub(super) durability: Durability,
    pub(super) storage: Storage,
    pub(super) bucket: Option<BucketPlan>,
    pub(super) coordinator: toml::Table,
}

/// Where a farm lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Directory {
    /// In a new directory that goes when the farm does.
    Temporary,
    /// In this directory, which stays; what a farm left there is taken up.
    At(PathBuf),
}

/// One agent of a farm.
#[derive(Clone, Debug)]
pub struct AgentPlan {
    pub(super) name: String,
    pub(super) mac: Mac,
    pub(super) slots: u32,
    pub(super) priority: u32,
    pub(super) settings: toml::Table,
}

/// The Mac that an agent drives.
#[derive(Clone, Debug)]
pub enum Mac {
    /// A simulated one: no compiler runs.
    Simulated(Box<Machine>),
    /// This machine, with the Xcode installed on it.
    This,
}

impl FarmPlan {
    /// A farm without agents in a temporary directory, with a server that syncs before it acknowledges. `program` is the multi-call program that
    /// runs [`crate::main`].
    pub fn new(program: &Path) -> Self {
        Self {
            program: program.to_owned(),
            directory: Directory::Temporary,
            agents: Vec::new(),
            durability: Durability::default(),
            storage: Storage::default(),
            bucket: None,
            coordinator: toml::Table::new(),
        }
    }

    /// Lays it out in `directory`, and leaves it there.
    #[must_use]
    pub fn at(mut self, directory: &Path) -> Self {
        self.directory = Directory::At(directory.to_owned());
        self
    }

    /// Adds an agent.
    #[must_use]
    pub fn agent(mut self, agent: AgentPlan) -> Self {
        self.agents.push(agent);
        self
    }

    /// The two agents of every demonstration: equal but for their Xcode, so that a choice between them has a loser.
    #[must_use]
    pub fn two_simulated_macs(self) -> Self {
        self.agent(AgentPlan::simulated("macmini-01", Machine::xcode_16_2()))
            .agent(AgentPlan::simulated("macmini-02", Machine::xcode_16_4()))
    }

    /// Whether the NATS server syncs before it acknowledges.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Whether the NATS server has JetStream.
    #[must_use]
    pub fn storage(mut self, storage: Storage) -> Self {
        self.storage = storage;
        self
    }

    /// Keeps the store in a bucket, instead of in the farm's directory.
    #[must_use]
    pub fn bucket(mut self, bucket: BucketPlan) -> Self {
        self.bucket = Some(bucket);
        self
    }

    /// A key of `coordinator.toml` beside those that every farm needs.
    #[must_use]
    pub fn coordinator_setting(mut self, key: &str, value: impl Into<toml::Value>) -> Self {
        self.coordinator.insert(key.to_owned(), value.into());
        self
    }

    /// Starts it; it is ready when this returns.
    ///
    /// # Errors
    ///
    /// There is no NATS server, a file cannot be written, or a program does not become ready; then everything that was started is ended.
    pub fn start(self) -> Result<Farm, FarmError> {
        Farm::start(self)
    }

    /// The agents' names, in the order they were added.
    pub fn agent_names(&self) -> impl Iterator<Item = &str> {
        self.agents.iter().map(|agent| agent.name.as_str())
    }

    /// The multi-call program.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// The bucket with the store, when it is in one.
    pub fn store_bucket(&self) -> Option<&BucketPlan> {
        self.bucket.as_ref()
    }

    /// The agents.
    pub(crate) fn agents(&self) -> &[AgentPlan] {
        &self.agents
    }
}

impl AgentPlan {
    /// An agent with a simulated Mac, one slot and priority 10.
    pub fn simulated(name: &str, machine: Machine) -> Self {
        // Simulators' ids follow from the machine's name, and two Macs never share one.
        Self::new(name, Mac::Simulated(Box::new(machine.named(name))))
    }

    /// An agent that drives the Xcode of this machine.
    pub fn of_this_machine(name: &str) -> Self {
        Self::new(name, Mac::This)
    }

    fn new(name: &str, mac: Mac) -> Self {
        Self { name: name.to_owned(), mac, slots: 1, priority: 10, settings: toml::Table::new() }
    }

    /// How many jobs it takes at once.
    #[must_use]
    pub fn slots(mut self, slots: u32) -> Self {
        self.slots = slots;
        self
    }

    /// Its priority in the inventory; the lower number goes first.
    #[must_use]
    pub fn priority(mut self, priority: u32) -> Self {
        self.priority = priority;
        self
    }

    /// A key of `agent.toml` beside those that every agent needs.
    #[must_use]
    pub fn setting(mut self, key: &str, value: impl Into<toml::Value>) -> Self {
        self.settings.insert(key.to_owned(), value.into());
        self
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The Mac that it drives.
    pub(crate) fn mac(&self) -> &Mac {
        &self.mac
    }
}
