//! One set onto this disk, and the disk against its manifest.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use rch_bundle::artifacts::{self, VerifyError, is_inside, stored_directories};
use rch_schemas::document::{Farm, Summary};
use rch_schemas::seal::{ATTESTATION_PATH, MANIFEST_PATH, Manifest, ManifestEntry, ManifestEntryType, Signer, SignerRole};
use rch_schemas::wire::http::JobView;
use rch_schemas::{Reason, Sha256};

use super::directory::{self, DirectoryError};
use super::seal::{self, SealFailure};
use crate::farm::{Backoff, FarmClient, FarmError, read};
use crate::output::Why;

/// The largest manifest: a result bundle lists tens of thousands of files.
const MANIFEST_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The largest attestation.
const ATTESTATION_BYTES_MAX: u64 = 1024 * 1024;
/// The exact bytes that were hashed into the job key.
const KEY_INPUTS: &str = "job_key_inputs.jcs";
/// Files on their way at once.
const AT_ONCE: usize = 4;
/// Tries for one file, when what fails may pass: half a minute in all, as a submit has. A run that succeeded should not fail for a coordinator that is
/// being started anew.
const TRIES_MAX: u32 = 10;

/// What of a set is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Everything but stored directories.
    Small,
    /// Everything.
    All,
    /// Also these stored directories.
    Directories(Vec<String>),
}

/// Why a set is not here, or not to be believed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DownloadError {
    /// The farm.
    #[error(transparent)]
    Farm(#[from] FarmError),
    /// Nobody vouches for it.
    #[error("{job}: {source}{}", cause(source))]
    Seal {
        /// Which set.
        job: String,
        /// Why.
        source: SealFailure,
    },
    /// The disk does not hold what the manifest says.
    #[error("{job}: {source}")]
    Verify {
        /// Which set.
        job: String,
        /// Every path.
        source: VerifyError,
    },
    /// A file is longer or shorter than the manifest says.
    #[error("{job}: {path} has {found}, the manifest says {expected} bytes")]
    Size {
        /// Which set.
        job: String,
        /// The file.
        path: String,
        /// What came.
        found: String,
        /// What the manifest says.
        expected: u64,
    },
    /// A stored directory is not what its recipe says.
    #[error("{job}: {path}: {source}")]
    Directory {
        /// Which set.
        job: String,
        /// The directory.
        path: String,
        /// What is wrong with it.
        source: Box<DirectoryError>,
    },
    /// The hashed inputs are not those of the key.
    #[error("{job}: {KEY_INPUTS} hashes to {found}, the job key is {expected}")]
    Key {
        /// Which set.
        job: String,
        /// The digest of the file; `nothing` when it is not in the set.
        found: String,
        /// The key.
        expected: String,
    },
    /// A job that succeeded has no artifacts.
    #[error("{job} succeeded, and the farm has no artifacts of it; ask its operators")]
    Missing {
        /// Which set.
        job: String,
    },
    /// Local files.
    #[error("cannot write {}: {source}", path.display())]
    Local {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn cause(failure: &SealFailure) -> String {
    std::error::Error::source(failure).map(|cause| format!(": {cause}")).unwrap_or_default()
}

impl DownloadError {
    /// Code and exit code.
    pub(crate) fn why(&self) -> Why {
        match self {
            Self::Farm(error) => error.why(),
            Self::Seal { source, .. } => Why::Reason(source.reason()),
            Self::Verify { .. } | Self::Size { .. } | Self::Directory { .. } | Self::Key { .. } => Why::Reason(Reason::IntegrityMismatch),
            Self::Missing { .. } => Why::Reason(Reason::ArtifactsMissing),
            Self::Local { .. } => Why::Internal,
        }
    }
}

/// A set that is here and is what was signed.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// Who vouches for it.
    pub(crate) signer: Signer,
    /// Files that are here and match.
    pub(crate) files: usize,
    /// Their bytes, with those of manifest and attestation.
    pub(crate) bytes: u64,
    /// Stored directories that stay on the farm, with their bytes.
    pub(crate) stays: Vec<(String, u64)>,
    /// What the job came to.
    pub(crate) summary: Option<Summary>,
}

impl Fetched {
    /// `macmini-02 (7c1f..e90a)`.
    pub(crate) fn signed_by(&self) -> String {
        let name = match self.signer.role {
            SignerRole::Worker => self.signer.name.as_str(),
            SignerRole::Farm => "the farm",
        };
        format!("{name} ({})", self.signer.fingerprint.short())
    }
}

/// Fetches the set of `job` into `directory` and checks it.
pub(super) async fn fetch(
    client: &FarmClient,
    farm: &Farm,
    job: &JobView,
    directory: &Path,
    wanted: &Wanted,
) -> Result<Fetched, DownloadError> {
    let named = format!("{} {}", job.action, job.job_id);
    let manifest_bytes = small(client, job, MANIFEST_PATH, MANIFEST_BYTES_MAX).await?;
    let attestation_bytes = small(client, job, ATTESTATION_PATH, ATTESTATION_BYTES_MAX).await?;
    let seal =
        seal::check(job, farm, &manifest_bytes, &attestation_bytes).map_err(|source| DownloadError::Seal { job: named.clone(), source })?;
    let target = Target { client, job, named: &named, directory };
    target.write(MANIFEST_PATH, &manifest_bytes)?;
    target.write(ATTESTATION_PATH, &attestation_bytes)?;
    let (directories, stays) = chosen(&seal.manifest, wanted, directory);
    let loose =
        seal.manifest.entries.iter().filter(|entry| entry.entry_type == ManifestEntryType::File && !is_stored(&seal.manifest, entry));
    let _: Vec<()> = stream::iter(loose).map(|entry| target.fetch(entry)).buffer_unordered(AT_ONCE).try_collect().await?;
    for outer in directories {
        target.fetch_directory(outer, &seal.manifest).await?;
    }
    let verified = check(directory, &seal.manifest).await.map_err(|source| DownloadError::Verify { job: named.clone(), source })?;
    check_key(directory, job, seal.attestation.signer.role, &named)?;
    let here = seal.manifest.entries.iter().filter(|entry| !stays.iter().any(|(outer, _)| is_inside(&entry.path, outer)));
    let bytes = here.map(|entry| entry.size).sum::<u64>() + (manifest_bytes.len() + attestation_bytes.len()) as u64;
    let summary = fs::read(directory.join("summary.json")).ok().and_then(|bytes| read(&bytes).ok());
    Ok(Fetched { signer: seal.attestation.signer, files: verified.files, bytes, stays, summary })
}

async fn small(client: &FarmClient, job: &JobView, path: &str, bytes_max: u64) -> Result<Vec<u8>, FarmError> {
    let mut backoff = Backoff::default();
    loop {
        match client.job_file(&job.job_id, path, bytes_max).await {
            Err(error) if error.is_passing() && backoff.tries() < TRIES_MAX => tokio::time::sleep(backoff.next(error.retry_after())).await,
            outcome => return outcome,
        }
    }
}

/// The stored directories that are to be here, and those that stay away with their bytes. A directory that is here already, and one of
/// which a part is wanted, is wanted whole: half of one could not be checked.
fn chosen<'a>(manifest: &'a Manifest, wanted: &Wanted, directory: &Path) -> (Vec<&'a str>, Vec<(String, u64)>) {
    let entries = &manifest.entries;
    let outer = stored_directories(entries).into_iter().map(|index| entries[index].path.as_str());
    let is_wanted = |outer: &str| match wanted {
        Wanted::All => true,
        Wanted::Small => directory.join(outer).exists(),
        Wanted::Directories(paths) => directory.join(outer).exists() || paths.iter().any(|path| path == outer || is_inside(path, outer)),
    };
    let (here, away): (Vec<&str>, Vec<&str>) = outer.partition(|outer| is_wanted(outer));
    let bytes = |outer: &str| entries.iter().filter(|entry| is_inside(&entry.path, outer)).map(|entry| entry.size).sum();
    (here, away.into_iter().map(|outer| (outer.to_owned(), bytes(outer))).collect())
}

