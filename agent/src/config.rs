//! The agent's configuration: a TOML file, over it `RCH_AGENT_…` variables, over them flags. Parsed once, here; nothing else
//! of the agent reads the environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use rch_schemas::WorkerName;
use rch_schemas::invocation::nearest;
use rch_store::{Credentials, CredentialsError};
use serde::Deserialize;

/// Variables of the environment that configure the agent start so.
const VARIABLE_PREFIX: &str = "RCH_AGENT_";
/// Variables with the prefix that are no keys of the file.
const OTHER_VARIABLES: [&str; 2] = ["CONFIG", "LOG"];
/// Every key of the file.
const KEYS: [&str; 11] = [
    "name",
    "nats_url",
    "store",
    "store_credentials_file",
    "data_dir",
    "key_file",
    "slots",
    "max_upload_bytes",
    "tool_path",
    "xcode_search",
    "kill_grace_seconds",
];

/// Drives Xcode on this Mac for a build farm.
#[derive(Debug, Parser)]
#[command(name = "rch-agent", version)]
pub(crate) struct Arguments {
    /// The configuration file.
    #[arg(long, env = "RCH_AGENT_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// What to log, such as `info` or `rch_agent=debug`.
    #[arg(long, env = "RCH_AGENT_LOG", default_value = "info,async_nats=warn", value_name = "FILTER")]
    pub(crate) log: String,
    /// The worker's name in the farm.
    #[arg(long, env = "RCH_AGENT_NAME")]
    name: Option<String>,
    /// Where the farm's NATS server is.
    #[arg(long, env = "RCH_AGENT_NATS_URL", value_name = "URL")]
    nats_url: Option<String>,
    /// Where the farm's object store is: file:///directory, or s3://bucket?endpoint=https://host:port.
    #[arg(long, env = "RCH_AGENT_STORE", value_name = "URL")]
    store: Option<String>,
    /// The file with access_key_id and secret_access_key of an s3:// store; else AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY say them.
    #[arg(long, env = "RCH_AGENT_STORE_CREDENTIALS_FILE", value_name = "FILE")]
    store_credentials_file: Option<PathBuf>,
    /// Where attempts, outbox, sources and caches lie.
    #[arg(long, env = "RCH_AGENT_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The file with the agent's key: 64 hexadecimal digits, readable by its owner alone.
    #[arg(long, env = "RCH_AGENT_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Jobs at once.
    #[arg(long, env = "RCH_AGENT_SLOTS")]
    slots: Option<u32>,
    /// Largest source tree in bytes; 0 means no limit.
    #[arg(long, env = "RCH_AGENT_MAX_UPLOAD_BYTES", value_name = "BYTES")]
    max_upload_bytes: Option<u64>,
    /// Directories with xcodebuild, xcrun, sw_vers and xcode-select, joined by colons.
    #[arg(long, env = "RCH_AGENT_TOOL_PATH", value_name = "DIRS", value_delimiter = ':')]
    tool_path: Option<Vec<PathBuf>>,
    /// Directories with Xcode*.app, joined by colons.
    #[arg(long, env = "RCH_AGENT_XCODE_SEARCH", value_name = "DIRS", value_delimiter = ':')]
    xcode_search: Option<Vec<PathBuf>>,
    /// Seconds between SIGINT, SIGTERM and SIGKILL.
    #[arg(long, env = "RCH_AGENT_KILL_GRACE_SECONDS", value_name = "SECONDS")]
    kill_grace_seconds: Option<u32>,
}

/// The keys of the file, each optional, since another layer may say it.
#[derive(Debug, Default, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the keys of the file are agreed")]
struct File {
    name: Option<String>,
    nats_url: Option<String>,
    store: Option<String>,
    store_credentials_file: Option<PathBuf>,
    data_dir: Option<PathBuf>,
    key_file: Option<PathBuf>,
    slots: Option<u32>,
    max_upload_bytes: Option<u64>,
    tool_path: Option<Vec<PathBuf>>,
    xcode_search: Option<Vec<PathBuf>>,
    kill_grace_seconds: Option<u32>,
}

