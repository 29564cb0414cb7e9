//! The last look at an offer before it is claimed: pure, over what is known without asking anybody.

use std::collections::BTreeSet;

use rch_schemas::document::{ArtifactProfile, Backend};
use rch_schemas::environment;
use rch_schemas::invocation;
use rch_schemas::job_key::{Provisioning, ResolvedDestination};
use rch_schemas::protocol::{Dialect, Feature, ProtocolRange};
use rch_schemas::wire::agent::Offer;
use rch_schemas::{Reason, SessionId, WorkerName};

/// Below this nothing is started: a build that fills the disk fails in ways nobody understands.
const DISK_FLOOR_BYTES: u64 = 512 * 1024 * 1024;
/// Unpacked sources and build products are larger than the sources by at least this factor.
const DISK_FACTOR: u64 = 3;
/// When to ask a busy worker again.
const BUSY_RETRY_SECONDS: u32 = 5;
/// When to ask a worker with a full disk again.
const DISK_RETRY_SECONDS: u32 = 300;

/// What this agent can do, and has free, right now.
#[derive(Debug, Clone)]
pub(crate) struct Capacity {
    pub(crate) worker: WorkerName,
    pub(crate) session: SessionId,
    pub(crate) slots_free: u32,
    pub(crate) disk_free_bytes: u64,
    pub(crate) dialect: Dialect,
}

/// What becomes of an offer that is not claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// It is for another session or worker: left alone.
    NotOurs,
    /// It is refused.
    Refused(Refusal),
}

/// Why an offer is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: Reason,
    pub(crate) detail: String,
    pub(crate) retry_after_seconds: Option<u32>,
}

/// What this build speaks and can do beside the minimum.
pub(crate) fn dialect() -> Dialect {
    let own = [
        Feature::TAIL,
        Feature::ATTESTATION_SIGNING,
        Feature::EPHEMERAL_SIMULATORS,
        Feature::EVENTS,
        Feature::STEP_DIRECTORY,
        Feature::ALLOW_EMPTY,
    ];
    Dialect { protocol: ProtocolRange::OURS, features: own.into_iter().map(Feature::named).collect() }
}

/// The refusal of a run in a version that this agent does not speak.
pub(crate) fn drift(version: u32, ours: ProtocolRange) -> Refusal {
    refusal(Reason::ProtocolDrift, format!("the run speaks protocol {version}, this agent {ours}"))
}

/// Whether the offer may be claimed.
pub(crate) fn check(offer: &Offer, capacity: &Capacity) -> Result<(), NotTaken> {
    if offer.session != capacity.session || offer.worker != capacity.worker {
        return Err(NotTaken::NotOurs);
    }
    protocol(offer, capacity.dialect.protocol)
        .and_then(|()| key(offer))
        .and_then(|()| invocation(offer))
        .and_then(|()| needed_features(offer, &capacity.dialect.features))
        .and_then(|()| room(offer, capacity))
        .map_err(NotTaken::Refused)
}

fn refusal(code: Reason, detail: String) -> Refusal {
    Refusal { code, detail, retry_after_seconds: None }
}

fn protocol(offer: &Offer, ours: ProtocolRange) -> Result<(), Refusal> {
    let version = offer.job.protocol_version;
    if ours.contains(version) { Ok(()) } else { Err(drift(version, ours)) }
}

/// Both sides compute the key; what hangs together must also say the same in each of its places.
fn key(offer: &Offer) -> Result<(), Refusal> {
    let job = &offer.job;
    let (found, inputs) = (job.job_key, &job.job_key_inputs);
    let computed = inputs.key();
    let mismatch = if found != Some(computed) {
        let found = found.map_or("none".to_owned(), |key| key.to_string());
        Some(format!("job_key is {found}, its inputs give {computed}"))
    } else if job.argv != inputs.sanitized_argv {
        Some("argv differs from job_key_inputs.sanitized_argv".to_owned())
    } else if job.toolchain != inputs.toolchain {
        Some("toolchain differs from job_key_inputs.toolchain".to_owned())
    } else if job.destination.resolved != inputs.destination {
        Some("destination differs from job_key_inputs.destination".to_owned())
    } else if job.recipe.sha256 != inputs.source_sha256 {
        Some(format!("recipe.sha256 is {}, job_key_inputs.source_sha256 {}", job.recipe.sha256, inputs.source_sha256))
    } else {
        environment::check(&inputs.env).err().map(|error| error.to_string())
    };
    mismatch.map_or(Ok(()), |detail| Err(refusal(Reason::ProtocolError, detail)))
}

