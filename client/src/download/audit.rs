//! What a directory proves by itself: a set looked over again, long after it was fetched, by someone who believes nobody.

use std::fs;
use std::path::{Path, PathBuf};

use rch_bundle::artifacts::{self, Verified};
use rch_schemas::document::{Farm, WorkerSelection};
use rch_schemas::seal::{ATTESTATION_PATH, Attestation, MANIFEST_PATH, Manifest, SignerRole};
use rch_schemas::{Reason, Sha256};
use serde::Serialize;
use serde_json::Value;

use super::audit_run::is_run;
use super::seal::{check_entries, pinned};
use crate::output::{count, grouped};

/// The exact bytes that were hashed into the job key.
const KEY_INPUTS: &str = "job_key_inputs.jcs";
/// Why this worker was chosen.
const EVIDENCE: &str = "worker_selection.json";
/// Levels below a directory where sets lie: `<run>/<action>/<job>`.
const LEVELS: usize = 3;

/// How a claim stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Standing {
    /// What is here proves it.
    Proven,
    /// Nothing here speaks against it, and nothing proves it.
    NotProven,
    /// What is here proves the contrary.
    Refuted,
}

/// One claim about a set or a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Claim {
    /// How it stands.
    pub(crate) standing: Standing,
    /// Why it is refuted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Reason>,
    /// What it says, and by whom.
    pub(crate) text: String,
}

impl Claim {
    fn proven(text: impl Into<String>) -> Self {
        Self { standing: Standing::Proven, reason: None, text: text.into() }
    }

    pub(super) fn open(text: impl Into<String>) -> Self {
        Self { standing: Standing::NotProven, reason: None, text: text.into() }
    }

    pub(super) fn refuted(reason: Reason, text: impl Into<String>) -> Self {
        Self { standing: Standing::Refuted, reason: Some(reason), text: text.into() }
    }
}

/// Whose keys are believed: the farm's own word, or why it could not be had.
pub(crate) type Pins = Result<Farm, String>;

/// A set that was looked over.
#[derive(Debug)]
pub(crate) struct Audited {
    /// Where it is.
    pub(crate) directory: PathBuf,
    /// What can be said of it.
    pub(crate) claims: Vec<Claim>,
    /// Its attestation, unless nothing of it is to be believed.
    pub(super) signed: Option<Attestation>,
}

/// The sets and the runs below `directory`, itself included, in order. Half a seal makes a set: who takes the other half hides nothing.
pub(crate) fn found(directory: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let (mut sets, mut runs, mut level) = (Vec::new(), Vec::new(), vec![directory.to_owned()]);
    for _ in 0..=LEVELS {
        runs.extend(level.iter().filter(|path| is_run(path)).cloned());
        let is_set = |path: &PathBuf| [ATTESTATION_PATH, MANIFEST_PATH].iter().any(|name| fs::symlink_metadata(path.join(name)).is_ok());
        let (found, others): (Vec<PathBuf>, Vec<PathBuf>) = level.into_iter().partition(is_set);
        sets.extend(found);
        let entries = others.iter().filter_map(|path| fs::read_dir(path).ok()).flatten().filter_map(Result::ok);
        level = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect();
    }
    // A run without its documents still has the name of its directory.
    let unnamed = sets.iter().filter_map(|set| set.parent()?.parent()).filter(|run| run.starts_with(directory));
    runs.extend(unnamed.map(Path::to_owned).collect::<Vec<_>>());
    sets.sort();
    runs.sort();
    runs.dedup();
    (sets, runs)
}

/// Everything that can be said of the set in `directory`, from its seal inward. What rests on a refuted claim is not said.
pub(crate) fn audit(directory: &Path, pins: &Pins) -> Audited {
    let mut claims = Vec::new();
    let signed = signature(directory, pins, &mut claims);
    if let Some(signed) = &signed
        && let Some(manifest) = manifest(directory, signed, &mut claims)
    {
        claims.push(files(directory, &manifest));
        claims.extend(job_key(directory, signed));
        claims.extend(evidence(directory, signed));
        claims.extend(readings(signed));
    }
    Audited { directory: directory.to_owned(), claims, signed }
}

