//! The backends, and ways to damage what they hold.

use std::sync::Arc;

use bytes::Bytes;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload};
use rch_store::Store;
use rch_store::layout::Key;
use tempfile::TempDir;

pub(crate) struct Backend {
    pub(crate) store: Store,
    objects: Arc<dyn ObjectStore>,
    _directory: Option<TempDir>,
}

impl Backend {
    pub(crate) fn in_memory() -> Self {
        let objects: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        Self { store: Store::over(Arc::clone(&objects)), objects, _directory: None }
    }

    pub(crate) fn in_a_directory() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("file://{}", directory.path().display()), None).unwrap();
        let objects = Arc::new(LocalFileSystem::new_with_prefix(directory.path()).unwrap());
        Self { store, objects, _directory: Some(directory) }
    }

    pub(crate) async fn overwrite(&self, key: &Key, bytes: impl Into<Bytes>) {
        self.objects.put(&path(key), PutPayload::from_bytes(bytes.into())).await.unwrap();
    }

    pub(crate) async fn remove(&self, key: &Key) {
        self.objects.delete(&path(key)).await.unwrap();
    }

    pub(crate) async fn bytes(&self, key: &Key) -> Bytes {
        self.objects.get(&path(key)).await.unwrap().bytes().await.unwrap()
    }
}

fn path(key: &Key) -> Path {
    Path::parse(key.to_string()).unwrap()
}
