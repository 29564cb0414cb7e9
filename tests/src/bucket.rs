//! Buckets, all of one S3 server that ends with this process.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use object_store::ObjectStore;
use object_store::aws::AmazonS3Builder;
use rch_local::{BucketPlan, Directory, S3Server};

/// A bucket that nobody else uses. The first one starts the server, which one process has at most one of: it takes 250 MB. `program` is the one binary
/// that is every program.
///
/// # Panics
///
/// There is no S3 server, and why.
pub fn fresh_bucket(program: &Path) -> BucketPlan {
    static SERVER: OnceLock<S3Server> = OnceLock::new();
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    let server = SERVER.get_or_init(|| {
        let started = S3Server::start(program, &Directory::Temporary);
        started.unwrap_or_else(|error| panic!("{error}: {:?}", std::error::Error::source(&error).map(ToString::to_string)))
    });
    let name = format!("bucket-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    server.bucket(&name).unwrap_or_else(|error| panic!("{error}"))
}

/// What is in a bucket, whoever put it there.
///
/// # Panics
///
/// No client can be made.
pub fn objects_in(bucket: &BucketPlan) -> Arc<dyn ObjectStore> {
    // Another test of this process may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = AmazonS3Builder::new()
        .with_bucket_name(bucket.name())
        .with_endpoint(bucket.endpoint())
        .with_allow_http(true)
        .with_access_key_id(bucket.access_key_id())
        .with_secret_access_key(bucket.secret_access_key())
        .build();
    Arc::new(client.expect("a bucket on this machine has everything that a client needs"))
}
