//! A store, opened by its URL: single objects in and out, each within a time limit.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutPayload};
use tokio::time::{Instant, sleep, timeout};

use crate::credentials::Credentials;
use crate::failure::{Failure, is_outcome_unknown};
use crate::layout::Key;
use crate::place::{OpenError, Place};
use crate::s3;

/// No object of ours is larger than 16 MiB and nearly all are below 2 MiB: at 300 KB/s the largest takes a minute. Retries of the
/// backend are within it.
const OPERATION_TIMEOUT: Duration = Duration::from_mins(1);
/// Between a create whose answer was lost and the next, when the first made nothing.
const CREATE_PAUSE: Duration = Duration::from_millis(500);

/// Why an object could not be moved.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store did not answer in time; the outcome of a put is unknown, and repeating it is safe.
    #[error("the store {store} did not {operation} {key} within {} s; see whether it is overloaded", OPERATION_TIMEOUT.as_secs())]
    Timeout {
        /// Which store.
        store: Arc<str>,
        /// What was asked: get, put, find.
        operation: &'static str,
        /// The object.
        key: Key,
    },
    /// The store answered with an error, or nobody answered; it was tried again as long as that could help.
    #[error("the store {store} could not {operation} {key}: {failure}")]
    Backend {
        /// Which store.
        store: Arc<str>,
        /// What was asked: get, put, find.
        operation: &'static str,
        /// The object.
        key: Key,
        /// What went wrong, and what to do.
        failure: Box<Failure>,
    },
    /// The object is larger than its kind can be.
    #[error("{key} has {bytes} bytes, more than the {bytes_max} it may have")]
    TooLarge {
        /// The object.
        key: Key,
        /// Its size.
        bytes: u64,
        /// The limit.
        bytes_max: u64,
    },
}

/// Whether a create made the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It was not there.
    New,
    /// Something was there, whose content nobody has looked at: another writer's, or our own from a try whose answer was lost.
    AlreadyThere,
}

/// An object store. Cloning gives another handle to the same.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) objects: Arc<dyn ObjectStore>,
    /// For people: the directory, or bucket and server.
    pub(crate) name: Arc<str>,
}

impl Store {
    /// Opens the store that `url` names: `file:///absolute/directory`, or `s3://bucket?endpoint=https://host:port`, which needs `credentials`. A
    /// directory is made if it is not there, and every put is on disk when it returns. A server is not asked anything yet; [`Self::probe`] does.
    pub fn open(url: &str, credentials: Option<&Credentials>) -> Result<Self, OpenError> {
        match Place::parse(url)? {
            Place::Directory(directory) => Self::open_directory(directory),
            Place::Bucket(bucket) => Ok(Self { objects: s3::open(&bucket, credentials)?, name: bucket.to_string().into() }),
        }
    }

    fn open_directory(directory: PathBuf) -> Result<Self, OpenError> {
        // Everybody's sources and results are in it. A directory that is there keeps its mode: a group may share it.
        if let Err(source) = DirBuilder::new().recursive(true).mode(0o700).create(&directory) {
            return Err(OpenError::Unusable { directory, source });
        }
        match LocalFileSystem::new_with_prefix(&directory) {
            Ok(objects) => Ok(Self { objects: Arc::new(objects.with_fsync(true)), name: directory.display().to_string().into() }),
            Err(error) => Err(OpenError::Unusable { directory, source: io::Error::other(error) }),
        }
    }

    /// A store over an opened backend.
    pub fn over(objects: Arc<dyn ObjectStore>) -> Self {
        let name = objects.to_string().into();
        Self { objects, name }
    }

    /// The object's bytes, unverified; `None` when it is not there.
    pub async fn get(&self, key: &Key, bytes_max: u64) -> Result<Option<Bytes>, StoreError> {
        let get = async {
            let found = self.objects.get(key.path()).await?;
            let bytes = found.meta.size;
            if bytes > bytes_max { Ok(Err(bytes)) } else { found.bytes().await.map(Ok) }
        };
        match self.within_limit("get", key, get).await? {
            None => Ok(None),
            Some(Ok(bytes)) => Ok(Some(bytes)),
            Some(Err(bytes)) => Err(StoreError::TooLarge { key: key.clone(), bytes, bytes_max }),
        }
    }

    /// The object's size in bytes; `None` when it is not there.
    pub async fn size(&self, key: &Key) -> Result<Option<u64>, StoreError> {
        let head = async { self.objects.head(key.path()).await.map(|meta| meta.size) };
        self.within_limit("find", key, head).await
    }

