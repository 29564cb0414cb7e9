//! The coordinator's configuration: a TOML file, over it `RCH_COORDINATOR_…` variables, over them flags. Parsed once, here; nothing else
//! of the coordinator reads the environment. What decisions use of it enters the ledger as one [`FarmConfig`].

mod defaults;
mod inventory;
mod queue;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Parser;
use rch_scheduler::FarmConfig;
use rch_schemas::document::SelectionMode;
use rch_schemas::invocation::{Policy, nearest};
use rch_store::{Credentials, CredentialsError};
use serde::Deserialize;

pub(crate) use inventory::{InventoryError, read_inventory};

/// Variables of the environment that configure the coordinator start so.
const VARIABLE_PREFIX: &str = "RCH_COORDINATOR_";
/// Variables with the prefix that are no keys of the file.
const OTHER_VARIABLES: [&str; 2] = ["CONFIG", "LOG"];
/// Every key of the file.
const KEYS: [&str; 14] = [
    "name",
    "listen",
    "nats_url",
    "nats_monitor_url",
    "store",
    "store_credentials_file",
    "data_dir",
    "key_file",
    "inventory",
    "probe_ttl_seconds",
    "max_attempts",
    "policy",
    "queue",
    "defaults",
];

/// Decides what the Macs of a build farm do, and serves the farm over HTTP.
#[derive(Debug, Parser)]
#[command(name = "rch-coordinator", version)]
pub(crate) struct Arguments {
    /// The configuration file.
    #[arg(long, env = "RCH_COORDINATOR_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// What to log, such as `info` or `rch_coordinator=debug`.
    #[arg(long, env = "RCH_COORDINATOR_LOG", default_value = "info", value_name = "FILTER")]
    pub(crate) log: String,
    /// The farm's name.
    #[arg(long, env = "RCH_COORDINATOR_NAME")]
    name: Option<String>,
    /// Where to listen for HTTP; port 0 picks one.
    #[arg(long, env = "RCH_COORDINATOR_LISTEN", value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Where the farm's NATS server is.
    #[arg(long, env = "RCH_COORDINATOR_NATS_URL", value_name = "URL")]
    nats_url: Option<String>,
    /// The NATS server's monitoring address, asked whether it syncs when `rch.sys.jsz` has no responder.
    #[arg(long, env = "RCH_COORDINATOR_NATS_MONITOR_URL", value_name = "URL")]
    nats_monitor_url: Option<String>,
    /// Where the farm's object store is: file:///directory, or s3://bucket?endpoint=https://host:port.
    #[arg(long, env = "RCH_COORDINATOR_STORE", value_name = "URL")]
    store: Option<String>,
    /// The file with access_key_id and secret_access_key of an s3:// store; else AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY say them.
    #[arg(long, env = "RCH_COORDINATOR_STORE_CREDENTIALS_FILE", value_name = "FILE")]
    store_credentials_file: Option<PathBuf>,
    /// Where the projection lies.
    #[arg(long, env = "RCH_COORDINATOR_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The file with the farm's key: 64 hexadecimal digits, readable by its owner alone.
    #[arg(long, env = "RCH_COORDINATOR_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The file that names the workers.
    #[arg(long, env = "RCH_COORDINATOR_INVENTORY", value_name = "FILE")]
    inventory: Option<PathBuf>,
    /// Seconds after which a worker's capabilities no longer count.
    #[arg(long, env = "RCH_COORDINATOR_PROBE_TTL_SECONDS", value_name = "SECONDS")]
    probe_ttl_seconds: Option<u32>,
    /// Attempts of a job that may reach Running.
    #[arg(long, env = "RCH_COORDINATOR_MAX_ATTEMPTS")]
    max_attempts: Option<u32>,
}

/// The keys of the file, each optional, since another layer may say it.
#[derive(Debug, Default, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the fields are the keys of the file")]
struct File {
    name: Option<String>,
    listen: Option<String>,
    nats_url: Option<String>,
    nats_monitor_url: Option<String>,
    store: Option<String>,
    store_credentials_file: Option<PathBuf>,
    data_dir: Option<PathBuf>,
    key_file: Option<PathBuf>,
    inventory: Option<PathBuf>,
    probe_ttl_seconds: Option<u32>,
    max_attempts: Option<u32>,
    policy: Option<Policy>,
    queue: Option<queue::File>,
    defaults: Option<toml::Table>,
}

