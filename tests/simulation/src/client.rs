//! Clients: they repeat a request until it is answered, and sometimes change their minds.

use rch_scheduler::{CommandBody, Reply};

use crate::fixture::{AskedStep, request};
use crate::leader;
use crate::message::{ClientAct, Happening};
use crate::world::World;

/// Between two tries of a request that was not answered, in milliseconds.
const RETRY_MS: u64 = 2_000;

/// What runs ask for.
const STEPS: [&[AskedStep<'static>]; 6] = [
    &[("build", None)],
    &[("build", None), ("test", None)],
    &[("test", None)],
    &[("build", Some(&[0])), ("test", Some(&[0, 1]))],
    &[("build", Some(&[1])), ("test", Some(&[0]))],
    &[("build-for-testing", Some(&[0, 1])), ("test-without-building", Some(&[1]))],
];

pub(crate) fn submit(request: usize) -> Happening {
    Happening::Client(ClientAct::Submit { request })
}

pub(crate) fn act(world: &mut World, act: ClientAct) {
    match act {
        ClientAct::Submit { request: index } => {
            let steps = STEPS[index % STEPS.len()];
            let body = CommandBody::Submit(Box::new(request(index, steps, index.is_multiple_of(5))));
            let answer = leader::ask(world, "kim", body);
            // The answer may be lost although the run is recorded.
            let lost = world.are_faults_on() && world.rng.u8(0..10) == 0;
            match answer {
                Some((Reply::Run(run_id), _)) if !lost => {
                    if world.rng.u8(0..6) == 0 {
                        let delay = world.rng.u64(0..300_000);
                        world.after(delay, Happening::Client(ClientAct::Cancel { run_id: run_id.clone() }));
                    }
                    world.accepted.insert(index, run_id);
                }
                _ => world.after(RETRY_MS, submit(index)),
            }
        }
        ClientAct::Cancel { run_id } => {
            if leader::ask(world, "kim", CommandBody::CancelRun { run_id: run_id.clone() }).is_none() {
                world.after(RETRY_MS, Happening::Client(ClientAct::Cancel { run_id }));
            }
        }
    }
}
