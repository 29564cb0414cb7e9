//! What is simulated: a number decides everything.

use rch_schemas::document::Priority;

use crate::plant::Plant;
use crate::trace::Detail;

/// Faults stop after this long at most: enough for every timeout of the farm to pass several times.
const FAULTS_MS: std::ops::Range<u64> = 8 * 60_000..22 * 60_000;

/// What is simulated.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Decides everything that is random.
    pub seed: u64,
    /// How many workers there are.
    pub workers: usize,
    /// How many coordinators there are.
    pub replicas: usize,
    /// How many runs are asked for.
    pub requests: usize,
    /// How long things go wrong, in milliseconds; 0 for a farm where nothing does.
    pub faults_ms: u64,
    /// Whether all runs are asked for at once.
    pub flood: bool,
    /// A bug to be found.
    pub plant: Option<Plant>,
    /// How much is told of what happens.
    pub detail: Detail,
}

impl Plan {
    /// The plan of a seed: from one Mac and a lonely coordinator to a small fleet.
    pub fn of(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed ^ 0x5EED);
        let flood = rng.u8(0..6) == 0;
        Self {
            seed,
            workers: rng.usize(1..7),
            replicas: [1, 2, 2, 2, 3][rng.usize(0..5)],
            requests: if flood { rng.usize(20..36) } else { rng.usize(6..24) },
            faults_ms: rng.u64(FAULTS_MS),
            flood,
            plant: None,
            detail: Detail::Nothing,
        }
    }

    /// The same without faults.
    #[must_use]
    pub fn calm(self) -> Self {
        Self { faults_ms: 0, ..self }
    }

    /// The same with a bug in it.
    #[must_use]
    pub fn planted(self, plant: Plant) -> Self {
        Self { plant: Some(plant), ..self }
    }

    /// The same with its story told.
    #[must_use]
    pub fn told(self, detail: Detail) -> Self {
        Self { detail, ..self }
    }
}

/// An action with the indices of its destinations; all of the run's when it names none.
pub(crate) type AskedStep = (&'static str, Option<&'static [u32]>);

/// What one client asks for.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) requester: &'static str,
    pub(crate) steps: &'static [AskedStep],
    pub(crate) destinations: &'static [&'static str],
    pub(crate) xcode: Option<&'static str>,
    pub(crate) worker: Option<usize>,
    pub(crate) priority: Priority,
    pub(crate) queue_seconds: u32,
    pub(crate) continue_on_failure: bool,
    /// Whether its workers are chosen when they have a slot.
    pub(crate) adaptive: bool,
    /// The label under which it takes the place of those before it.
    pub(crate) supersede: Option<&'static str>,
    /// When the client sends it first, in milliseconds.
    pub(crate) at_ms: u64,
    /// Whether the store lacks a chunk of it at first.
    pub(crate) must_upload: bool,
    /// When the client changes its mind, in milliseconds after it was told of its run.
    pub(crate) cancel_after_ms: Option<u64>,
}

/// Now and then one that the farm refuses.
const STEPS: [&[AskedStep]; 8] = [
    &[("build", None)],
    &[("test", None)],
    &[("test", None)],
    &[("build", None), ("test", None)],
    &[("build", None), ("test", None)],
    &[("build-for-testing", None), ("test-without-building", None)],
    &[("build", None), ("build-for-testing", None), ("test-without-building", None)],
    &[("build", None), ("analyze", None)],
];
/// For runs with two destinations, steps that name their own.
const STEPS_OF_TWO: [&[AskedStep]; 4] = [
    &[("build", None), ("test", None)],
    &[("build", Some(&[0])), ("test", Some(&[0, 1]))],
    &[("build", Some(&[1])), ("test", Some(&[0]))],
    &[("build-for-testing", Some(&[0, 1])), ("test-without-building", Some(&[1]))],
];
/// Now and then one that nobody has.
const XCODES: [Option<&str>; 12] =
    [None, None, None, None, None, None, Some("16.2"), Some("16.2"), Some("16.4"), Some(">=16,<17"), Some(">=16,<17"), Some("99")];
const PHONE: &str = "platform=iOS Simulator,name=iPhone 16,OS=latest";
const MAC: &str = "platform=macOS";

/// The wishes of a plan, in order.
pub(crate) fn wishes(plan: &Plan, rng: &mut fastrand::Rng) -> Vec<Wish> {
    let one = |index: usize| {
        let destinations = [&[PHONE][..], &[PHONE], &[MAC], &[PHONE, MAC]][rng.usize(0..4)];
        let steps = if destinations.len() == 2 { STEPS_OF_TWO[rng.usize(0..STEPS_OF_TWO.len())] } else { STEPS[rng.usize(0..STEPS.len())] };
        Wish {
            requester: ["kim", "lee", "ada"][rng.usize(0..3)],
            steps,
            destinations,
            xcode: XCODES[rng.usize(0..XCODES.len())],
            worker: (rng.u8(0..10) == 0).then(|| rng.usize(0..plan.workers)),
            priority: [Priority::Normal, Priority::Normal, Priority::Interactive, Priority::Batch][rng.usize(0..4)],
            queue_seconds: if rng.u8(0..4) == 0 { rng.u32(30..600) } else { 86_400 },
            continue_on_failure: rng.u8(0..5) == 0,
            // In every third plan, three of four: beside those that were chosen for ahead.
            adaptive: plan.seed % 3 == 2 && !index.is_multiple_of(4),
            // In every fourth plan, of every second request: most histories are to end by themselves.
            supersede: (plan.seed % 4 == 1 && index.is_multiple_of(2)).then_some("pr-7"),
            at_ms: if plan.flood { rng.u64(10_000..20_000) } else { rng.u64(0..plan.faults_ms.max(60_000)) },
            must_upload: rng.u8(0..4) == 0,
            cancel_after_ms: (rng.u8(0..6) == 0).then(|| rng.u64(0..200_000)),
        }
    };
    (0..plan.requests).map(one).collect()
}