/// The configuration in force.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The farm's name, for people.
    pub(crate) name: String,
    /// Where HTTP is served; a loopback address, while there are no tokens.
    pub(crate) listen: SocketAddr,
    /// Where the farm's NATS server is.
    pub(crate) nats_url: String,
    /// Its monitoring address.
    pub(crate) nats_monitor_url: Option<String>,
    /// Where the farm's object store is.
    pub(crate) store: String,
    /// Who we are to it, where it asks.
    pub(crate) store_credentials: Option<Credentials>,
    /// Where the projection lies.
    pub(crate) data_dir: PathBuf,
    /// The file with the farm's key.
    pub(crate) key_file: PathBuf,
    /// The file that names the workers.
    pub(crate) inventory: PathBuf,
    /// What decisions use, but for the inventory, which is read again when it changes.
    pub(crate) farm: FarmConfig,
    /// What clients configure runs with unless these say otherwise, by dotted key.
    pub(crate) defaults: BTreeMap<String, serde_json::Value>,
    /// How workers are chosen unless a run says otherwise.
    pub(crate) selection: SelectionMode,
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
    #[error("{key}: expected {expected}, found {found:?}")]
    BadValue { key: &'static str, expected: &'static str, found: String },
    #[error("store_credentials_file")]
    Credentials(#[from] CredentialsError),
    #[error(
        "listen: {address} can be reached from other machines, and this coordinator has no tokens to tell callers apart; listen on a loopback address such as 127.0.0.1:7070 and let people reach it through an SSH tunnel"
    )]
    NotLoopback { address: SocketAddr },
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
        let defaults = file.defaults.map(defaults::read).transpose()?.unwrap_or_default();
        let listen = arguments.listen.or(file.listen).unwrap_or_else(|| "127.0.0.1:7070".to_owned());
        Ok(Self {
            name: arguments.name.or(file.name).unwrap_or_else(|| "local".to_owned()),
            listen: loopback(&listen)?,
            nats_url: required("nats_url", arguments.nats_url.or(file.nats_url))?,
            nats_monitor_url: arguments.nats_monitor_url.or(file.nats_monitor_url),
            store: required("store", arguments.store.or(file.store))?,
            store_credentials: Credentials::find(arguments.store_credentials_file.or(file.store_credentials_file).as_deref(), environment)?,
            data_dir: required("data_dir", arguments.data_dir.or(file.data_dir))?,
            key_file: required("key_file", arguments.key_file.or(file.key_file))?,
            inventory: required("inventory", arguments.inventory.or(file.inventory))?,
            farm: FarmConfig {
                queue: queue::config(file.queue.unwrap_or_default())?,
                ..farm_config(
                    arguments.probe_ttl_seconds.or(file.probe_ttl_seconds),
                    arguments.max_attempts.or(file.max_attempts),
                    file.policy,
                )?
            },
            selection: defaults::selection(&defaults)?,
            defaults,
        })
    }
}

fn farm_config(probe_ttl_seconds: Option<u32>, max_attempts: Option<u32>, policy: Option<Policy>) -> Result<FarmConfig, ConfigError> {
    let mut farm = FarmConfig { policy: policy.unwrap_or_default(), ..FarmConfig::default() };
    if let Some(seconds) = probe_ttl_seconds {
        farm.probe_ttl_ms = 1_000 * u64::from(at_least_one("probe_ttl_seconds", seconds)?);
    }
    if let Some(attempts) = max_attempts {
        farm.max_attempts = at_least_one("max_attempts", attempts)?;
    }
    Ok(farm)
}

fn at_least_one(key: &'static str, value: u32) -> Result<u32, ConfigError> {
    if value == 0 { Err(ConfigError::BadValue { key, expected: "at least 1", found: value.to_string() }) } else { Ok(value) }
}

fn loopback(listen: &str) -> Result<SocketAddr, ConfigError> {
    let address: SocketAddr = listen.parse().map_err(|_| ConfigError::BadValue {
        key: "listen",
        expected: "a numeric address and a port, such as 127.0.0.1:7070",
        found: listen.to_owned(),
    })?;
    if address.ip().is_loopback() { Ok(address) } else { Err(ConfigError::NotLoopback { address }) }
}

