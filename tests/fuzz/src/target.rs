//! Every target by name.

use crate::{
    agent_log, archive, argv, canonical, chunk, command_line, configuration, destination, document, earlier, events, ignore_rules, index,
    log, name, recipe, requirement, simulators, test_results, tree, wire, xcconfig,
};

/// A parser and what must hold of it.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, which is that of its corpus too.
    pub name: &'static str,
    /// Feeds it; panics when something does not hold.
    pub check: fn(&[u8]),
}

/// All of them, by name.
pub const TARGETS: &[Target] = &[
    Target { name: "agent_log", check: agent_log::check },
    Target { name: "archive", check: archive::check },
    Target { name: "argv", check: argv::check },
    Target { name: "canonical", check: canonical::check },
    Target { name: "chunk", check: chunk::check },
    Target { name: "command_line", check: command_line::check },
    Target { name: "configuration", check: configuration::check },
    Target { name: "destination", check: destination::check },
    Target { name: "document", check: document::check },
    Target { name: "earlier", check: earlier::check },
    Target { name: "events", check: events::check },
    Target { name: "ignore_rules", check: ignore_rules::check },
    Target { name: "index", check: index::check },
    Target { name: "log", check: log::check },
    Target { name: "name", check: name::check },
    Target { name: "recipe", check: recipe::check },
    Target { name: "requirement", check: requirement::check },
    Target { name: "simulators", check: simulators::check },
    Target { name: "test_results", check: test_results::check },
    Target { name: "tree", check: tree::check },
    Target { name: "wire", check: wire::check },
    Target { name: "xcconfig", check: xcconfig::check },
];