/// The configuration in force.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The worker's name in the farm.
    pub(crate) name: WorkerName,
    /// Where the farm's NATS server is.
    pub(crate) nats_url: String,
    /// Where the farm's object store is.
    pub(crate) store: String,
    /// Who we are to it, where it asks.
    pub(crate) store_credentials: Option<Credentials>,
    /// Where attempts, outbox, sources and caches lie.
    pub(crate) data_dir: PathBuf,
    /// The file with the agent's key.
    pub(crate) key_file: PathBuf,
    /// Jobs at once; at least 1.
    pub(crate) slots: u32,
    /// Largest source tree in bytes; 0 means no limit.
    pub(crate) max_upload_bytes: u64,
    /// Where Apple's tools are; the first hit wins.
    pub(crate) tool_path: Vec<PathBuf>,
    /// Directories with `Xcode*.app`.
    pub(crate) xcode_search: Vec<PathBuf>,
    /// Between SIGINT, SIGTERM and SIGKILL.
    pub(crate) kill_grace: Duration,
    /// The home directory of the agent's user, where simulators are.
    pub(crate) home: PathBuf,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the configuration file {}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{} is not valid TOML of the expected types", path.display())]
    Invalid { path: PathBuf, source: Box<toml::de::Error> },
    #[error("{place}: unknown key {key:?}{}; expected one of {}", hint(nearest.as_deref()), KEYS.join(", "))]
    UnknownKey { place: String, key: String, nearest: Option<String> },
    #[error("{key} is not set: write it into the configuration file, set {VARIABLE_PREFIX}{}, or pass --{}", key.to_uppercase(), key.replace('_', "-"))]
    Missing { key: &'static str },
    #[error("{key}: {reason}")]
    BadValue { key: &'static str, reason: String },
    #[error("store_credentials_file")]
    Credentials(#[from] CredentialsError),
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map(|nearest| format!(", did you mean {nearest:?}?")).unwrap_or_default()
}

impl Config {
    /// The configuration of this process.
    pub(crate) fn of_this_process(arguments: Arguments) -> Result<Self, ConfigError> {
        let environment: BTreeMap<String, String> = std::env::vars().collect();
        Self::new(arguments, &environment)
    }

    fn new(arguments: Arguments, environment: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        check_variables(environment)?;
        let file = arguments.config.as_deref().map(read).transpose()?.unwrap_or_default();
        let name = required("name", arguments.name.or(file.name))?;
        let name = name.parse().map_err(|error: rch_schemas::id::InvalidId| bad("name", error.to_string()))?;
        let slots = arguments.slots.or(file.slots).unwrap_or(1);
        if slots == 0 {
            return Err(bad("slots", "expected at least 1, found 0".to_owned()));
        }
        let grace = arguments.kill_grace_seconds.or(file.kill_grace_seconds).unwrap_or(10);
        Ok(Self {
            name,
            nats_url: required("nats_url", arguments.nats_url.or(file.nats_url))?,
            store: required("store", arguments.store.or(file.store))?,
            store_credentials: Credentials::find(arguments.store_credentials_file.or(file.store_credentials_file).as_deref(), environment)?,
            data_dir: absolute("data_dir", &required("data_dir", arguments.data_dir.or(file.data_dir))?)?,
            key_file: required("key_file", arguments.key_file.or(file.key_file))?,
            slots,
            max_upload_bytes: arguments.max_upload_bytes.or(file.max_upload_bytes).unwrap_or(0),
            tool_path: arguments.tool_path.or(file.tool_path).unwrap_or_else(|| vec![PathBuf::from("/usr/bin")]),
            xcode_search: arguments.xcode_search.or(file.xcode_search).unwrap_or_else(|| vec![PathBuf::from("/Applications")]),
            kill_grace: Duration::from_secs(u64::from(grace)),
            home: environment.get("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from),
        })
    }
}

/// The tools run in other directories, so what we pass them must not depend on ours.
fn absolute(key: &'static str, path: &Path) -> Result<PathBuf, ConfigError> {
    std::path::absolute(path).map_err(|error| bad(key, format!("{}: {error}", path.display())))
}

fn required<T>(key: &'static str, value: Option<T>) -> Result<T, ConfigError> {
    value.ok_or(ConfigError::Missing { key })
}

fn bad(key: &'static str, reason: String) -> ConfigError {
    ConfigError::BadValue { key, reason }
}

fn read(path: &Path) -> Result<File, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    let invalid = |source| ConfigError::Invalid { path: path.to_owned(), source: Box::new(source) };
    let table: toml::Table = text.parse().map_err(invalid)?;
    for key in table.keys() {
        check_key(key, || path.display().to_string())?;
    }
    table.try_into().map_err(invalid)
}

fn check_variables(environment: &BTreeMap<String, String>) -> Result<(), ConfigError> {
    for variable in environment.keys() {
        if let Some(key) = variable.strip_prefix(VARIABLE_PREFIX)
            && !OTHER_VARIABLES.contains(&key)
        {
            check_key(&key.to_lowercase(), || format!("environment variable {variable}"))?;
        }
    }
    Ok(())
}

fn check_key(key: &str, place: impl Fn() -> String) -> Result<(), ConfigError> {
    if KEYS.contains(&key) {
        return Ok(());
    }
    let nearest = nearest(key, KEYS).map(str::to_owned);
    Err(ConfigError::UnknownKey { place: place(), key: key.to_owned(), nearest })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn parse(file: &str, flags: &[&str], variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent.toml");
        std::fs::write(&path, file).unwrap();
        let path = path.to_str().unwrap().to_owned();
        let words = ["rch-agent", "--config", &path].into_iter().chain(flags.iter().copied());
        let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config::new(Arguments::try_parse_from(words).unwrap(), &environment)
    }

    const FILE: &str =
        "name = \"macmini-01\"\nnats_url = \"nats://127.0.0.1:4222\"\nstore = \"file:///s\"\ndata_dir = \"/d\"\nkey_file = \"/k\"\n";

    #[test]
    fn a_flag_beats_the_file_and_what_nobody_says_has_a_default() {
        let config = parse(FILE, &["--slots", "3", "--tool-path", "/a:/b"], &[]).unwrap();
        assert_eq!((config.slots, config.tool_path.len(), config.kill_grace.as_secs()), (3, 2, 10));
        assert_eq!(config.xcode_search, [PathBuf::from("/Applications")]);
    }

    #[test]
    fn an_unknown_key_is_refused_naming_the_nearest() {
        let error = parse(&format!("{FILE}slot = 2\n"), &[], &[]).unwrap_err().to_string();
        assert!(error.contains("unknown key \"slot\", did you mean \"slots\"?"), "{error}");
        let error = parse(FILE, &[], &[("RCH_AGENT_NATS_URI", "x")]).unwrap_err().to_string();
        assert!(error.contains("RCH_AGENT_NATS_URI") && error.contains("did you mean \"nats_url\"?"), "{error}");
    }

    #[test]
    fn what_is_missing_or_wrong_says_what_to_do() {
        let error = parse("name = \"macmini-01\"\n", &[], &[]).unwrap_err().to_string();
        assert!(error.contains("RCH_AGENT_DATA_DIR") || error.contains("RCH_AGENT_NATS_URL"), "{error}");
        assert!(parse(FILE, &["--slots", "0"], &[]).unwrap_err().to_string().contains("at least 1"));
        let error = parse(&FILE.replace("macmini-01", "Mac Mini"), &[], &[]).unwrap_err().to_string();
        assert!(error.contains("worker name"), "{error}");
    }
}
