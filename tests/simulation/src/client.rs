//! Clients and operators: they repeat what was not answered, repeat what was, and change their minds.

use std::collections::BTreeMap;

use rch_scheduler::{CommandBody, Reply};
use rch_schemas::wire::http::Intake;
use rch_schemas::{Reason, RunId, Sha256};

use crate::checker;
use crate::fixture::request;
use crate::happening::{Ask, Caller, ClientCall, ClientWake, Happening, ReplicaWake};
use crate::plan::Wish;
use crate::world::World;

/// Before a call that was not answered is made again.
const RETRY_MS: u64 = 2_000;

/// What clients know.
#[derive(Default)]
pub(crate) struct Clients {
    /// Runs that clients were told of, by request.
    pub(crate) runs: BTreeMap<usize, RunId>,
    /// Requests whose chunks were uploaded.
    uploaded: Vec<usize>,
    /// Calls that must be answered before everything is over, other than submissions, and how often each was made.
    open: Vec<(ClientCall, u64)>,
}

impl Clients {
    /// Calls that were not answered.
    pub(crate) fn open(&self) -> Vec<&ClientCall> {
        self.open.iter().map(|(call, _)| call).collect()
    }

    /// Operators no longer want what they have not been told is done.
    pub(crate) fn forget_intake(&mut self) {
        self.open.retain(|(call, _)| !matches!(call, ClientCall::Intake { .. } | ClientCall::Remove { .. }));
    }

    /// Whether everybody was answered.
    pub(crate) fn are_content(&self, requests: usize) -> bool {
        self.runs.len() == requests && self.open.is_empty()
    }
}

pub(crate) fn call(call: ClientCall) -> Happening {
    Happening::Client(ClientWake::Call(call))
}

pub(crate) fn wake(world: &mut World, wake: ClientWake) {
    match wake {
        ClientWake::Call(call) => send(world, call),
        ClientWake::GaveUp { call, tries } => {
            if tries_of(world, &call) == Some(tries) {
                send(world, call);
            }
        }
        ClientWake::Answered { call, reply } => {
            if let Some(reply) = reply.filter(|_| tries_of(world, &call).is_some()) {
                answered(world, &call, *reply);
            }
        }
        ClientWake::Upload { request } => {
            let chunk = recipe(request);
            world.store_lacks.remove(&chunk);
            world.trace.event(world.now, || format!("the source of request {request} is whole again"));
        }
    }
}

/// The one digest that stands for a request's source, and for its only chunk.
pub(crate) fn recipe(request: usize) -> Sha256 {
    Sha256::of(format!("tree {request}"))
}

fn tries_of(world: &World, call: &ClientCall) -> Option<u64> {
    world.clients.open.iter().find(|(open, _)| open == call).map(|(_, tries)| *tries)
}

/// Asks one of the coordinators; the call may be lost on the way.
fn send(world: &mut World, call: ClientCall) {
    let tries = tries_of(world, &call).map_or(0, |tries| tries + 1);
    world.clients.open.retain(|(open, _)| *open != call);
    world.clients.open.push((call.clone(), tries));
    let wait = RETRY_MS + world.rng.u64(0..RETRY_MS);
    world.after(wait, Happening::Client(ClientWake::GaveUp { call: call.clone(), tries }));
    let replica = world.rng.usize(0..world.replicas.len());
    let lost = world.are_faults_on() && world.rng.u8(0..20) == 0;
    if lost || !world.replicas[replica].life.up {
        return;
    }
    let (actor, body) = body_of(world, &call);
    let ask = Box::new(Ask { actor, body, caller: Caller::Client(call) });
    let (delay, start) = (world.rng.u64(1..30), world.replicas[replica].life.start);
    world.after(delay, Happening::Replica { replica, start, wake: ReplicaWake::Ask(ask) });
}

