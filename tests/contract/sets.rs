//! Artifact sets: what an attempt wrote is read by its manifest's digest, and every damage is named by path.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use rch_bundle::artifacts::{self, Mismatch};
use rch_bundle::unpack::{Expected, Unpack};
use rch_schemas::document::{Recipe, SchemaId, SchemaVersion};
use rch_schemas::seal::{Attestation, Manifest, Signer, SignerRole, SigningKey};
use rch_schemas::{Attempt, Sha256, Timestamp};
use rch_store::layout::{self, Key, SetBase};
use rch_store::set::{OpenSetError, PutSetError, ReadSetError, Set};
use tempfile::TempDir;

use crate::backend::Backend;
use crate::on_every_backend;

on_every_backend![
    a_set_is_read_as_it_was_written,
    a_stored_directory_unpacks_to_what_the_manifest_says,
    a_set_that_was_cut_short_cannot_be_opened,
    only_the_manifest_that_counts_is_opened,
    a_file_that_changed_after_it_was_listed_stops_the_set_before_its_manifest,
    every_missing_part_is_named_without_reading_content,
    every_damaged_part_is_named,
    a_large_file_whose_recipe_lies_ends_with_an_error,
    what_is_in_a_directory_is_referred_to_the_directory,
];

const LARGE: usize = 3_000_000;

/// A set in a directory: a small file, a large one, a directory.
struct Sample {
    directory: TempDir,
    manifest_sha256: Sha256,
}

fn sample() -> Sample {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    fs::create_dir_all(root.join("result.xcresult/Data")).unwrap();
    fs::write(root.join("summary.json"), "{}").unwrap();
    fs::write(root.join("build.log"), noise(LARGE)).unwrap();
    fs::write(root.join("result.xcresult/Info.plist"), "<plist/>").unwrap();
    fs::write(root.join("result.xcresult/Data/0~x"), noise(500_000)).unwrap();
    let manifest_sha256 = seal(root);
    Sample { directory, manifest_sha256 }
}

/// Bytes that do not compress, the same each time.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// Writes manifest and attestation as an agent does; the manifest's digest.
fn seal(root: &Path) -> Sha256 {
    let entries = artifacts::list(root).unwrap();
    let manifest = Manifest {
        schema_version: SchemaVersion::default(),
        schema_id: SchemaId::default(),
        created_at: Timestamp::from_unix_ms(0),
        run_id: "run-000001".parse().unwrap(),
        job_id: "job-000001".parse().unwrap(),
        job_key: None,
        attempt: Attempt(1),
        artifact_root_sha256: Manifest::root_of(&entries),
        entries,
    };
    let manifest = serde_json::to_vec(&manifest).unwrap();
    let manifest_sha256 = Sha256::of(&manifest);
    fs::write(root.join("manifest.json"), manifest).unwrap();
    fs::write(root.join("attestation.json"), serde_json::to_vec(&attestation(manifest_sha256)).unwrap()).unwrap();
    manifest_sha256
}

fn attestation(manifest_sha256: Sha256) -> Attestation {
    let key = SigningKey::from_seed([7; 32]);
    let unsigned = Attestation {
        schema_version: SchemaVersion::default(),
        schema_id: SchemaId::default(),
        created_at: Timestamp::from_unix_ms(0),
        run_id: "run-000001".parse().unwrap(),
        job_id: "job-000001".parse().unwrap(),
        job_key: None,
        attempt: Attempt(1),
        source_sha256: None,
        worker: None,
        capabilities_sha256: None,
        evidence_sha256: None,
        backend: None,
        manifest_sha256,
        protocol_version: 1,
        before: None,
        after: None,
        signer: Signer { role: SignerRole::Worker, name: "macmini-01".to_owned(), fingerprint: key.public_key().fingerprint() },
        public_key: key.public_key(),
        signature: None,
    };
    unsigned.signed(&key)
}

fn base() -> SetBase {
    SetBase::Attempt { job_id: "job-000001".parse().unwrap(), attempt: Attempt(1) }
}

async fn stored(backend: &Backend) -> (Sample, Set) {
    let sample = sample();
    backend.store.put_set(&base(), sample.directory.path(), Timestamp::from_unix_ms(0)).await.unwrap();
    let set = backend.store.open_set(&base(), sample.manifest_sha256).await.unwrap();
    (sample, set)
}

/// The place of `path` in the manifest.
fn index_of(set: &Set, path: &str) -> usize {
    set.manifest().entries.iter().position(|entry| entry.path == path).unwrap()
}

fn object_of(set: &Set, path: &str) -> Key {
    base().file(index_of(set, path))
}