/// The last look: the same function as in client and coordinator, under the policy that the farm judged by. What the tables deny is denied
/// here too, whatever that policy says.
fn invocation(offer: &Offer) -> Result<(), Refusal> {
    let argv = &offer.job.argv;
    let classified = invocation::classify(argv, &offer.job.policy);
    if let Some(rejected) = classified.rejected.first() {
        return Err(refusal(Reason::ProtocolError, format!("the argument {:?} is not allowed: {}", rejected.argument, rejected.reason)));
    }
    if classified.sanitized_argv != *argv || classified.action != offer.job.action {
        return Err(refusal(Reason::ProtocolError, format!("argv is not canonical: expected {:?}", classified.sanitized_argv)));
    }
    if let (Some(directory), Some(_)) = (&offer.job.job_key_inputs.directory, classified.container) {
        return Err(refusal(Reason::ProtocolError, format!("the job runs in {directory}, and its argv names a container from the root")));
    }
    Ok(())
}

fn needed_features(offer: &Offer, features: &BTreeSet<Feature>) -> Result<(), Refusal> {
    let mut needed = Vec::new();
    if offer.job.backend == Backend::Mcp {
        needed.push(Feature::MCP_BACKEND);
    }
    if offer.job.artifact_profile == ArtifactProfile::Rich {
        needed.push(Feature::EVENTS);
    }
    if matches!(offer.job.destination.resolved, ResolvedDestination::Simulator { provisioning: Provisioning::Ephemeral, .. }) {
        needed.push(Feature::EPHEMERAL_SIMULATORS);
    }
    match needed.into_iter().find(|name| !features.contains(&Feature::named(name))) {
        Some(name) => Err(refusal(Reason::FeatureMissing, format!("the job needs the feature {name}, which this agent lacks"))),
        None => Ok(()),
    }
}

