//! What is to happen where, by the variable; counted over all threads.

use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::getpid;

use crate::VARIABLE;

/// What happens at the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Kill,
    KillAfter(Duration),
    Stop,
}

/// One point, and how often it is still passed.
#[derive(Debug)]
struct Target {
    name: String,
    nth: u32,
    act: Act,
    seen: AtomicU32,
}

/// What this process was told; usually nothing.
#[derive(Debug)]
pub(crate) struct Plan(Option<Target>);

/// Read once: what is said later does not count.
pub(crate) fn of_this_process() -> &'static Plan {
    static PLAN: OnceLock<Plan> = OnceLock::new();
    PLAN.get_or_init(|| {
        let told = std::env::var(VARIABLE).ok();
        Plan(told.map(|text| text.parse().unwrap_or_else(|error| panic!("{VARIABLE}: {error}"))))
    })
}

impl Plan {
    pub(crate) fn reached(&self, name: &str) {
        let Some(target) = self.0.as_ref().filter(|target| target.name == name) else { return };
        if target.seen.fetch_add(1, Ordering::SeqCst) + 1 == target.nth {
            eprintln!("crash point {name} reached");
            target.act.perform();
        }
    }
}

impl Act {
    fn perform(self) {
        match self {
            Self::Kill => die(),
            Self::KillAfter(pause) => {
                thread::spawn(move || {
                    thread::sleep(pause);
                    die();
                });
            }
            Self::Stop => kill(getpid(), Signal::SIGSTOP).expect("a process may stop itself"),
        }
    }
}

fn die() {
    kill(getpid(), Signal::SIGKILL).expect("a process may kill itself");
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected NAME:NTH, NAME:NTH:stop or NAME:NTH:+MICROSECONDS, found {text:?}");
        let mut words = text.split(':');
        let (name, nth) = words.next().zip(words.next()).ok_or_else(wrong)?;
        let nth = nth.parse().ok().filter(|nth| *nth > 0).ok_or_else(wrong)?;
        let act = match (words.next(), words.next()) {
            (None, _) => Act::Kill,
            (Some("stop"), None) => Act::Stop,
            (Some(word), None) => {
                let microseconds = word.strip_prefix('+').and_then(|number| number.parse().ok()).ok_or_else(wrong)?;
                Act::KillAfter(Duration::from_micros(microseconds))
            }
            (Some(_), Some(_)) => return Err(wrong()),
        };
        Ok(Self { name: name.to_owned(), nth, act, seen: AtomicU32::new(0) })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn a_point_has_a_name_a_number_and_an_act() {
        let parsed = |text: &str| text.parse::<Target>().map(|target| (target.name, target.nth, target.act));
        assert_eq!(parsed("a.b:1").unwrap(), ("a.b".to_owned(), 1, Act::Kill));
        assert_eq!(parsed("a.b:2:stop").unwrap(), ("a.b".to_owned(), 2, Act::Stop));
        assert_eq!(parsed("a.b:3:+50").unwrap(), ("a.b".to_owned(), 3, Act::KillAfter(Duration::from_micros(50))));
        for wrong in ["", "a.b", "a.b:0", "a.b:x", "a.b:1:", "a.b:1:50", "a.b:1:stop:1", "a.b:1:+x"] {
            assert!(parsed(wrong).unwrap_err().starts_with("expected NAME:NTH"), "{wrong}");
        }
    }

    #[test]
    fn other_points_and_other_times_are_passed() {
        let plan = Plan(Some("a:2".parse().unwrap()));
        plan.reached("b");
        plan.reached("a");
        Plan(None).reached("a");
        assert_eq!(plan.0.unwrap().seen.into_inner(), 1);
    }
}