fn recipe_of(set: &Set, path: &str) -> Key {
    base().recipe(index_of(set, path))
}

async fn content(set: &Set, path: &str) -> Result<Vec<u8>, ReadSetError> {
    let pieces: Vec<Bytes> = set.read(path).await?.try_collect().await?;
    Ok(pieces.concat())
}

fn mismatches(result: Result<(), ReadSetError>) -> Vec<Mismatch> {
    match result {
        Err(ReadSetError::Mismatches(mismatches)) => mismatches,
        other => panic!("expected mismatches, found {other:?}"),
    }
}

async fn a_set_is_read_as_it_was_written(backend: Backend) {
    let (sample, set) = stored(&backend).await;
    let disk = |path: &str| fs::read(sample.directory.path().join(path)).unwrap();
    for path in ["summary.json", "build.log"] {
        assert_eq!(content(&set, path).await.unwrap(), disk(path), "{path}");
    }
    assert_eq!(set.manifest_bytes(), &disk("manifest.json"));
    assert_eq!(set.attestation_bytes(), &disk("attestation.json"));
    assert_eq!(set.attestation().manifest_sha256, sample.manifest_sha256);
    set.check_presence().await.unwrap();
    set.verify().await.unwrap();
    // An agent that does not know whether it had finished writes it all again.
    backend.store.put_set(&base(), sample.directory.path(), Timestamp::from_unix_ms(9)).await.unwrap();
    set.verify().await.unwrap();
}

async fn a_stored_directory_unpacks_to_what_the_manifest_says(backend: Backend) {
    let (sample, set) = stored(&backend).await;
    let copy = tempfile::tempdir().unwrap();
    let inner = copy.path().join("result.xcresult");
    fs::create_dir(&inner).unwrap();
    let recipe = set.recipe("result.xcresult").await.unwrap();
    let mut unpack = Unpack::new(&inner, Expected { sha256: recipe.sha256, size: recipe.size }).unwrap();
    let chunks: Vec<Vec<u8>> = backend.store.get_chunks(recipe.chunks).try_collect().await.unwrap();
    for chunk in chunks {
        unpack.feed(&chunk).unwrap();
    }
    unpack.finish().unwrap();
    for path in ["summary.json", "build.log"] {
        fs::write(copy.path().join(path), content(&set, path).await.unwrap()).unwrap();
    }
    let verified = artifacts::verify(copy.path(), set.manifest()).unwrap();
    assert_eq!((verified.files, verified.not_fetched), (4, Vec::new()));
    drop(sample);
}

async fn a_set_that_was_cut_short_cannot_be_opened(backend: Backend) {
    let sample = sample();
    let base = &self::base();
    let open = || backend.store.open_set(base, sample.manifest_sha256);
    assert!(matches!(open().await, Err(OpenSetError::Missing(key)) if key == base.manifest()));
    backend.store.put_set(base, sample.directory.path(), Timestamp::from_unix_ms(0)).await.unwrap();
    backend.remove(&base.attestation()).await;
    assert!(matches!(open().await, Err(OpenSetError::Missing(key)) if key == base.attestation()));
}

async fn only_the_manifest_that_counts_is_opened(backend: Backend) {
    let (sample, _) = stored(&backend).await;
    let other = backend.store.open_set(&base(), Sha256::of("another")).await;
    assert!(matches!(other, Err(OpenSetError::Manifest { found, .. }) if found == sample.manifest_sha256));

    let foreign = serde_json::to_vec(&attestation(Sha256::of("another"))).unwrap();
    backend.overwrite(&base().attestation(), foreign).await;
    let opened = backend.store.open_set(&base(), sample.manifest_sha256).await;
    assert!(matches!(opened, Err(OpenSetError::Attestation { found, .. }) if found == Sha256::of("another")));

    let text = String::from_utf8(backend.bytes(&base().manifest()).await.to_vec()).unwrap();
    let disordered = text.replace("build.log", "zuild.log");
    backend.overwrite(&base().manifest(), disordered.clone()).await;
    let opened = backend.store.open_set(&base(), Sha256::of(&disordered)).await;
    assert!(matches!(opened, Err(OpenSetError::Malformed { source: None, .. })));
}

async fn a_file_that_changed_after_it_was_listed_stops_the_set_before_its_manifest(backend: Backend) {
    for (path, changed) in
        [("summary.json", "[]"), ("build.log", "x"), ("result.xcresult/Info.plist", "<plist>"), ("result.xcresult/new", "")]
    {
        let sample = sample();
        fs::write(sample.directory.path().join(path), changed).unwrap();
        let result = backend.store.put_set(&base(), sample.directory.path(), Timestamp::from_unix_ms(0)).await;
        assert!(matches!(&result, Err(PutSetError::Changed { path: named }) if named == path), "{path}: {result:?}");
        assert_eq!(backend.store.size(&base().manifest()).await.unwrap(), None);
    }
}

