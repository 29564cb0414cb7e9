//! Sets that are what was signed, and all the ways in which they are not.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fs;

use rch_bundle::{compress, pack};
use rch_schemas::document::{Farm, Recipe, SchemaId, SchemaVersion};
use rch_schemas::seal::{Attestation, Manifest, ManifestEntry, ManifestEntryType, Signer, SignerRole, SigningKey};
use rch_schemas::wire::http::JobView;
use rch_schemas::{Attempt, JobKey, Sha256, Timestamp};
use serde_json::json;
use tempfile::TempDir;

use super::fetch::{DownloadError, Fetched, Wanted, fetch};
use crate::farm::FarmClient;
use crate::farm::fake::{Answer, Fake};

const INPUTS: &[u8] = b"{\"the\":\"inputs\"}";

/// A set as a coordinator would serve it.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    directories: Vec<String>,
    pub(crate) role: SignerRole,
    pub(crate) attempt: Attempt,
    pub(crate) job: &'static str,
}

impl Served {
    /// A worker's set with a log, the key's inputs and a result bundle.
    pub(crate) fn ordinary() -> Self {
        let file = |path: &str, bytes: &[u8]| (path.to_owned(), bytes.to_vec());
        let files = BTreeMap::from([
            file("build.log", b"** BUILD SUCCEEDED **\n"),
            file("job_key_inputs.jcs", INPUTS),
            file("result.xcresult/Data/0~a", &[7; 5_000]),
            file("result.xcresult/Info.plist", b"plist"),
        ]);
        let directories = vec!["result.xcresult".to_owned(), "result.xcresult/Data".to_owned()];
        Self { files, directories, role: SignerRole::Worker, attempt: Attempt(1), job: "job-0000001" }
    }

    /// The same without the result bundle, as a build leaves it.
    pub(crate) fn without_directories(mut self) -> Self {
        self.directories.clear();
        self.files.retain(|path, _| !path.contains('/'));
        self
    }

    pub(crate) fn key() -> SigningKey {
        SigningKey::from_seed([7; 32])
    }

    fn manifest(&self) -> Manifest {
        let files = self.files.iter().map(|(path, bytes)| ManifestEntry {
            path: path.clone(),
            entry_type: ManifestEntryType::File,
            size: bytes.len() as u64,
            sha256: Some(Sha256::of(bytes)),
        });
        let directories = self.directories.iter().map(|path| ManifestEntry {
            path: path.clone(),
            entry_type: ManifestEntryType::Directory,
            size: 0,
            sha256: None,
        });
        let mut entries: Vec<ManifestEntry> = files.chain(directories).collect();
        entries.sort_by(|one, other| one.path.as_bytes().cmp(other.path.as_bytes()));
        Manifest {
            schema_version: SchemaVersion::default(),
            schema_id: SchemaId::default(),
            created_at: Timestamp::from_unix_ms(0),
            run_id: "run-0000001".parse().unwrap(),
            job_id: self.job.parse().unwrap(),
            job_key: Some(JobKey(Sha256::of(INPUTS))),
            attempt: self.attempt,
            artifact_root_sha256: Manifest::root_of(&entries),
            entries,
        }
    }

    /// Every file of the set with manifest and attestation, by path, signed by `key`.
    pub(crate) fn sealed(&self, key: &SigningKey) -> BTreeMap<String, Vec<u8>> {
        let manifest = serde_json::to_vec(&self.manifest()).unwrap();
        let attestation: Attestation = serde_json::from_value(json!({
            "schema_version": 1, "schema_id": "rch-xcode/attestation@1", "created_at": "2026-01-01T00:00:00Z", "run_id": "run-0000001",
            "job_id": self.job, "job_key": Sha256::of(INPUTS), "attempt": self.attempt, "manifest_sha256": Sha256::of(&manifest),
            "protocol_version": 1, "public_key": key.public_key(),
            "signer": Signer { role: self.role, name: "macmini-02".to_owned(), fingerprint: key.public_key().fingerprint() },
        }))
        .unwrap();
        let mut sealed = self.files.clone();
        sealed.insert("manifest.json".to_owned(), manifest);
        sealed.insert("attestation.json".to_owned(), serde_json::to_vec(&attestation.signed(key)).unwrap());
        sealed
    }
}