fn signature(directory: &Path, pins: &Pins, claims: &mut Vec<Claim>) -> Option<Attestation> {
    if fs::symlink_metadata(directory.join(ATTESTATION_PATH)).is_err() {
        claims.push(Claim::refuted(Reason::SignatureInvalid, format!("{ATTESTATION_PATH} is not here: nobody vouches for this set")));
        return None;
    }
    let (bytes, signed): (Vec<u8>, Attestation) = match read(directory, ATTESTATION_PATH) {
        Ok(read) => read,
        Err(claim) => {
            claims.push(claim);
            return None;
        }
    };
    let (name, key) = (signer(&signed), signed.public_key.fingerprint().short());
    if let Err(error) = signed.verify_received(&whole(&bytes), &signed.public_key) {
        claims.push(Claim::refuted(Reason::SignatureInvalid, format!("{ATTESTATION_PATH} is not signed as it says: {error}")));
        return None;
    }
    claims.push(Claim::proven(format!("{ATTESTATION_PATH} is signed with the key {key}, in the name of {name}")));
    let whose = match pins {
        Err(why) => Claim::open(format!("that the key {key} is {name}'s: {why}")),
        Ok(farm) => match pinned(&signed, farm) {
            Ok(pin) if *pin == signed.public_key => Claim::proven(format!("the farm {} pins the key {key} for {name}", farm.name)),
            Ok(pin) => {
                let expected = pin.fingerprint().short();
                Claim::refuted(Reason::KeyNotPinned, format!("the farm {} pins the key {expected} for {name}, not {key}", farm.name))
            }
            Err(error) => Claim::refuted(error.reason(), error.to_string()),
        },
    };
    let is_refuted = whose.standing == Standing::Refuted;
    claims.push(whose);
    (!is_refuted).then_some(signed)
}

/// A document with the members that nobody here knows: signatures and digests are over them, too.
fn whole(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("what was read as a document is JSON")
}

fn signer(signed: &Attestation) -> String {
    match signed.signer.role {
        SignerRole::Worker => format!("the worker {}", signed.signer.name),
        SignerRole::Farm => format!("the farm {}", signed.signer.name),
    }
}

fn manifest(directory: &Path, signed: &Attestation, claims: &mut Vec<Claim>) -> Option<Manifest> {
    let (bytes, manifest): (Vec<u8>, Manifest) = match read(directory, MANIFEST_PATH) {
        Ok(read) => read,
        Err(claim) => {
            claims.push(claim);
            return None;
        }
    };
    let found = Sha256::of(&bytes);
    if found != signed.manifest_sha256 {
        let (found, expected) = (found.short(), signed.manifest_sha256.short());
        let text = format!("{MANIFEST_PATH} has the digest {found}, the signature is about {expected}");
        claims.push(Claim::refuted(Reason::IntegrityMismatch, text));
        return None;
    }
    if let Err(error) = check_entries(&manifest, &whole(&bytes)) {
        claims.push(Claim::refuted(error.reason(), error.to_string()));
        return None;
    }
    if (&manifest.job_id, &manifest.run_id) != (&signed.job_id, &signed.run_id) {
        let text = format!("{MANIFEST_PATH} is of job {} of the run {}, the signature is not", manifest.job_id, manifest.run_id);
        claims.push(Claim::refuted(Reason::IntegrityMismatch, text));
        return None;
    }
    let text = format!("{MANIFEST_PATH} is the one that was signed, of job {}, attempt {}", signed.job_id, signed.attempt);
    claims.push(Claim::proven(text));
    Some(manifest)
}

fn files(directory: &Path, manifest: &Manifest) -> Claim {
    match artifacts::verify(directory, manifest) {
        Ok(Verified { files, not_fetched }) => {
            let left = if not_fetched.is_empty() { String::new() } else { format!("; not fetched: {}", not_fetched.join(", ")) };
            Claim::proven(format!("{} in the manifest, byte for byte, and no other file is here{left}", count(files as u64, "file")))
        }
        Err(error) => Claim::refuted(Reason::IntegrityMismatch, error.to_string()),
    }
}

/// The inputs of the key, when the set has them: that of a job that never got a toolchain has none.
fn job_key(directory: &Path, signed: &Attestation) -> Option<Claim> {
    let key = signed.job_key.as_ref()?;
    let bytes = fs::read(directory.join(KEY_INPUTS)).ok()?;
    let (found, expected) = (Sha256::of(bytes), key.0);
    Some(if found == expected {
        Claim::proven(format!("the job key {} is the digest of {KEY_INPUTS}: source, arguments, toolchain, destination", expected.short()))
    } else {
        let text = format!("{KEY_INPUTS} has the digest {}, the signed job key is {}", found.short(), expected.short());
        Claim::refuted(Reason::IntegrityMismatch, text)
    })
}

