//! What travels, and who waits for what.

use rch_scheduler::Reply;
use rch_schemas::wire::agent::{Offer, Report, WorkerState};
use rch_schemas::{Attempt, JobId, LedgerSeq, RunId, SessionId};

/// An index into the world's agents.
pub(crate) type AgentIndex = usize;

/// One attempt of one job.
pub(crate) type AttemptId = (JobId, Attempt);

/// Something that happens at a moment.
#[derive(Debug, Clone)]
pub(crate) enum Happening {
    /// A message arrives at the leader, if there is one.
    ToLeader(ToLeader),
    /// A message arrives at an agent, if it is up.
    ToAgent(AgentIndex, ToAgent),
    /// A client acts.
    Client(ClientAct),
    /// An agent's own timer; a timer of an earlier start is void.
    AgentTimer { agent: AgentIndex, start: u64, timer: AgentTimer },
    /// The leader's own timer; a timer of an earlier leader is void.
    LeaderTimer { term: u64, timer: LeaderTimer },
    /// A fault begins or ends.
    Fault(Fault),
}

/// To the leader.
#[derive(Debug, Clone)]
pub(crate) enum ToLeader {
    /// A report, to be answered.
    Report { agent: AgentIndex, start: u64, report: Box<Report> },
    /// Proof of life.
    Heartbeat { agent: AgentIndex, session: SessionId, held: Vec<AttemptId> },
}

/// To an agent.
#[derive(Debug, Clone)]
pub(crate) enum ToAgent {
    /// An offer; a queue keeps it until it is wanted no more, so the reconciler repeats it.
    Offer(Box<Offer>),
    /// The answer to a report.
    Answer { start: u64, number: u64, ledger_seq: LedgerSeq, reply: Box<Reply> },
    /// The whole truth for the worker.
    State(Box<WorkerState>),
}

/// Timers of an agent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AgentTimer {
    /// A heartbeat is due.
    Heartbeat,
    /// The machine is read again.
    Probe,
    /// The report under way was not answered.
    Resend { number: u64, tries: u32 },
    /// A claim was not answered.
    ReClaim(AttemptId),
    /// The backend ends.
    BackendEnds(AttemptId),
}

/// Timers of a leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeaderTimer {
    /// Deadlines are looked at.
    Tick,
    /// What should be so and is not is done again.
    Reconcile,
}

/// What a client does.
#[derive(Debug, Clone)]
pub(crate) enum ClientAct {
    /// Sends a request, or the same one again.
    Submit { request: usize },
    /// Wants a run no more.
    Cancel { run_id: RunId },
}

/// What goes wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// The agent's process dies, and starts again later.
    AgentCrash { agent: AgentIndex },
    /// It starts.
    AgentStart { agent: AgentIndex },
    /// The agent's machine sleeps until then.
    AgentPause { agent: AgentIndex, until: u64 },
    /// Nothing passes between the agent and the rest until then.
    Partition { agent: AgentIndex, until: u64 },
    /// The leader's process dies; another takes over later.
    LeaderCrash,
    /// A leader takes over.
    LeaderStart,
    /// The leader's machine sleeps until then.
    LeaderPause { until: u64 },
}
