//! What lies in a farm's store, and ways to change it behind the farm's back, wherever the store is.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload};
use rch_local::{BucketPlan, Farm};
use rch_tests::objects_in;
use tokio::runtime::{Builder, Runtime};

/// The objects of a store, with a runtime of its own: tests are plain functions.
#[derive(Debug)]
pub(crate) struct Objects {
    objects: Arc<dyn ObjectStore>,
    runtime: Runtime,
}

impl Objects {
    /// Those of a farm.
    pub(crate) fn of(farm: &Farm) -> Self {
        match farm.plan().store_bucket() {
            Some(bucket) => Self::in_bucket(bucket),
            None => Self::new(Arc::new(LocalFileSystem::new_with_prefix(farm.store()).unwrap())),
        }
    }

    /// Those in a bucket.
    pub(crate) fn in_bucket(bucket: &BucketPlan) -> Self {
        Self::new(objects_in(bucket))
    }

    fn new(objects: Arc<dyn ObjectStore>) -> Self {
        Self { objects, runtime: Builder::new_current_thread().enable_all().build().unwrap() }
    }

    /// The names that begin with the folders in `prefix`; all for an empty one.
    pub(crate) fn keys(&self, prefix: &str) -> Vec<String> {
        let listed = self.objects.list(Some(&Path::from(prefix))).map_ok(|meta| meta.location.to_string());
        self.runtime.block_on(listed.try_collect()).unwrap()
    }

    /// The bytes of an object that is there.
    pub(crate) fn get(&self, key: &str) -> Vec<u8> {
        self.runtime.block_on(async { self.objects.get(&Path::from(key)).await.unwrap().bytes().await.unwrap() }).to_vec()
    }

    /// Whether there is such an object.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.runtime.block_on(self.objects.head(&Path::from(key))).is_ok()
    }

    /// Puts an object in the place of whatever was there.
    pub(crate) fn put(&self, key: &str, bytes: Vec<u8>) {
        self.runtime.block_on(self.objects.put(&Path::from(key), PutPayload::from(bytes))).unwrap();
    }
}