/// Why this worker was chosen, when the set has it: the digest is over the choice, and over the judgement of the fleet by its own.
fn evidence(directory: &Path, signed: &Attestation) -> Option<Claim> {
    let expected = signed.evidence_sha256?;
    let bytes = fs::read(directory.join(EVIDENCE)).ok()?;
    let found = serde_json::from_slice(&bytes).ok().and_then(|received| WorkerSelection::received_sha256(&received));
    Some(match found {
        Some(found) if found == expected => {
            Claim::proven(format!("{EVIDENCE} is the choice {} that was signed, and its judgement the one it names", expected.short()))
        }
        Some(found) => {
            let text = format!("{EVIDENCE} has the digest {}, the signature is about {}", found.short(), expected.short());
            Claim::refuted(Reason::IntegrityMismatch, text)
        }
        None => {
            let text = format!("{EVIDENCE} holds another judgement of the fleet than the one that it names");
            Claim::refuted(Reason::IntegrityMismatch, text)
        }
    })
}

/// The tools before and after, as the worker read them: its word, no more.
fn readings(signed: &Attestation) -> Option<Claim> {
    let (before, after) = (signed.before.as_ref()?, signed.after.as_ref()?);
    let tools = &after.toolchain;
    let on = format!("Xcode {} on macOS {} ({})", tools.xcode_build, tools.macos_version, tools.macos_build);
    Some(if before == after {
        Claim::open(format!("that it ran with {on}, before and after: {} says so", signer(signed)))
    } else {
        Claim::refuted(Reason::ToolchainChanged, format!("the tools changed while it ran; at the end they were {on}"))
    })
}

pub(super) fn read<T: serde::de::DeserializeOwned>(directory: &Path, name: &str) -> Result<(Vec<u8>, T), Claim> {
    let unreadable = |why: String| Claim::refuted(Reason::IntegrityMismatch, format!("{name} cannot be read: {why}"));
    let bytes = fs::read(directory.join(name)).map_err(|error| unreadable(error.to_string()))?;
    let document = serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
    Ok((bytes, document))
}

/// `2 sets: 10 claims proven, 1 open, none refuted`.
pub(crate) fn tally(sets: usize, claims: &[&Claim]) -> String {
    let number = |standing| claims.iter().filter(|claim| claim.standing == standing).count() as u64;
    let refuted = number(Standing::Refuted);
    let refuted = if refuted == 0 { "none".to_owned() } else { grouped(refuted) };
    let (proven, open) = (number(Standing::Proven), number(Standing::NotProven));
    format!("{}: {} proven, {} not proven, {refuted} refuted", count(sets as u64, "set"), grouped(proven), grouped(open))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use serde_json::json;

    use super::*;

    #[test]
    fn evidence_is_proven_with_its_judgement_and_refuted_with_another() {
        let directory = tempfile::tempdir().unwrap();
        let judgement = json!({"fleet_version": 4});
        let body = json!({"selected_worker": "mac-1", "judgement_sha256": Sha256::of_canonical(&judgement).unwrap()});
        let signed: Attestation = serde_json::from_value(json!({
            "schema_version": 1, "schema_id": "rch-xcode/attestation@1", "created_at": "2026-01-01T00:00:00Z", "run_id": "run-0000001",
            "job_id": "job-0000001", "job_key": null, "attempt": 1, "manifest_sha256": Sha256::of(""), "protocol_version": 1,
            "evidence_sha256": Sha256::of_canonical(&body).unwrap(),
            "signer": {"role": "worker", "name": "mac-1", "fingerprint": Sha256::of("")},
            "public_key": rch_schemas::seal::SigningKey::from_seed([7; 32]).public_key(),
        }))
        .unwrap();
        let standing = |name: &str, value: serde_json::Value| {
            let mut document = body.clone();
            document["judgement"] = judgement.clone();
            document[name] = value;
            fs::write(directory.path().join(EVIDENCE), document.to_string()).unwrap();
            evidence(directory.path(), &signed).unwrap().standing
        };
        assert_eq!(standing("signature", "00".into()), Standing::Proven);
        assert_eq!(standing("judgement", json!({"fleet_version": 5})), Standing::Refuted);
        assert_eq!(standing("selected_worker", "mac-2".into()), Standing::Refuted);
    }
}
