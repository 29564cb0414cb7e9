//! The backends, and ways to damage what they hold.

use std::collections::BTreeMap;
use std::path::Path as FsPath;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload};
use rch_store::layout::Key;
use rch_store::{Credentials, Store};
use rch_tests::{fresh_bucket, objects_in};
use tempfile::{NamedTempFile, TempDir};

pub(crate) struct Backend {
    pub(crate) store: Store,
    objects: Arc<dyn ObjectStore>,
    _directory: Option<TempDir>,
}

impl Backend {
    pub(crate) fn in_a_double() -> Self {
        let objects: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        Self { store: Store::over(Arc::clone(&objects)), objects, _directory: None }
    }

    pub(crate) fn in_a_directory() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("file://{}", directory.path().display()), None).unwrap();
        let objects = Arc::new(LocalFileSystem::new_with_prefix(directory.path()).unwrap());
        Self { store, objects, _directory: Some(directory) }
    }

    pub(crate) fn in_a_bucket() -> Self {
        let bucket = fresh_bucket(FsPath::new(env!("CARGO_BIN_EXE_rch-farm")));
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bucket.credentials()).unwrap();
        let credentials = Credentials::find(Some(file.path()), &BTreeMap::new()).unwrap();
        let store = Store::open(&bucket.url(), credentials.as_ref()).unwrap();
        Self { store, objects: objects_in(&bucket), _directory: None }
    }

    pub(crate) async fn overwrite(&self, key: &Key, bytes: impl Into<Bytes>) {
        self.objects.put(&path(key), PutPayload::from_bytes(bytes.into())).await.unwrap();
    }

    pub(crate) async fn remove(&self, key: &Key) {
        self.objects.delete(&path(key)).await.unwrap();
    }

    /// Everything that is there.
    pub(crate) async fn keys(&self) -> Vec<String> {
        self.objects.list(None).map_ok(|meta| meta.location.to_string()).try_collect().await.unwrap()
    }

    pub(crate) async fn bytes(&self, key: &Key) -> Bytes {
        self.objects.get(&path(key)).await.unwrap().bytes().await.unwrap()
    }
}

fn path(key: &Key) -> Path {
    Path::parse(key.to_string()).unwrap()
}