/// Whether an entry comes with a stored directory rather than by itself.
fn is_stored(manifest: &Manifest, entry: &ManifestEntry) -> bool {
    let outer = entry.path.match_indices('/').map(|(at, _)| &entry.path[..at]);
    let is_directory = |path: &str| {
        let found = manifest.entries.binary_search_by(|entry| entry.path.as_bytes().cmp(path.as_bytes()));
        found.is_ok_and(|index| manifest.entries[index].entry_type == ManifestEntryType::Directory)
    };
    outer.into_iter().any(is_directory)
}

/// The directory against its manifest, on a thread that may block.
async fn check(directory: &Path, manifest: &Manifest) -> Result<artifacts::Verified, VerifyError> {
    let (directory, manifest) = (directory.to_owned(), manifest.clone());
    match tokio::task::spawn_blocking(move || artifacts::verify(&directory, &manifest)).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// The hashed inputs must be those of the job key. A worker's set owes them; the farm's own has them when a key was ever bound.
fn check_key(directory: &Path, job: &JobView, role: SignerRole, named: &str) -> Result<(), DownloadError> {
    let Some(key) = &job.job_key else { return Ok(()) };
    let found = match fs::read(directory.join(KEY_INPUTS)) {
        Ok(bytes) => Sha256::of(bytes).to_string(),
        Err(_) if role == SignerRole::Farm => return Ok(()),
        Err(_) => "nothing".to_owned(),
    };
    let expected = key.to_string();
    if found == expected { Ok(()) } else { Err(DownloadError::Key { job: named.to_owned(), found, expected }) }
}

/// A directory that a set is written into.
struct Target<'a> {
    client: &'a FarmClient,
    job: &'a JobView,
    named: &'a str,
    directory: &'a Path,
}

