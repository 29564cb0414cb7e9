//! `rch-local up`: keeps a farm running until somebody ends it.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use super::local_farm;
use super::pid_file::PidFile;
use crate::environment::Environment;
use crate::farm::{self, Directory, Farm, FarmError};
use crate::interrupt::Interrupt;
use crate::report;
use crate::s3_server::{S3Server, S3ServerError};

/// How often the farm's programs are looked at.
const GLANCE: Duration = Duration::from_secs(1);

/// The bucket of the farm's store.
const BUCKET: &str = "rch";

/// Where the store of the farm is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreKind {
    /// In the farm's directory.
    Directory,
    /// In a bucket of an S3 server that is started with the farm.
    Bucket,
}

/// Why a farm did not keep running.
#[derive(Debug, thiserror::Error)]
enum UpError {
    /// There is one already.
    #[error("a farm is running in {}, process {pid}; end it with `rch-local down`, or start another with --directory DIR", directory.display())]
    Running { directory: PathBuf, pid: i32 },
    /// The directory or this process could not be made ready.
    #[error("cannot run a farm in {}", directory.display())]
    Directory { directory: PathBuf, source: io::Error },
    /// It did not start.
    #[error("no farm is running")]
    NotStarted(#[from] FarmError),
    /// The server with its store did not start.
    #[error("no farm is running")]
    NoStore(#[from] S3ServerError),
    /// One of its programs ended.
    #[error("{name} ended by itself, so the farm was ended; the last lines of {}:\n{tail}", log.display())]
    Ended { name: String, log: PathBuf, tail: String },
}

/// Runs it.
pub(crate) fn up(directory: Option<&Path>, store: StoreKind) -> ExitCode {
    let directory = directory.map_or_else(|| Environment::of_this_process().farm_directory(), Path::to_owned);
    match keep_running(&directory, store) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::failure("rch-local up", &error);
            ExitCode::FAILURE
        }
    }
}

fn keep_running(directory: &Path, store: StoreKind) -> Result<(), UpError> {
    let failed = |source| UpError::Directory { directory: directory.to_owned(), source };
    let _held = PidFile::take(directory)
        .map_err(failed)?
        .map_err(|holder| UpError::Running { directory: directory.to_owned(), pid: holder.pid() })?;
    let mut plan = local_farm::plan(directory).map_err(failed)?;
    let mut s3 = match store {
        StoreKind::Directory => None,
        StoreKind::Bucket => Some(S3Server::start(plan.program(), &Directory::At(directory.join("s3")))?),
    };
    if let Some(s3) = &s3 {
        plan = plan.bucket(s3.bucket(BUCKET)?);
    }
    let mut farm = plan.start()?;
    let interrupt = Interrupt::listen().map_err(failed)?;
    describe(&farm);
    let ended = watch(&mut farm, &mut s3, &interrupt);
    report::gap();
    farm.stop();
    drop(s3);
    report::fact("Stopped", &format!("everything; the farm's memory stays in {}", directory.display()));
    ended
}

/// Waits until somebody ends the farm, or one of its programs ends by itself.
fn watch(farm: &mut Farm, s3: &mut Option<S3Server>, interrupt: &Interrupt) -> Result<(), UpError> {
    while !interrupt.wait(GLANCE) {
        for service in farm.services().chain(s3.as_mut().map(S3Server::service)) {
            if service.ended().is_some() {
                return Err(UpError::Ended { name: service.name().to_owned(), log: service.log().to_owned(), tail: service.tail() });
            }
        }
    }
    Ok(())
}

fn describe(farm: &Farm) {
    local_farm::describe(farm);
    report::fact("NATS", &format!("{}, monitored at {}", farm.nats_url(), farm.monitor_url()));
    if let Some(bucket) = farm.plan().store_bucket() {
        report::fact("Store", &format!("{} (SeaweedFS)", bucket.url()));
    }
    report::fact("Logs", &farm.directory().join("logs").display().to_string());
    report::fact("Stop", "Ctrl-C here, or `rch-local down` elsewhere");
    report::gap();
    report::fact("To use it", &format!("export {}={}", farm::rch_variable(), farm.url()));
    report::fact("", &format!("export PATH=\"{}:$PATH\"", farm.bin().display()));
    report::fact("", "cd your/project && rch xcode verify");
}
