//! Judgements of the fleet: made once for a class and version of the fleet, then shared by all that rests on them.

use std::collections::BTreeMap;
use std::sync::Arc;

use rch_schemas::document::{ConsideredWorkers, FleetJudgement, Resolution};
use rch_schemas::requirement::Requirement;
use rch_schemas::{Sha256, WorkerName};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One judgement, with what follows from it; cheap to clone. Written as the judgement alone.
#[derive(Debug, Clone)]
pub struct Judgement(Arc<Derived>);

#[derive(Debug)]
struct Derived {
    fleet: FleetJudgement,
    sha256: Sha256,
    class: Sha256,
    candidates: Vec<Candidate>,
    /// Where each candidate stands among them.
    places: BTreeMap<WorkerName, usize>,
}

/// A worker that could be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The worker.
    pub worker: WorkerName,
    /// Its priority in the inventory.
    pub priority: u32,
    /// Index of what it makes of the requirement.
    pub resolution: u32,
}

impl Judgement {
    /// A judgement with its digest, class and order of candidates.
    pub fn new(fleet: FleetJudgement) -> Self {
        let sha256 = Sha256::of_canonical(&fleet).expect("judgements hold strings and integers below 2^53");
        let class = class(&fleet.requirement, fleet.protocol_version);
        let ranked = fleet.ranked().into_iter();
        let candidate = |(worker, row): (&WorkerName, &ConsideredWorkers)| {
            row.resolution.map(|resolution| Candidate { worker: worker.clone(), priority: row.priority, resolution })
        };
        let candidates: Vec<_> = ranked.filter_map(candidate).collect();
        let places = (0..).zip(&candidates).map(|(place, candidate)| (candidate.worker.clone(), place)).collect();
        Self(Arc::new(Derived { fleet, sha256, class, candidates, places }))
    }

    /// What was judged.
    pub fn fleet(&self) -> &FleetJudgement {
        &self.0.fleet
    }

    /// SHA-256 over the canonical form of [`Self::fleet`]: its name.
    pub fn sha256(&self) -> Sha256 {
        self.0.sha256
    }

    /// Its class: digest of requirement and protocol version.
    pub fn class(&self) -> Sha256 {
        self.0.class
    }

    /// Workers that could be chosen, in order of rank.
    pub fn candidates(&self) -> &[Candidate] {
        &self.0.candidates
    }

    /// A worker as a candidate, if it is one.
    pub(crate) fn candidate(&self, worker: &WorkerName) -> Option<&Candidate> {
        self.0.candidates.get(*self.0.places.get(worker)?)
    }

    /// What a candidate makes of the requirement.
    pub fn resolution(&self, candidate: &Candidate) -> &Resolution {
        &self.0.fleet.resolutions[candidate.resolution as usize]
    }

    /// What a worker makes of the requirement, if it is a candidate.
    pub fn resolution_of(&self, worker: &WorkerName) -> Option<&Resolution> {
        self.candidate(worker).map(|candidate| self.resolution(candidate))
    }
}

/// The class of everything that asks this under this protocol version.
pub(crate) fn class(requirement: &Requirement, protocol_version: u32) -> Sha256 {
    Sha256::of_canonical(&(requirement, protocol_version)).expect("requirements hold strings and small integers")
}

impl PartialEq for Judgement {
    fn eq(&self, other: &Self) -> bool {
        self.0.sha256 == other.0.sha256
    }
}

impl Serialize for Judgement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.fleet.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Judgement {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        FleetJudgement::deserialize(deserializer).map(Self::new)
    }
}

/// The judgements of a state: those of the present fleet, and older ones that a run which has not ended rests on.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Judgements {
    by_digest: BTreeMap<Sha256, Judgement>,
    /// The judgement of each class for the present fleet.
    present: BTreeMap<Sha256, Sha256>,
    /// How many choices of runs that have not ended rest on each.
    resting: BTreeMap<Sha256, u32>,
    fleet_version: u64,
}

impl Judgements {
    /// Those of rows, at this version of the fleet; nothing rests on them yet.
    pub(crate) fn from_rows(fleet_version: u64, rows: Vec<Judgement>) -> Self {
        let mut judgements = Self { fleet_version, ..Self::default() };
        for judgement in rows {
            judgements.insert(judgement);
        }
        judgements
    }

    pub(crate) fn get(&self, sha256: &Sha256) -> Option<&Judgement> {
        self.by_digest.get(sha256)
    }

    /// The judgement of a class for the present fleet, if there is one already.
    pub(crate) fn of_class(&self, class: &Sha256) -> Option<&Judgement> {
        self.by_digest.get(self.present.get(class)?)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Judgement> {
        self.by_digest.values()
    }

    pub(crate) fn insert(&mut self, judgement: Judgement) {
        if judgement.fleet().fleet_version == self.fleet_version {
            self.present.insert(judgement.class(), judgement.sha256());
        }
        self.by_digest.insert(judgement.sha256(), judgement);
    }

    /// A choice now rests on a judgement.
    pub(crate) fn rest_on(&mut self, sha256: Sha256) {
        *self.resting.entry(sha256).or_default() += 1;
    }

    /// A choice no longer does; the judgement, if it left.
    pub(crate) fn release(&mut self, sha256: Sha256) -> Option<Sha256> {
        let resting = self.resting.get_mut(&sha256)?;
        *resting -= 1;
        if *resting > 0 {
            return None;
        }
        self.resting.remove(&sha256);
        let is_old = self.by_digest.get(&sha256).is_some_and(|judgement| judgement.fleet().fleet_version != self.fleet_version);
        is_old.then(|| self.by_digest.remove(&sha256)).flatten().map(|judgement| judgement.sha256())
    }

    /// The fleet is no longer what it was: the judgements that left.
    pub(crate) fn fleet_changed(&mut self, fleet_version: u64) -> Vec<Sha256> {
        self.fleet_version = fleet_version;
        let present = std::mem::take(&mut self.present);
        let left: Vec<_> = present.into_values().filter(|sha256| !self.resting.contains_key(sha256)).collect();
        for sha256 in &left {
            self.by_digest.remove(sha256);
        }
        left
    }
}