/// A farm whose worker and own key these are.
pub(crate) fn farm(key: &SigningKey) -> Farm {
    serde_json::from_value(json!({
        "schema_version": 1, "schema_id": "rch-xcode/farm@1", "created_at": "2026-01-01T00:00:00Z", "name": "home", "version": "0.1.0",
        "protocol": {"min": 1, "max": 1}, "features": [], "selection": "deterministic", "durability": "synced",
        "public_key": key.public_key(), "worker_keys": [{"worker": "macmini-02", "public_key": key.public_key()}],
        "policy": rch_schemas::invocation::Policy::default(), "policy_sha256": rch_schemas::invocation::Policy::default().digest(),
    }))
    .unwrap()
}

fn job() -> JobView {
    serde_json::from_value(json!({
        "job_id": "job-0000001", "run_id": "run-0000001", "step": 0, "action": "test", "destination": 0, "state": "SUCCEEDED", "seq": 3,
        "job_key": Sha256::of(INPUTS), "attempt": 1, "worker": "macmini-02", "duration_ms": 100,
    }))
    .unwrap()
}

/// The result bundle of the ordinary set as it is stored: its recipe, and its chunks by what is asked for them.
fn stored() -> (Recipe, BTreeMap<String, Vec<u8>>) {
    let root = tempfile::tempdir().unwrap();
    for (path, bytes) in Served::ordinary().files {
        let Some(inner) = path.strip_prefix("result.xcresult/") else { continue };
        fs::create_dir_all(root.path().join(inner).parent().unwrap()).unwrap();
        fs::write(root.path().join(inner), bytes).unwrap();
    }
    let packed = pack::pack(&rch_bundle::directory::list(root.path()).unwrap()).unwrap();
    let frame = |index: usize| compress::compress(&packed.read_chunk(index).unwrap());
    let chunks = packed.chunks().iter().enumerate().map(|(index, chunk)| (format!("GET /chunks/{}", chunk.sha256), frame(index)));
    (packed.recipe(Timestamp::from_unix_ms(0)), chunks.collect())
}

async fn fetched(sealed: BTreeMap<String, Vec<u8>>, wanted: Wanted, directory: &TempDir) -> Result<Fetched, DownloadError> {
    let (recipe, chunks) = stored();
    fetched_with(sealed, (recipe, chunks), wanted, directory).await
}

async fn fetched_with(
    sealed: BTreeMap<String, Vec<u8>>,
    (recipe, chunks): (Recipe, BTreeMap<String, Vec<u8>>),
    wanted: Wanted,
    directory: &TempDir,
) -> Result<Fetched, DownloadError> {
    let fake = Fake::serve(move |asked| {
        let path = asked.what.strip_prefix("GET /jobs/job-0000001/artifacts/").unwrap_or_default();
        let file = sealed.get(path).filter(|_| !path.starts_with("result.xcresult/"));
        match asked.what.as_str() {
            "GET /jobs/job-0000001/recipe/result.xcresult" => Answer::json(&recipe),
            what => file.or_else(|| chunks.get(what)).map_or_else(Answer::not_found, |bytes| Answer::bytes(bytes.clone())),
        }
    })
    .await;
    let client = FarmClient::new(fake.url.clone()).unwrap();
    fetch(&client, &farm(&Served::key()), &job(), &directory.path().join("set"), &wanted).await
}

async fn refused(sealed: BTreeMap<String, Vec<u8>>) -> (u8, String) {
    let directory = tempfile::tempdir().unwrap();
    let error = fetched(sealed, Wanted::Small, &directory).await.expect_err("it was to be refused");
    (error.why().exit_code(), error.to_string())
}