fn room(offer: &Offer, capacity: &Capacity) -> Result<(), Refusal> {
    if capacity.slots_free == 0 {
        let detail = "every slot is taken, or the agent is being drained".to_owned();
        return Err(Refusal { code: Reason::Busy, detail, retry_after_seconds: Some(BUSY_RETRY_SECONDS) });
    }
    let needed = offer.job.recipe.bytes.saturating_mul(DISK_FACTOR).saturating_add(DISK_FLOOR_BYTES);
    if capacity.disk_free_bytes < needed {
        let detail = format!("{} bytes are free, the job needs about {needed}", capacity.disk_free_bytes);
        return Err(Refusal { code: Reason::DiskFull, detail, retry_after_seconds: Some(DISK_RETRY_SECONDS) });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rch_schemas::invocation::Policy;

    use super::*;
    use crate::sample;

    fn capacity(offer: &Offer) -> Capacity {
        Capacity {
            worker: offer.worker.clone(),
            session: offer.session.clone(),
            slots_free: 1,
            disk_free_bytes: u64::MAX,
            dialect: dialect(),
        }
    }

    fn refused(change: impl FnOnce(&mut Offer)) -> Option<Reason> {
        let mut offer = sample::offer();
        let capacity = capacity(&offer);
        change(&mut offer);
        match check(&offer, &capacity) {
            Ok(()) => None,
            Err(NotTaken::NotOurs) => Some(Reason::Stale),
            Err(NotTaken::Refused(refusal)) => Some(refusal.code),
        }
    }

    #[test]
    fn a_sound_offer_may_be_claimed() {
        assert_eq!(refused(|_| {}), None);
    }

    #[test]
    fn a_job_in_a_directory_opens_the_package_there_and_no_container() {
        let in_kit = |words: &[&str]| {
            refused(|offer| {
                offer.job.argv = words.iter().map(|word| (*word).to_owned()).collect();
                offer.job.job_key_inputs.sanitized_argv.clone_from(&offer.job.argv);
                offer.job.job_key_inputs.directory = "Packages/Kit".parse().ok();
                offer.job.job_key = Some(offer.job.job_key_inputs.key());
            })
        };
        assert_eq!(in_kit(&["build", "-scheme", "Kit"]), None);
        assert_eq!(in_kit(&["build", "-project", "App.xcodeproj", "-scheme", "Kit"]), Some(Reason::ProtocolError));
    }

    #[test]
    fn an_offer_of_another_session_is_left_alone() {
        assert_eq!(refused(|offer| offer.session = crate::clock::session_id()), Some(Reason::Stale));
    }

    #[test]
    fn whatever_does_not_hang_together_is_a_protocol_error() {
        assert_eq!(refused(|offer| offer.job.job_key = None), Some(Reason::ProtocolError));
        assert_eq!(refused(|offer| offer.job.toolchain.xcode_build = "16D1".to_owned()), Some(Reason::ProtocolError));
        assert_eq!(refused(|offer| offer.job.argv.push("CC=/bin/sh".to_owned())), Some(Reason::ProtocolError));
        assert_eq!(
            refused(|offer| offer.job.job_key_inputs.env.insert("PATH".to_owned(), "/x".to_owned()).map_or((), drop)),
            Some(Reason::ProtocolError)
        );
    }

    #[test]
    fn what_the_tables_deny_is_refused_even_with_the_right_key() {
        let allowing = |policy: Policy, word: &str| {
            refused(|offer| {
                offer.job.policy = policy;
                offer.job.argv.push(word.to_owned());
                offer.job.job_key_inputs.sanitized_argv.clone_from(&offer.job.argv);
                offer.job.job_key = Some(offer.job.job_key_inputs.key());
            })
        };
        let generous = || Policy { settings: ["SYMROOT", "OTHER_SWIFT_FLAGS"].map(str::to_owned).into(), ..Policy::default() };
        assert_eq!(allowing(generous(), "SYMROOT=/tmp/x"), Some(Reason::ProtocolError));
        assert_eq!(allowing(generous(), "-toolchain"), Some(Reason::ProtocolError));
        assert_eq!(allowing(generous(), "-quiet"), Some(Reason::ProtocolError));
        assert_eq!(allowing(generous(), "OTHER_SWIFT_FLAGS=-DX"), None);
        assert_eq!(allowing(Policy::default(), "OTHER_SWIFT_FLAGS=-DX"), Some(Reason::ProtocolError));
    }

    #[test]
    fn a_backend_this_agent_lacks_is_named_and_both_profiles_are_taken() {
        assert_eq!(refused(|offer| offer.job.backend = rch_schemas::document::Backend::Mcp), Some(Reason::FeatureMissing));
        assert_eq!(refused(|offer| offer.job.artifact_profile = rch_schemas::document::ArtifactProfile::Rich), None);
        assert_eq!(refused(|offer| offer.job.protocol_version = 99), Some(Reason::ProtocolDrift));
    }

    #[test]
    fn no_slot_and_no_disk_say_when_to_ask_again() {
        let offer = sample::offer();
        for (slots_free, disk_free_bytes, code) in [(0, u64::MAX, Reason::Busy), (1, 1024, Reason::DiskFull)] {
            let capacity = Capacity { slots_free, disk_free_bytes, ..capacity(&offer) };
            let Err(NotTaken::Refused(refusal)) = check(&offer, &capacity) else { panic!("it was to be refused") };
            assert_eq!(refusal.code, code);
            assert!(refusal.retry_after_seconds.is_some());
        }
    }
}
