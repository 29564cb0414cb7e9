//! Every key of the configuration, with its shape, bounds, scope and built-in value. Nothing else lists them.

use std::ops::RangeInclusive;

use rch_schemas::document::Timeouts;

use super::key::{Items, Judge, Key, Scope, Shape};
use super::value;

/// The largest integer that JSON carries exactly.
const INTEGER_MAX: u64 = (1 << 53) - 1;

/// The repo's file, from the root of the tree.
pub(crate) const REPO_FILE: &str = ".rch/xcode.toml";

const fn key(path: &'static str, shape: Shape) -> Key {
    Key { path, shape, scope: Scope::Anywhere, name: None, built_in: None }
}

const fn with(path: &'static str, shape: Shape, built_in: &'static str) -> Key {
    Key { built_in: Some(built_in), ..key(path, shape) }
}

const fn tree(path: &'static str, shape: Shape) -> Key {
    Key { scope: Scope::NotFarm, ..key(path, shape) }
}

const fn action(path: &'static str, shape: Shape) -> Key {
    Key { name: Some(value::action_name), ..tree(path, shape) }
}

const fn each(judge: Judge) -> Shape {
    Shape::List(Items { each: Some(judge), between: ',' })
}

const fn seconds(bounds: &RangeInclusive<u32>) -> Shape {
    Shape::Integer { min: *bounds.start() as u64, max: *bounds.end() as u64 }
}

/// Any texts.
const TEXTS: Shape = Shape::List(Items { each: None, between: ',' });
/// Any texts that may hold commas.
const LINES: Shape = Shape::List(Items { each: None, between: '\n' });
const PATH: Shape = Shape::Parsed(value::relative_path);

/// The table. Sections in the order of the documentation.
pub(crate) const KEYS: &[Key] = &[
    tree("schema_version", Shape::Integer { min: 1, max: 1 }),
    Key { scope: Scope::Personal, ..key("coordinator", Shape::Parsed(value::coordinator)) },
    with("backend", Shape::OneOf(&["xcodebuild", "mcp"]), "\"xcodebuild\""),
    with("artifact_profile", Shape::OneOf(&["minimal", "rich"]), "\"minimal\""),
    tree("project.path", PATH),
    tree("project.workspace", PATH),
    tree("project.project", PATH),
    tree("project.package", PATH),
    tree("project.scheme", Shape::Text),
    tree("project.configuration", Shape::Text),
    tree("actions.verify", each(value::action_name)),
    action("actions.*.action", Shape::Parsed(value::action)),
    action("actions.*.path", PATH),
    action("actions.*.workspace", PATH),
    action("actions.*.project", PATH),
    action("actions.*.package", PATH),
    action("actions.*.scheme", Shape::Text),
    action("actions.*.configuration", Shape::Text),
    action("actions.*.destinations", LINES),
    action("actions.*.test_plan", Shape::Text),
    action("actions.*.only_testing", TEXTS),
    action("actions.*.skip_testing", TEXTS),
    action("actions.*.coverage", Shape::Switch),
    action("actions.*.args", LINES),
    action("actions.*.settings.*", Shape::Scalar),
    action("actions.*.allow_empty", Shape::Switch),
    key("destination.value", Shape::Text),
    key("destination.values", LINES),
    with("destination.mode", Shape::OneOf(&["pinned", "constraints"]), "\"constraints\""),
    with("destination.provisioning", Shape::OneOf(&["existing", "ephemeral"]), "\"existing\""),
    key("toolchain.xcode", Shape::Parsed(value::xcode)),
    key("requires.tools", each(value::tool)),
    key("env.set.*", Shape::Scalar),
    tree("env.pass", TEXTS),
    with("worker_selection.mode", Shape::OneOf(&["deterministic", "adaptive"]), "\"deterministic\""),
    key("worker_selection.tags", each(value::tag)),
    key("worker_selection.worker", Shape::Parsed(value::worker)),
    with("timeouts.overall_seconds", seconds(&Timeouts::OVERALL_SECONDS), "1800"),
    with("timeouts.idle_log_seconds", seconds(&Timeouts::IDLE_LOG_SECONDS), "300"),
    with("timeouts.queue_seconds", seconds(&Timeouts::QUEUE_SECONDS), "3600"),
    with("timeouts.connect_seconds", seconds(&Timeouts::CONNECT_SECONDS), "30"),
    with("bundle.mode", Shape::OneOf(&["worktree", "git_index"]), "\"worktree\""),
    tree("bundle.include", each(value::glob)),
    with("bundle.max_bytes", Shape::Integer { min: 0, max: INTEGER_MAX }, "0"),
    key("cache.namespace", Shape::Parsed(value::namespace)),
    with("cache.results", Shape::OneOf(&["on", "off"]), "\"on\""),
    with("cache.derived_data", Shape::OneOf(&["off", "run", "shared"]), "\"run\""),
    with("cache.spm", Shape::OneOf(&["off", "shared"]), "\"shared\""),
    key("cache.flaky", Shape::Switch),
    with("artifacts.download", Shape::OneOf(&["none", "small", "all"]), "\"small\""),
    key("artifacts.collect", each(value::glob)),
    with("artifacts.coverage", Shape::Switch, "false"),
    with("artifacts.attachments", Shape::Switch, "false"),
    with("run.continue_on_failure", Shape::Switch, "false"),
    with("run.priority", Shape::OneOf(&["interactive", "normal", "batch"]), "\"normal\""),
];
