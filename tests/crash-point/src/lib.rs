//! Crash points: named places in a program where a test can have it die, or stand still, as a machine might at that very moment.
//!
//! Coordinator and agent mark theirs with one line each, `crash_point::reached("offer.publishing")`. The line is nothing in a program that is built
//! without its feature `crash-points`, which the end-to-end tests alone switch on; and [`reached`] is empty without debug assertions, which no
//! release has, so that no release can be made to die, whatever features it was built with.
//!
//! Which point, and what happens there, is said by [`VARIABLE`] when the program starts:
//!
//! | value | at the third time that the program comes to `offer.publishing` it |
//! | --- | --- |
//! | `offer.publishing:3` | is killed with SIGKILL before it does anything else |
//! | `offer.publishing:3:+500` | goes on, and is killed 500 µs later: somewhere in what follows |
//! | `offer.publishing:3:stop` | is stopped with SIGSTOP, and goes on from there when it is woken |
//!
//! Each tells standard error its name before it acts, so that a test can see that it was there.

#[cfg(debug_assertions)]
mod plan;

/// Names the point, how many times it is passed, and what happens there.
pub const VARIABLE: &str = "RCH_CRASH_AT";

/// The program has come to the point `name`; it may not return.
#[cfg(debug_assertions)]
pub fn reached(name: &str) {
    plan::of_this_process().reached(name);
}

/// Nothing: this is a release.
#[cfg(not(debug_assertions))]
pub fn reached(_name: &str) {}
