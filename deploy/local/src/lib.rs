//! A whole farm on one machine, in one command: a NATS server, a coordinator and two agents as child processes of one program.
//!
//! It owns how a farm is laid out in a directory, started, and ended without leaving anything behind. It is for trying and for testing: the
//! end-to-end tests drive the same [`Farm`]. It knows nothing of what happens inside the programs; on a machine without Xcode its agents
//! drive the simulated one of `rch-xcode-sim`, and it says so.
//!
//! Start reading at [`FarmPlan`], then [`Farm`].

mod cli;
mod command;
mod environment;
mod farm;
mod http;
mod interrupt;
mod keeper;
mod key;
mod nats_server;
mod program;
mod report;
mod s3_server;
mod service;
mod tool;

pub use farm::{AgentPlan, Directory, Farm, FarmError, FarmPlan, Mac};
pub use key::KeyError;
pub use nats_server::{Durability, Storage};
pub use program::main;
pub use s3_server::{BucketPlan, S3Server, S3ServerError};
pub use service::{Service, ServiceError};
pub use tool::{FetchError, Tool, ToolError, Version};