fn required<T>(key: &'static str, value: Option<T>) -> Result<T, ConfigError> {
    value.ok_or(ConfigError::Missing { key })
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
    Err(ConfigError::UnknownKey { place: place(), key: key.to_owned(), nearest: nearest(key, KEYS).map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    const FILE: &str = r#"
        nats_url = "nats://127.0.0.1:4222"
        store = "file:///s"
        data_dir = "/d"
        key_file = "/k"
        inventory = "/i"
    "#;

    fn parse(file: &str, flags: &[&str], variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("coordinator.toml");
        std::fs::write(&path, file).unwrap();
        let path = path.to_str().unwrap().to_owned();
        let words = ["rch-coordinator", "--config", &path].into_iter().chain(flags.iter().copied());
        let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config::new(Arguments::try_parse_from(words).unwrap(), &environment)
    }

    #[test]
    fn a_flag_beats_the_file_and_what_nobody_says_has_a_default() {
        let file = format!("max_attempts = 1\n{FILE}[policy]\narguments = [\"-xcconfig\"]\n");
        let config = parse(&file, &["--max-attempts", "3", "--listen", "127.0.0.1:0"], &[]).unwrap();
        assert_eq!((config.farm.max_attempts, config.listen.port(), config.name.as_str()), (3, 0, "local"));
        assert!(config.farm.policy.arguments.contains("-xcconfig") && config.farm.policy.trust_macros_and_plugins);
        assert_eq!(config.farm.probe_ttl_ms, 300_000);
    }

    #[test]
    fn an_address_that_others_reach_is_refused_with_words() {
        let error = parse(FILE, &["--listen", "0.0.0.0:7070"], &[]).unwrap_err().to_string();
        assert!(error.contains("0.0.0.0:7070") && error.contains("127.0.0.1:7070"), "{error}");
        assert!(parse(FILE, &["--listen", "localhost"], &[]).unwrap_err().to_string().contains("numeric address"));
    }

    #[test]
    fn an_unknown_key_is_refused_naming_the_nearest() {
        let error = parse(&format!("listne = \"127.0.0.1:1\"\n{FILE}"), &[], &[]).unwrap_err().to_string();
        assert!(error.contains("unknown key \"listne\", did you mean \"listen\"?"), "{error}");
        let error = parse(FILE, &[], &[("RCH_COORDINATOR_NATS_URI", "x")]).unwrap_err().to_string();
        assert!(error.contains("RCH_COORDINATOR_NATS_URI") && error.contains("did you mean \"nats_url\"?"), "{error}");
    }

    #[test]
    fn defaults_travel_by_their_dotted_keys_and_only_their_form_is_checked() {
        let file = format!(
            "{FILE}[defaults]\nartifact_profile = \"rich\"\n[defaults.timeouts]\nqueue_seconds = 60\n[defaults.worker_selection]\nmode = \"adaptive\"\ntags = [\"fast\"]\n"
        );
        let config = parse(&file, &[], &[]).unwrap();
        assert_eq!(
            serde_json::to_value(&config.defaults).unwrap(),
            serde_json::json!({
                "artifact_profile": "rich", "timeouts.queue_seconds": 60,
                "worker_selection.mode": "adaptive", "worker_selection.tags": ["fast"],
            })
        );
        assert_eq!(config.selection, SelectionMode::Adaptive);
        for (defaults, expected) in [
            ("timeouts.queue_seconds = 1.5", "found \"timeouts.queue_seconds = 1.5\""),
            ("a = [1]", "found \"a = [1]\""),
            ("worker_selection.mode = \"random\"", "expected \"deterministic\" or \"adaptive\""),
        ] {
            let error = parse(&format!("{FILE}[defaults]\n{defaults}\n"), &[], &[]).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn what_is_missing_or_zero_says_so() {
        let error = parse("store = \"file:///s\"\n", &[], &[]).unwrap_err().to_string();
        assert!(error.contains("RCH_COORDINATOR_NATS_URL") && error.contains("--nats-url"), "{error}");
        assert!(parse(FILE, &["--max-attempts", "0"], &[]).unwrap_err().to_string().contains("at least 1"));
    }
}
