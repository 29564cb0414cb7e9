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
use tokio::time::timeout;
use url::Url;

use crate::layout::Key;

/// No object of ours is larger than 16 MiB and nearly all are below 2 MiB: at 300 KB/s the largest takes a minute. Retries of the
/// backend are within it.
const OPERATION_TIMEOUT: Duration = Duration::from_mins(1);

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Not a URL at all.
    #[error("{url:?} is not the URL of a store; use file:///absolute/directory")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        #[source]
        source: url::ParseError,
    },
    /// A `file:` URL without an absolute directory.
    #[error("{url:?} does not name an absolute directory; use file:///absolute/directory")]
    Directory {
        /// What was given.
        url: String,
    },
    /// A kind of store that this build has no code for.
    #[error("{scheme}:// stores are not in this build; use file:///absolute/directory")]
    Scheme {
        /// What was given.
        scheme: String,
    },
    /// The directory cannot be made or opened.
    #[error("{} cannot be used as a store; make it a directory this user can write", directory.display())]
    Unusable {
        /// The directory.
        directory: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Why an object could not be moved.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store did not answer in time; the outcome of a put is unknown, and repeating it is safe.
    #[error("the store did not {operation} {key} within {} s", OPERATION_TIMEOUT.as_secs())]
    Timeout {
        /// What was asked: get, put, find.
        operation: &'static str,
        /// The object.
        key: Key,
    },
    /// The store answered with an error.
    #[error("the store could not {operation} {key}")]
    Backend {
        /// What was asked: get, put, find.
        operation: &'static str,
        /// The object.
        key: Key,
        /// What the store said.
        #[source]
        source: Box<object_store::Error>,
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
    objects: Arc<dyn ObjectStore>,
}

impl Store {
    /// Opens the store that `url` names. A directory is made if it is not there, and every put is on disk when it returns.
    pub fn open(url: &str) -> Result<Self, OpenError> {
        let parsed = Url::parse(url).map_err(|source| OpenError::Url { url: url.to_owned(), source })?;
        match parsed.scheme() {
            "file" => {
                let directory = parsed.to_file_path().map_err(|()| OpenError::Directory { url: url.to_owned() })?;
                Self::open_directory(directory)
            }
            // s3:// takes its place here.
            other => Err(OpenError::Scheme { scheme: other.to_owned() }),
        }
    }

    fn open_directory(directory: PathBuf) -> Result<Self, OpenError> {
        // Everybody's sources and results are in it. A directory that is there keeps its mode: a group may share it.
        if let Err(source) = DirBuilder::new().recursive(true).mode(0o700).create(&directory) {
            return Err(OpenError::Unusable { directory, source });
        }
        match LocalFileSystem::new_with_prefix(&directory) {
            Ok(objects) => Ok(Self::over(Arc::new(objects.with_fsync(true)))),
            Err(error) => Err(OpenError::Unusable { directory, source: io::Error::other(error) }),
        }
    }

    /// A store over an opened backend.
    pub fn over(objects: Arc<dyn ObjectStore>) -> Self {
        Self { objects }
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
        self.within_limit("put", key, put).await?.ok_or_else(|| not_found("put", key))
    }

    /// Puts the object unless something is there.
    pub async fn create(&self, key: &Key, bytes: Bytes) -> Result<Created, StoreError> {
        let create = async {
            match self.objects.put_opts(key.path(), PutPayload::from_bytes(bytes), PutMode::Create.into()).await {
                Ok(_) => Ok(Created::New),
                Err(object_store::Error::AlreadyExists { .. }) => Ok(Created::AlreadyThere),
                Err(error) => Err(error),
            }
        };
        self.within_limit("put", key, create).await?.ok_or_else(|| not_found("put", key))
    }

    /// `None` when the store says that the object is not there.
    async fn within_limit<T>(
        &self,
        operation: &'static str,
        key: &Key,
        work: impl Future<Output = Result<T, object_store::Error>>,
    ) -> Result<Option<T>, StoreError> {
        match timeout(OPERATION_TIMEOUT, work).await {
            Ok(Ok(value)) => Ok(Some(value)),
            Ok(Err(object_store::Error::NotFound { .. })) => Ok(None),
            Ok(Err(source)) => Err(StoreError::Backend { operation, key: key.clone(), source: Box::new(source) }),
            Err(_elapsed) => Err(StoreError::Timeout { operation, key: key.clone() }),
        }
    }
}

/// Putting found no place to put: the bucket or directory itself is gone.
fn not_found(operation: &'static str, key: &Key) -> StoreError {
    let source = object_store::Error::NotFound { path: key.to_string(), source: "the store itself is gone".into() };
    StoreError::Backend { operation, key: key.clone(), source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_directory_that_is_made_is_its_owner_s_alone_and_one_that_is_there_keeps_its_mode() {
        let place = tempfile::tempdir().unwrap();
        let store = place.path().join("farm/store");
        let url = format!("file://{}", store.display());
        let mode = || std::fs::metadata(&store).unwrap().permissions().mode() & 0o777;
        Store::open(&url).unwrap();
        assert_eq!(mode(), 0o700);
        std::fs::set_permissions(&store, std::fs::Permissions::from_mode(0o770)).unwrap();
        Store::open(&url).unwrap();
        assert_eq!(mode(), 0o770);
    }

    fn refusal(url: &str) -> String {
        Store::open(url).expect_err("it was to be refused").to_string()
    }

    #[test]
    fn a_url_that_names_no_store_says_what_does() {
        assert_eq!(refusal("s3://rch"), "s3:// stores are not in this build; use file:///absolute/directory");
        assert_eq!(refusal("/var/rch"), "\"/var/rch\" is not the URL of a store; use file:///absolute/directory");
        assert_eq!(refusal("file://host/rch"), "\"file://host/rch\" does not name an absolute directory; use file:///absolute/directory");
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(refusal(&format!("file://{}", file.path().display())).ends_with("make it a directory this user can write"));
    }

    #[test]
    fn a_directory_is_made_and_may_have_a_space_in_its_name() {
        let root = tempfile::tempdir().unwrap();
        let url = Url::from_file_path(root.path().join("my farm/store")).unwrap();
        Store::open(url.as_str()).unwrap();
        assert!(root.path().join("my farm/store").is_dir());
    }
}
