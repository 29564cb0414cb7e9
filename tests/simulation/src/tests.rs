//! Many seeds, no violation.

use crate::{Plan, run};

/// As many as keep the whole test suite short; more by `RCH_SIMULATION_SEEDS`.
const SEEDS: u64 = 300;
/// Half an hour of faults.
const FAULTS_MS: u64 = 30 * 60_000;

fn plan(seed: u64) -> Plan {
    Plan { seed, agents: 2 + usize::try_from(seed % 4).unwrap_or(0), requests: 12, faults_ms: FAULTS_MS }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn a_farm_where_nothing_goes_wrong_ends_everything() {
    let outcome = run(&Plan { faults_ms: 0, ..plan(1) });
    assert_eq!(outcome.violations, []);
    assert!(outcome.executions >= 8, "{outcome:?}");
}

#[test]
fn whatever_goes_wrong_no_promise_is_broken_and_everything_ends() {
    let seeds = number("RCH_SIMULATION_SEED").map_or(0..number("RCH_SIMULATION_SEEDS").unwrap_or(SEEDS), |seed| seed..seed + 1);
    for seed in seeds {
        let outcome = run(&plan(seed));
        assert!(outcome.violations.is_empty(), "RCH_SIMULATION_SEED={seed} replays {:#?}", outcome.violations);
    }
}

#[test]
fn a_seed_gives_the_same_run_again() {
    let figures = |seed| {
        let outcome = run(&plan(seed));
        (outcome.records, outcome.executions, outcome.ended_ms)
    };
    assert_eq!(figures(7), figures(7));
    assert_ne!(figures(7), figures(8));
}
