//! Having a program die at a place of its code.

use std::sync::Mutex;

use rch_crash_point::VARIABLE;
use rch_local::{Farm, Service};

use crate::harness::wait_until;

/// A place where a program dies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    /// What people call it.
    pub(super) step: &'static str,
    /// The crash point.
    point: &'static str,
    /// At which of its first visits; one of these is drawn.
    visits: u32,
    /// In how many microseconds after it, at most; 0 for there.
    within: u64,
}

impl Target {
    /// At the crash point, on the first visit.
    pub(super) const fn at(point: &'static str) -> Self {
        Self { step: point, point, visits: 1, within: 0 }
    }

    /// At the crash point, on one of the first `visits`.
    pub(super) const fn at_one_of(visits: u32, point: &'static str) -> Self {
        Self { step: point, point, visits, within: 0 }
    }

    /// At some moment after the crash point.
    pub(super) const fn after(point: &'static str, within: u64, step: &'static str) -> Self {
        Self { step, point, visits: 1, within }
    }

    fn told(&self, random: &mut fastrand::Rng) -> String {
        let visit = random.u32(1..=self.visits);
        let after = if self.within == 0 { String::new() } else { format!(":+{}", random.u64(1..=self.within)) };
        format!("{}:{visit}{after}", self.point)
    }
}

/// Starts a program, has it die at `target`, and returns when it has. `start` may fail: a program that dies early was never ready.
pub(super) fn die_at(
    farm: &Mutex<Farm>,
    target: &Target,
    random: &mut fastrand::Rng,
    service: impl Fn(&mut Farm) -> &mut Service,
    start: impl Fn(&mut Farm),
) {
    let told = target.told(random);
    let line = format!("crash point {} reached", target.point);
    let log = {
        let mut farm = farm.lock().unwrap();
        service(&mut farm).kill();
        service(&mut farm).set_variable(VARIABLE, Some(&told));
        service(&mut farm).log().to_owned()
    };
    let visits = || std::fs::read_to_string(&log).unwrap_or_default().matches(&line).count();
    let before = visits();
    start(&mut farm.lock().unwrap());
    let has_ended = || {
        let mut farm = farm.lock().unwrap();
        let service = service(&mut farm);
        service.pid().is_none() || service.ended().is_some()
    };
    wait_until(&format!("the program dies at {told}"), has_ended);
    wait_until(&format!("the program said that it was at {told}"), || visits() > before);
    let mut farm = farm.lock().unwrap();
    service(&mut farm).kill();
    service(&mut farm).set_variable(VARIABLE, None);
}