impl Target<'_> {
    /// Fetches one file, unless it is here already. The digest is checked when everything is here.
    async fn fetch(&self, entry: &ManifestEntry) -> Result<(), DownloadError> {
        let path = self.place_of(&entry.path)?;
        if is_here(&path, entry) {
            return Ok(());
        }
        let mut backoff = Backoff::default();
        loop {
            match self.once(entry, &path).await {
                Err(DownloadError::Farm(error)) if error.is_passing() && backoff.tries() < TRIES_MAX => {
                    tokio::time::sleep(backoff.next(error.retry_after())).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// Fetches a stored directory, unless something is there already: the check of the whole set looks at it.
    async fn fetch_directory(&self, outer: &str, manifest: &Manifest) -> Result<(), DownloadError> {
        let place = self.place_of(outer)?;
        if fs::symlink_metadata(&place).is_ok() {
            return Ok(());
        }
        let members: Vec<&ManifestEntry> = manifest.entries.iter().filter(|entry| is_inside(&entry.path, outer)).collect();
        let fetched = directory::fetch(self.client, &self.job.job_id, (outer, &members), self.run_directory(), &place).await;
        fetched.map_err(|error| match error.split() {
            Ok(source) => DownloadError::Local { path: place, source },
            Err(Ok(error)) => error.into(),
            Err(Err(source)) => DownloadError::Directory { job: self.named.to_owned(), path: outer.to_owned(), source: Box::new(source) },
        })
    }

    async fn once(&self, entry: &ManifestEntry, path: &Path) -> Result<(), DownloadError> {
        let local = |source| DownloadError::Local { path: path.to_owned(), source };
        let wrong =
            |found: String| DownloadError::Size { job: self.named.to_owned(), path: entry.path.clone(), found, expected: entry.size };
        let mut response = self.client.job_file_stream(&self.job.job_id, &entry.path).await?;
        let mut file = tempfile::NamedTempFile::new_in(self.run_directory()).map_err(local)?;
        let mut size = 0;
        while let Some(bytes) = self.client.chunk(&mut response).await? {
            size += bytes.len() as u64;
            if size > entry.size {
                return Err(wrong("more".to_owned()));
            }
            file.write_all(&bytes).map_err(local)?;
        }
        if size < entry.size {
            return Err(wrong(format!("{size} bytes")));
        }
        readable_by_others(file.as_file()).map_err(local)?;
        file.persist(path).map_err(|error| local(error.error))?;
        Ok(())
    }

    /// Unfinished files lie beside the set, not in it: what is left of a broken download is no extra file.
    fn run_directory(&self) -> &Path {
        self.directory.parent().unwrap_or(self.directory)
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<(), DownloadError> {
        let path = self.place_of(path)?;
        let write = || {
            let mut file = tempfile::NamedTempFile::new_in(self.run_directory())?;
            file.write_all(bytes)?;
            readable_by_others(file.as_file())?;
            file.persist(&path).map_err(|error| error.error)
        };
        write().map(drop).map_err(|source| DownloadError::Local { path: path.clone(), source })
    }

    /// Where a path of the set lies; makes the directories above it.
    fn place_of(&self, path: &str) -> Result<PathBuf, DownloadError> {
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        self.directory_of(parent)?;
        Ok(self.directory.join(path))
    }

    /// Makes a directory of the set. Follows no link beneath the set's directory: a link there would lead out of it.
    fn directory_of(&self, path: &str) -> Result<(), DownloadError> {
        fs::create_dir_all(self.directory).map_err(|source| DownloadError::Local { path: self.directory.to_owned(), source })?;
        let mut here = self.directory.to_owned();
        for component in path.split('/').filter(|component| !component.is_empty()) {
            here.push(component);
            let made = match fs::symlink_metadata(&here) {
                Ok(metadata) if metadata.is_dir() => Ok(()),
                Ok(_) => Err(io::Error::new(io::ErrorKind::NotADirectory, "something else has its name")),
                Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir(&here).or_else(allow_existing),
                Err(error) => Err(error),
            };
            made.map_err(|source| DownloadError::Local { path: here.clone(), source })?;
        }
        Ok(())
    }
}

/// Another file of the same directory may have made it in the meantime.
fn allow_existing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) }
}

/// Whether the file is here with the size and digest of its entry.
fn is_here(path: &Path, entry: &ManifestEntry) -> bool {
    let is_file = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() == entry.size);
    is_file && fs::read(path).is_ok_and(|bytes| Some(Sha256::of(bytes)) == entry.sha256)
}

/// A temporary file is its owner's alone; an artifact is not secret to those who may read the tree.
fn readable_by_others(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}
