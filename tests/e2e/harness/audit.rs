//! An artifact set is what its manifest says, and is signed by who may sign: checked from the contract's text (spec 1.8), with other code than the
//! project's for every step: `sha2` directly, a canonicalizer of our own, `ring` for the signature.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use rch_local::Farm;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::canonical::canonical;
use super::run::read_json;

/// Files of a set that the manifest cannot list.
const SEALS: [&str; 2] = ["manifest.json", "attestation.json"];

/// The public key of the farm, by its key file: a farm that is down cannot be asked.
pub(crate) fn farm_key(farm: &Farm) -> String {
    let seed = fs::read_to_string(farm.directory().join("farm.key")).unwrap();
    let seed = HEXLOWER.decode(seed.trim().as_bytes()).unwrap();
    HEXLOWER.encode(Ed25519KeyPair::from_seed_unchecked(&seed).unwrap().public_key().as_ref())
}

/// Checks the set in `folder`. A stored directory that was not fetched may be missing, whole.
pub(crate) fn check(folder: &Path, farm_key: &str, inventory: &Path) {
    let manifest = fs::read(folder.join("manifest.json")).unwrap();
    check_files(folder, &serde_json::from_slice(&manifest).unwrap());
    let attestation = read_json(&folder.join("attestation.json"));
    check_signature(&attestation, farm_key, inventory);
    assert_eq!(attestation["manifest_sha256"], sha256(&manifest), "{}", folder.display());
    check_key(folder, &attestation);
}

/// The files on disk are the files of the manifest, byte for byte.
fn check_files(folder: &Path, manifest: &Value) {
    let entries = manifest["entries"].as_array().unwrap();
    assert_eq!(manifest["artifact_root_sha256"], sha256(&canonical(&manifest["entries"])), "{}", folder.display());
    let paths: Vec<&str> = entries.iter().map(|entry| entry["path"].as_str().unwrap()).collect();
    assert!(paths.is_sorted_by(|left, right| left.as_bytes() < right.as_bytes()), "{paths:?}");

    let mut found = files(folder);
    found.retain(|path, _| !SEALS.contains(&path.as_str()));
    let missing: Vec<&str> =
        entries.iter().filter(|entry| entry["type"] == "directory").map(|entry| entry["path"].as_str().unwrap()).collect();
    let missing: Vec<&str> = missing.into_iter().filter(|path| !folder.join(path).exists()).collect();
    for entry in entries.iter().filter(|entry| entry["type"] == "file") {
        let path = entry["path"].as_str().unwrap();
        if missing.iter().any(|directory| path.starts_with(&format!("{directory}/"))) {
            continue;
        }
        let bytes = found.remove(path).unwrap_or_else(|| panic!("{path} is in the manifest and not in {}", folder.display()));
        assert_eq!((entry["size"].as_u64(), &entry["sha256"]), (Some(bytes.len() as u64), &sha256(&bytes).into()), "{path}");
    }
    assert!(found.is_empty(), "{:?} are in {} and not in the manifest", found.keys(), folder.display());
}

/// The attestation is signed over its canonical form by the key that the inventory pins, or by the farm's.
fn check_signature(attestation: &Value, farm_key: &str, inventory: &Path) {
    let signer = &attestation["signer"];
    let pinned = match signer["role"].as_str() {
        Some("farm") => farm_key.to_owned(),
        Some("worker") => worker_key(inventory, signer["name"].as_str().unwrap()),
        other => panic!("{other:?} may not sign"),
    };
    assert_eq!(attestation["public_key"], pinned, "the key of {signer}");
    let key = HEXLOWER.decode(pinned.as_bytes()).unwrap();
    assert_eq!(signer["fingerprint"], sha256(&key));

    let mut body = attestation.clone();
    let signature = body.as_object_mut().unwrap().remove("signature").unwrap();
    let signature = HEXLOWER_PERMISSIVE.decode(signature.as_str().unwrap().as_bytes()).unwrap();
    let message = [b"rch-xcode/attestation@1\n".as_slice(), &canonical(&body)].concat();
    UnparsedPublicKey::new(&ED25519, key).verify(&message, &signature).unwrap_or_else(|_| panic!("{signer} did not sign {body}"));
}

/// `sha256sum job_key_inputs.jcs` is the job key, everywhere it is named, and the inputs are those of `job.json`.
fn check_key(folder: &Path, attestation: &Value) {
    let Ok(inputs) = fs::read(folder.join("job_key_inputs.jcs")) else {
        assert_eq!(attestation["signer"]["role"], "farm", "{}: only a set that no agent finished may lack its inputs", folder.display());
        return;
    };
    let job = read_json(&folder.join("job.json"));
    assert_eq!(inputs, canonical(&job["job_key_inputs"]), "{}", folder.display());
    for named in [attestation, &job, &read_json(&folder.join("summary.json"))] {
        assert_eq!(named["job_key"], sha256(&inputs), "{}", folder.display());
    }
    if folder.join("source_manifest.json").exists() {
        let source = &read_json(&folder.join("source_manifest.json"))["source_sha256"];
        assert_eq!((source, source), (&job["job_key_inputs"]["source_sha256"], &attestation["source_sha256"]));
    }
}

/// The key that the inventory pins.
fn worker_key(inventory: &Path, worker: &str) -> String {
    let inventory: toml::Table = fs::read_to_string(inventory).unwrap().parse().unwrap();
    let workers = inventory["worker"].as_array().unwrap();
    let entry = workers.iter().find(|entry| entry["name"].as_str() == Some(worker)).unwrap();
    entry["public_key"].as_str().unwrap().to_owned()
}

fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

/// Every file beneath `folder`, by its relative path.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(inner).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else {
                let relative = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(relative, fs::read(&path).unwrap());
            }
        }
    }
    found
}