#[tokio::test]
async fn a_signed_set_is_fetched_and_its_result_bundle_stays() {
    let directory = tempfile::tempdir().unwrap();
    let sealed = Served::ordinary().sealed(&Served::key());
    let set = fetched(sealed.clone(), Wanted::Small, &directory).await.unwrap();
    assert_eq!((set.files, set.stays.clone()), (2, vec![("result.xcresult".to_owned(), 5_005)]));
    assert_eq!(set.signed_by(), format!("macmini-02 ({})", Served::key().public_key().fingerprint().short()));
    assert_eq!(fs::read(directory.path().join("set/build.log")).unwrap(), b"** BUILD SUCCEEDED **\n");
    assert!(!directory.path().join("set/result.xcresult").exists());
    // A part of a stored directory brings the whole, which can be checked; after that it is here to stay.
    let part = Wanted::Directories(vec!["result.xcresult/Info.plist".to_owned()]);
    let set = fetched(sealed.clone(), part, &directory).await.unwrap();
    assert_eq!((set.files, set.stays.len()), (4, 0));
    assert_eq!(fetched(sealed, Wanted::Small, &directory).await.unwrap().files, 4);
}

#[tokio::test]
async fn a_flipped_byte_anywhere_is_found_and_named() {
    for path in ["build.log", "job_key_inputs.jcs"] {
        let mut sealed = Served::ordinary().sealed(&Served::key());
        sealed.get_mut(path).unwrap()[3] ^= 1;
        let (exit_code, text) = refused(sealed).await;
        assert_eq!(exit_code, 70, "{path}");
        assert!(text.contains(&format!("{path} has other content")), "{text}");
    }
    let mut sealed = Served::ordinary().sealed(&Served::key());
    let manifest = sealed.get_mut("manifest.json").unwrap();
    *manifest = String::from_utf8(manifest.clone()).unwrap().replace("build.log", "build.lag").into_bytes();
    let (exit_code, text) = refused(sealed).await;
    assert_eq!(exit_code, 70);
    assert!(text.contains("manifest_sha256 of the attestation is"), "{text}");
}

#[tokio::test]
async fn a_file_that_is_not_in_the_set_or_missing_from_it_is_named() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir_all(directory.path().join("set")).unwrap();
    fs::write(directory.path().join("set/extra.txt"), "x").unwrap();
    let error = fetched(Served::ordinary().sealed(&Served::key()), Wanted::Small, &directory).await.unwrap_err();
    assert_eq!(error.why().exit_code(), 70);
    assert!(error.to_string().contains("extra.txt is not in the manifest"), "{error}");

    let mut sealed = Served::ordinary().sealed(&Served::key());
    sealed.remove("build.log");
    assert_eq!(refused(sealed).await.0, 3, "the farm says that it is not there");
}

#[tokio::test]
async fn a_file_of_another_length_is_given_up_at_the_length_that_was_signed() {
    for (change, said) in [(vec![b'x'; 10_000], "build.log has more, the manifest says 22 bytes"), (Vec::new(), "build.log has 0 bytes")] {
        let mut sealed = Served::ordinary().sealed(&Served::key());
        sealed.insert("build.log".to_owned(), change);
        let (exit_code, text) = refused(sealed).await;
        assert_eq!(exit_code, 70);
        assert!(text.contains(said), "{text}");
    }
}

#[tokio::test]
async fn a_set_signed_by_another_key_is_not_even_fetched() {
    let directory = tempfile::tempdir().unwrap();
    let sealed = Served::ordinary().sealed(&SigningKey::from_seed([8; 32]));
    let error = fetched(sealed, Wanted::Small, &directory).await.unwrap_err();
    assert_eq!(error.why().exit_code(), 93);
    assert!(error.to_string().contains("is signed by key"), "{error}");
    assert!(!directory.path().join("set").exists());
}

#[tokio::test]
async fn a_changed_statement_breaks_its_signature() {
    let mut sealed = Served::ordinary().sealed(&Served::key());
    let attestation = sealed.get_mut("attestation.json").unwrap();
    *attestation = String::from_utf8(attestation.clone()).unwrap().replace("\"attempt\":1", "\"attempt\":2").into_bytes();
    let (exit_code, text) = refused(sealed).await;
    assert_eq!(exit_code, 93);
    assert!(text.contains("does not verify"), "{text}");
}