async fn every_missing_part_is_named_without_reading_content(backend: Backend) {
    let (_sample, set) = stored(&backend).await;
    let log = set.recipe("build.log").await.unwrap();
    backend.remove(&layout::chunk(&log.chunks[1].sha256)).await;
    backend.remove(&object_of(&set, "summary.json")).await;
    backend.remove(&recipe_of(&set, "result.xcresult")).await;
    let missing = ["build.log", "result.xcresult", "summary.json"].map(|path| Mismatch::Missing(path.to_owned()));
    assert_eq!(mismatches(set.check_presence().await), missing);
    assert_eq!(mismatches(set.verify().await), missing);
}

async fn every_damaged_part_is_named(backend: Backend) {
    let (_sample, set) = stored(&backend).await;
    let log = set.recipe("build.log").await.unwrap();
    backend.overwrite(&layout::chunk(&log.chunks[1].sha256), "damaged").await;
    backend.overwrite(&object_of(&set, "summary.json"), "[]").await;
    // Another directory of the right form, in the place of this one.
    let other = tempfile::tempdir().unwrap();
    fs::create_dir_all(other.path().join("result.xcresult/Data")).unwrap();
    fs::write(other.path().join("result.xcresult/Info.plist"), "<other/>").unwrap();
    fs::write(other.path().join("result.xcresult/extra"), "").unwrap();
    seal(other.path());
    let elsewhere = SetBase::Attempt { job_id: "job-000002".parse().unwrap(), attempt: Attempt(1) };
    backend.store.put_set(&elsewhere, other.path(), Timestamp::from_unix_ms(0)).await.unwrap();
    let foreign = backend.bytes(&elsewhere.recipe(0)).await;
    backend.overwrite(&recipe_of(&set, "result.xcresult"), foreign).await;

    let named = |path: &str| path.to_owned();
    let expected = [
        Mismatch::Differs(named("build.log")),
        Mismatch::Missing(named("result.xcresult/Data/0~x")),
        Mismatch::Differs(named("result.xcresult/Info.plist")),
        Mismatch::Extra(named("result.xcresult/extra")),
        Mismatch::Differs(named("summary.json")),
    ];
    assert_eq!(mismatches(set.verify().await), expected);
    assert!(matches!(content(&set, "summary.json").await, Err(ReadSetError::Mismatch(Mismatch::Differs(_)))));
    assert!(matches!(content(&set, "build.log").await, Err(ReadSetError::Chunk { path, .. }) if path == "build.log"));
}

async fn a_large_file_whose_recipe_lies_ends_with_an_error(backend: Backend) {
    let (_sample, set) = stored(&backend).await;
    let key = recipe_of(&set, "build.log");
    let mut recipe: Recipe = serde_json::from_slice(&backend.bytes(&key).await).unwrap();
    recipe.chunks.swap(0, 1);
    backend.overwrite(&key, serde_json::to_vec(&recipe).unwrap()).await;
    assert!(matches!(content(&set, "build.log").await, Err(ReadSetError::Mismatch(Mismatch::Differs(path))) if path == "build.log"));
    recipe.size -= 1;
    backend.overwrite(&key, serde_json::to_vec(&recipe).unwrap()).await;
    assert!(matches!(content(&set, "build.log").await, Err(ReadSetError::Recipe { .. })));
}

async fn what_is_in_a_directory_is_referred_to_the_directory(backend: Backend) {
    let (_sample, set) = stored(&backend).await;
    let refer = |result: Result<Vec<u8>, ReadSetError>| match result {
        Err(ReadSetError::InDirectory { directory, .. }) => directory,
        other => panic!("expected a reference, found {other:?}"),
    };
    assert_eq!(refer(content(&set, "result.xcresult").await), "result.xcresult");
    assert_eq!(refer(content(&set, "result.xcresult/Data/0~x").await), "result.xcresult");
    assert!(matches!(content(&set, "result.xcresult/none").await, Err(ReadSetError::NoSuchPath(_))));
    assert!(matches!(content(&set, "manifest.json").await, Err(ReadSetError::NoSuchPath(_))));
    assert!(matches!(set.recipe("summary.json").await, Err(ReadSetError::NotChunked(_))));
    let log = set.recipe("build.log").await.unwrap();
    assert_eq!(Some(log.sha256), set.manifest().entries[0].sha256);
}
