//! What every command works with.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rch_schemas::document::Farm;
use serde_json::Value;

use crate::cli::Global;
use crate::config::{Layers, Settings};
use crate::credentials::Credentials;
use crate::environment::Environment;
use crate::error::CommandError;
use crate::farm::FarmClient;
use crate::interrupt::Interrupts;
use crate::output::{Label, Reporter};

/// The pause between two tries to reach the coordinator.
const CONNECT_PAUSE: Duration = Duration::from_millis(500);

/// Surroundings and voice of one command.
pub(crate) struct Context<'a> {
    /// Variables and working directory.
    pub(crate) environment: Environment,
    /// Flags of every command.
    pub(crate) global: Global,
    /// Ctrl-C.
    pub(crate) interrupts: Interrupts,
    /// Says everything.
    pub(crate) reporter: &'a mut Reporter,
}

/// A farm that has answered.
pub(crate) struct Connected {
    /// The coordinator.
    pub(crate) client: FarmClient,
    /// What the farm says of itself.
    pub(crate) farm: Farm,
}

impl Context<'_> {
    /// The layers of configuration, with the flags of this command over them.
    pub(crate) fn layers(&self, flags: Vec<(&'static str, Value)>) -> Result<Layers, CommandError> {
        let flags = [self.global.values(), flags].concat();
        Ok(Layers::read(&self.environment, &flags)?)
    }

    /// The tree's root: where `.rch/xcode.toml` lies, else the root of the checkout, else the working directory.
    pub(crate) fn root(&self, layers: &Layers) -> PathBuf {
        layers.root().map_or_else(|| checkout(&self.environment.working_directory), Path::to_owned)
    }

    /// A client of the coordinator at `url`, with what a login left for it.
    pub(crate) fn client(&self, url: reqwest::Url) -> Result<FarmClient, CommandError> {
        let access = Credentials::read(&self.environment)?.access(&url, &self.environment)?;
        Ok(FarmClient::with(url, &access)?)
    }

    /// Reaches the coordinator, trying for as long as `timeouts.connect_seconds` allows.
    pub(crate) async fn connect(&mut self, layers: &Layers) -> Result<Connected, CommandError> {
        let merged = layers.merged();
        let settings = Settings::new(&merged);
        let client = self.client(settings.coordinator()?)?;
        let (started, allowed) = (Instant::now(), settings.connect());
        let mut told = false;
        loop {
            let error = match client.farm().await {
                Ok(farm) => {
                    self.reporter.live(None);
                    return Ok(Connected { client, farm });
                }
                Err(error) => error,
            };
            if !error.is_passing() || started.elapsed() + CONNECT_PAUSE > allowed {
                return Err(error.into());
            }
            if !std::mem::replace(&mut told, true) {
                let text = format!("{} does not answer; trying for {} s", client.url(), allowed.as_secs());
                self.reporter.fact(&Label::Connection, &text);
            }
            tokio::select! {
                () = tokio::time::sleep(error.retry_after().unwrap_or(CONNECT_PAUSE).min(allowed)) => {}
                () = self.interrupts.asked(1) => return Err(CommandError::Interrupted),
            }
        }
    }
}

/// The root of the checkout that `working` is in; `working` itself outside of one.
pub(super) fn checkout(working: &Path) -> PathBuf {
    working.ancestors().find(|directory| directory.join(".git").exists()).unwrap_or(working).to_owned()
}