    /// Puts the object in the place of whatever was there. Safe to repeat.
    pub async fn put(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        let put = async { self.objects.put(key.path(), PutPayload::from_bytes(bytes)).await.map(|_| ()) };
        self.within_limit("put", key, put).await?.ok_or_else(|| self.gone("put", key))
    }

    /// Puts the object unless something is there. Only for objects named by their digest: a store that ignores the condition writes the same again,
    /// and whoever is told that something is there compares what it is with the digest.
    ///
    /// A create whose answer is lost may have made the object or not. Then it is looked for, and made if it is not there; the backend's own retries
    /// after 5xx can find an object that an earlier try made. Both end as [`Created::AlreadyThere`].
    pub async fn create(&self, key: &Key, bytes: Bytes) -> Result<Created, StoreError> {
        let payload = PutPayload::from_bytes(bytes);
        let create = async {
            loop {
                let error = match self.objects.put_opts(key.path(), payload.clone(), PutMode::Create.into()).await {
                    Ok(_) => return Ok(Created::New),
                    Err(object_store::Error::AlreadyExists { .. }) => return Ok(Created::AlreadyThere),
                    Err(error) => error,
                };
                if !is_outcome_unknown(&error) {
                    return Err(error);
                }
                match self.objects.head(key.path()).await {
                    Ok(_) => return Ok(Created::AlreadyThere),
                    Err(object_store::Error::NotFound { .. }) => sleep(CREATE_PAUSE).await,
                    Err(error) => return Err(error),
                }
            }
        };
        self.within_limit("put", key, create).await?.ok_or_else(|| self.gone("put", key))
    }

    /// `None` when the store says that the object is not there.
    pub(crate) async fn within_limit<T>(
        &self,
        operation: &'static str,
        key: &Key,
        work: impl Future<Output = Result<T, object_store::Error>>,
    ) -> Result<Option<T>, StoreError> {
        let began = Instant::now();
        match timeout(OPERATION_TIMEOUT, work).await {
            Ok(Ok(value)) => Ok(Some(value)),
            Ok(Err(object_store::Error::NotFound { .. })) => Ok(None),
            Ok(Err(error)) => {
                let failure = Box::new(Failure::of(&error, began.elapsed()));
                Err(StoreError::Backend { store: Arc::clone(&self.name), operation, key: key.clone(), failure })
            }
            Err(_elapsed) => Err(StoreError::Timeout { store: Arc::clone(&self.name), operation, key: key.clone() }),
        }
    }

    /// Putting found no place to put: the bucket or directory itself is gone.
    pub(crate) fn gone(&self, operation: &'static str, key: &Key) -> StoreError {
        let error = object_store::Error::NotFound { path: key.to_string(), source: "the bucket or directory is not there".into() };
        let failure = Box::new(Failure::of(&error, Duration::ZERO));
        StoreError::Backend { store: Arc::clone(&self.name), operation, key: key.clone(), failure }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::os::unix::fs::PermissionsExt as _;

    use url::Url;

    use super::*;

    #[test]
    fn a_directory_that_is_made_is_its_owner_s_alone_and_one_that_is_there_keeps_its_mode() {
        let place = tempfile::tempdir().unwrap();
        let store = place.path().join("farm/store");
        let url = format!("file://{}", store.display());
        let mode = || std::fs::metadata(&store).unwrap().permissions().mode() & 0o777;
        Store::open(&url, None).unwrap();
        assert_eq!(mode(), 0o700);
        std::fs::set_permissions(&store, std::fs::Permissions::from_mode(0o770)).unwrap();
        Store::open(&url, None).unwrap();
        assert_eq!(mode(), 0o770);
    }

    fn refusal(url: &str) -> String {
        Store::open(url, None).expect_err("it was to be refused").to_string()
    }

    #[test]
    fn a_store_that_cannot_be_used_says_what_to_do() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(refusal(&format!("file://{}", file.path().display())).ends_with("make it a directory this user can write"));
        let refused = refusal("s3://rch?endpoint=http://127.0.0.1:1");
        assert!(
            refused.contains("s3://rch at http://127.0.0.1:1 needs credentials") && refused.contains("store_credentials_file"),
            "{refused}"
        );
    }

    #[test]
    fn a_directory_is_made_and_may_have_a_space_in_its_name() {
        let root = tempfile::tempdir().unwrap();
        let url = Url::from_file_path(root.path().join("my farm/store")).unwrap();
        Store::open(url.as_str(), None).unwrap();
        assert!(root.path().join("my farm/store").is_dir());
    }
}