fn body_of(world: &World, call: &ClientCall) -> (String, CommandBody) {
    let wish = |request: &usize| -> &Wish { &world.wishes[*request] };
    let operator = || "operator".to_owned();
    match call {
        ClientCall::Submit { request: index } | ClientCall::Repeat { request: index } => {
            let mut submitted = request(*index, wish(index));
            if wish(index).must_upload && !world.clients.uploaded.contains(index) {
                submitted.missing = vec![recipe(*index)];
            }
            (wish(index).requester.to_owned(), CommandBody::Submit(Box::new(submitted)))
        }
        ClientCall::Conflict { request: index } => {
            let mut other = request(*index, wish(index));
            other.body_sha256 = Sha256::of("another body");
            (wish(index).requester.to_owned(), CommandBody::Submit(Box::new(other)))
        }
        ClientCall::CancelRun { run_id } => ("kim".to_owned(), CommandBody::CancelRun { run_id: run_id.clone() }),
        ClientCall::CancelJob { job_id, .. } => ("kim".to_owned(), CommandBody::CancelJob { job_id: job_id.clone() }),
        ClientCall::Intake { worker, intake } => {
            let reason = "an operator said so".to_owned();
            (operator(), CommandBody::SetIntake { worker: worker.clone(), intake: *intake, reason })
        }
        ClientCall::Remove { worker, force } => {
            (operator(), CommandBody::RemoveWorker { worker: worker.clone(), reason: "sold".to_owned(), force: *force })
        }
    }
}

/// The answer of a coordinator sets out; `None` when it does not lead.
pub(crate) fn answer(world: &mut World, call: ClientCall, reply: Option<Reply>) {
    if world.are_faults_on() && world.rng.u8(0..20) == 0 {
        return;
    }
    let delay = world.rng.u64(1..30);
    world.after(delay, Happening::Client(ClientWake::Answered { call, reply: reply.map(Box::new) }));
}

fn answered(world: &mut World, call: &ClientCall, reply: Reply) {
    match (call, reply) {
        (ClientCall::Submit { request }, Reply::Refused(problem)) if problem.code == Reason::SourceMissing => {
            world.clients.uploaded.push(*request);
            return;
        }
        (ClientCall::Submit { request } | ClientCall::Repeat { request } | ClientCall::Conflict { request }, Reply::Run(run_id)) => {
            checker::told(world, call, &run_id);
            accepted(world, *request, run_id);
        }
        (ClientCall::Conflict { .. }, Reply::Refused(problem)) if problem.code == Reason::Conflict => {}
        (ClientCall::CancelRun { .. } | ClientCall::CancelJob { .. }, Reply::Done) => checker::cancelled(world, call),
        // Of a run or worker that is not known, or no longer, there is nothing to repeat.
        (
            ClientCall::CancelRun { .. } | ClientCall::CancelJob { .. } | ClientCall::Intake { .. } | ClientCall::Remove { .. },
            Reply::Refused(_),
        )
        | (ClientCall::Intake { .. } | ClientCall::Remove { .. }, Reply::Done) => {}
        (_, reply) => {
            checker::surprised(world, format!("{call:?} was answered {reply:?}"));
        }
    }
    world.clients.open.retain(|(open, _)| open != call);
}

/// The first answer settles what the client does next.
fn accepted(world: &mut World, request: usize, run_id: RunId) {
    if world.clients.runs.insert(request, run_id.clone()).is_some() {
        return;
    }
    if let Some(delay) = world.wishes[request].cancel_after_ms {
        let jobs = checker::jobs_of(world, &run_id);
        let one = (world.rng.u8(0..3) == 0).then(|| jobs.first().cloned()).flatten();
        let change_of_mind = match one {
            Some(job_id) => ClientCall::CancelJob { run_id, job_id },
            None => ClientCall::CancelRun { run_id },
        };
        world.after(delay, call(change_of_mind));
    }
    let delay = world.rng.u64(0..120_000);
    match world.rng.u8(0..6) {
        0 => world.after(delay, call(ClientCall::Repeat { request })),
        1 => world.after(delay, call(ClientCall::Conflict { request })),
        _ => {}
    }
}

/// An operator removes a worker, gently or by force.
pub(crate) fn remove(world: &mut World, worker: usize) -> Happening {
    let force = world.rng.bool();
    world.inventory.note_removal(worker);
    call(ClientCall::Remove { worker: world.agents[worker].name.clone(), force })
}

/// An operator closes or opens a worker.
pub(crate) fn intake(world: &World, worker: usize, intake: Intake) -> Happening {
    call(ClientCall::Intake { worker: world.agents[worker].name.clone(), intake })
}
