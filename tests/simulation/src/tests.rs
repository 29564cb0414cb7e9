//! Many seeds, no violation; and every planted bug found.

use crate::{Detail, Outcome, Plan, Plant, run};

/// As many as keep the whole test suite short; more by `RCH_SIMULATION_SEEDS`.
const SEEDS: u64 = 300;
/// A planted bug must be found within so many seeds.
const SEEDS_TO_FIND: u64 = 200;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn detail() -> Detail {
    std::env::var("RCH_SIMULATION_TRACE").ok().and_then(|word| Detail::named(&word)).unwrap_or_default()
}

fn assert_kept(plan: &Plan, outcome: &Outcome) {
    for line in &outcome.trace {
        eprintln!("{line}");
    }
    assert!(outcome.violations.is_empty(), "RCH_SIMULATION_SEED={} replays {:#?}", plan.seed, outcome.violations);
}

/// Runs `work` over the numbers on all cores; the first that gives something, if any.
fn find<T: Send>(numbers: std::ops::Range<u64>, work: impl Fn(u64) -> Option<T> + Sync) -> Option<(u64, T)> {
    let next = std::sync::atomic::AtomicU64::new(numbers.start);
    let found = std::sync::Mutex::new(None::<(u64, T)>);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let stop =
                        number >= numbers.end || found.lock().is_ok_and(|found| found.as_ref().is_some_and(|(first, _)| *first < number));
                    if stop {
                        return;
                    }
                    if let Some(result) = work(number) {
                        let mut found = found.lock().expect("no other thread panics with it");
                        if found.as_ref().is_none_or(|(first, _)| number < *first) {
                            *found = Some((number, result));
                        }
                    }
                }
            });
        }
    });
    found.into_inner().expect("the threads are over")
}

#[test]
fn a_farm_where_nothing_goes_wrong_ends_everything() {
    let plan = Plan::of(1).calm();
    let outcome = run(&plan);
    assert_kept(&plan, &outcome);
    assert!(outcome.executions >= 8, "{outcome:?}");
}

#[test]
fn whatever_goes_wrong_no_promise_is_broken_in_any_of_many_seeds() {
    let seeds = number("RCH_SIMULATION_SEED").map_or(0..number("RCH_SIMULATION_SEEDS").unwrap_or(SEEDS), |seed| seed..seed + 1);
    let broken = find(seeds, |seed| {
        let plan = Plan::of(seed).told(detail());
        let outcome = run(&plan);
        (!outcome.violations.is_empty() || !outcome.trace.is_empty()).then_some((plan, outcome))
    });
    if let Some((_, (plan, outcome))) = broken {
        assert_kept(&plan, &outcome);
    }
}

#[test]
fn a_seed_gives_the_same_history_and_the_same_story_again() {
    let told = |seed| run(&Plan::of(seed).told(Detail::Messages));
    let (first, second) = (told(7), told(7));
    assert!(first.trace.len() > 1_000 && first.records > 20);
    assert_eq!((first.history, first.trace), (second.history, second.trace));
    assert_ne!(second.history, told(8).history);
}

#[test]
fn every_planted_bug_is_found() {
    let mut missed = Vec::new();
    for plant in Plant::ALL {
        let found = find(0..SEEDS_TO_FIND, |seed| run(&Plan::of(seed).planted(*plant)).violations.into_iter().next());
        match found {
            Some((seed, violation)) if plant.promises().contains(&violation.promise) => {
                println!("{plant:?} ({}): seed {seed}, {violation}", plant.breaks());
            }
            Some((seed, violation)) => missed.push(format!("{plant:?}: seed {seed} found {violation}")),
            None => missed.push(format!("{plant:?}: not found in {SEEDS_TO_FIND} seeds ({})", plant.breaks())),
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
