//! What the tests are written in: a farm, a project, a run of `rch`, and ways to watch.

mod api;
mod audit;
mod canonical;
mod double;
mod farm;
mod files;
mod ledger;
mod line;
mod nats;
mod objects;
mod project;
mod run;
mod schemas;
mod standby;

pub(crate) use api::Api;
pub(crate) use canonical::canonical;
pub(crate) use double::{Answer, Double};
pub(crate) use farm::{PROGRAM, causes, shared, start_farm};
pub(crate) use files::{paths, wait_for_file, wait_until};
pub(crate) use ledger::Ledger;
pub(crate) use line::{Fault, Line};
pub(crate) use nats::Nats;
pub(crate) use objects::Objects;
pub(crate) use project::Project;
pub(crate) use run::{Outcome, Running, rch, rch_at, read_json, start};
pub(crate) use schemas::{check_all, check_folder};
pub(crate) use standby::Standby;