#[tokio::test]
async fn a_statement_about_another_attempt_is_not_about_this_job() {
    let (exit_code, text) = refused(Served { attempt: Attempt(2), ..Served::ordinary() }.sealed(&Served::key())).await;
    assert_eq!(exit_code, 70);
    assert!(text.contains("attempt of the attestation is 2, expected 1"), "{text}");
    let directory = tempfile::tempdir().unwrap();
    let own = Served { attempt: Attempt::NONE, role: SignerRole::Farm, ..Served::ordinary() };
    let set = fetched(own.sealed(&Served::key()), Wanted::Small, &directory).await.unwrap();
    assert!(set.signed_by().starts_with("the farm ("));
}

#[tokio::test]
async fn a_path_that_leads_out_of_the_set_is_refused_before_anything_is_written() {
    for path in ["../outside.txt", "/etc/outside.txt", "a/../../outside.txt", ".git/hooks/x", "attestation.json"] {
        let directory = tempfile::tempdir().unwrap();
        let mut set = Served::ordinary();
        set.files.insert(path.to_owned(), b"x".to_vec());
        let mut sealed = set.sealed(&Served::key());
        // The attestation itself must stay readable.
        sealed.insert("attestation.json".to_owned(), set.sealed(&Served::key())["attestation.json"].clone());
        let error = fetched(sealed, Wanted::Small, &directory).await.unwrap_err();
        assert_eq!(error.why().exit_code(), 70, "{path}");
        assert!(error.to_string().contains(path), "{error}");
        assert!(!directory.path().join("set").exists() && !directory.path().join("outside.txt").exists(), "{path}");
    }
}

#[tokio::test]
async fn a_link_in_the_place_of_a_directory_is_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::create_dir_all(directory.path().join("set")).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), directory.path().join("set/result.xcresult")).unwrap();
    let error = fetched(Served::ordinary().sealed(&Served::key()), Wanted::All, &directory).await.unwrap_err();
    assert_eq!(error.why().exit_code(), 70, "{error}");
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_stored_directory_that_is_not_the_signed_one_is_refused() {
    let sealed = || Served::ordinary().sealed(&Served::key());
    let (recipe, chunks) = stored();
    let other: BTreeMap<_, _> = chunks.keys().map(|what| (what.clone(), compress::compress(b"something else"))).collect();
    let larger = Recipe { size: recipe.size + 512, ..recipe.clone() };
    for (case, stored, said) in [
        ("a chunk", (recipe.clone(), other), "a chunk has the digest"),
        ("no frame", (recipe.clone(), chunks.keys().map(|what| (what.clone(), b"junk".to_vec())).collect()), "not a whole zstd frame"),
        ("a recipe", (larger, chunks.clone()), "the chunks of the recipe have"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let error = fetched_with(sealed(), stored, Wanted::All, &directory).await.expect_err(case);
        assert_eq!(error.why().exit_code(), 70, "{case}");
        assert!(error.to_string().contains(said), "{error}");
        assert!(!directory.path().join("set/result.xcresult").exists(), "{case}");
    }
    let mut set = Served::ordinary();
    set.files.insert("result.xcresult/Info.plist".to_owned(), b"tsilp".to_vec());
    let directory = tempfile::tempdir().unwrap();
    let error = fetched_with(set.sealed(&Served::key()), (recipe, chunks), Wanted::All, &directory).await.unwrap_err();
    assert!(error.to_string().contains("result.xcresult/Info.plist has other content"), "{error}");
}

#[tokio::test]
async fn inputs_that_do_not_hash_to_the_job_key_are_refused_although_they_are_signed() {
    let mut set = Served::ordinary();
    set.files.insert("job_key_inputs.jcs".to_owned(), b"{\"other\":1}".to_vec());
    let (exit_code, text) = refused(set.sealed(&Served::key())).await;
    assert_eq!(exit_code, 70);
    assert!(text.contains("job_key_inputs.jcs hashes to"), "{text}");
    let mut set = Served::ordinary();
    set.files.remove("job_key_inputs.jcs");
    assert!(refused(set.sealed(&Served::key())).await.1.contains("hashes to nothing"));
}
