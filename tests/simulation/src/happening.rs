//! What can happen at a moment, and to whom.

use std::rc::Rc;

use rch_scheduler::{CommandBody, Reply};
use rch_schemas::wire::agent::{Offer, Report, WorkerState};
use rch_schemas::wire::http::Intake;
use rch_schemas::{Attempt, JobId, LedgerSeq, RunId, SessionId, WorkerName};

use crate::ledger::Record;

/// An index into the world's agents; those behind the workers' number are clones of a worker's name.
pub(crate) type AgentIndex = usize;
/// An index into the world's coordinators.
pub(crate) type ReplicaIndex = usize;
/// One attempt of one job.
pub(crate) type AttemptId = (JobId, Attempt);
/// An offer in the work queue: its subject.
pub(crate) type OfferId = (WorkerName, JobId, Attempt);

/// Something that happens at a moment.
#[derive(Debug, Clone)]
pub(crate) enum Happening {
    /// To a start of a coordinator; what belongs to an earlier start is void.
    Replica { replica: ReplicaIndex, start: u64, wake: ReplicaWake },
    /// To a start of an agent; what belongs to an earlier start is void.
    Agent { agent: AgentIndex, start: u64, wake: AgentWake },
    /// At the NATS server.
    Server(Arrival),
    /// To a client or an operator.
    Client(ClientWake),
    /// A fault begins or ends.
    Fault(Fault),
    /// The checker looks at what must be so at any moment.
    Check,
}

/// What wakes a coordinator.
#[derive(Debug, Clone)]
pub(crate) enum ReplicaWake {
    /// Time passes: the lease, the ledger, deadlines.
    Look,
    /// Somebody asks.
    Ask(Box<Ask>),
    /// Somebody is heard.
    Heard(Heard),
    /// The server's word on an append, or none in time.
    Published { reign: u64, publish: u64, outcome: Published },
    /// What was recorded is acted upon.
    Effects { reign: u64 },
    /// What lay in its socket when its machine fell asleep.
    StaleStates(Vec<(WorkerName, Box<WorkerState>)>),
}

/// A command with whoever waits for its answer.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) actor: String,
    pub(crate) body: CommandBody,
    pub(crate) caller: Caller,
}

/// Who waits for an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Caller {
    /// Nobody.
    Own,
    /// An agent, for the answer to a report.
    Agent { agent: AgentIndex, start: u64, number: u64 },
    /// A client, for the answer to a call.
    Client(ClientCall),
}

/// What is heard on the subject of heartbeats.
#[derive(Debug, Clone)]
pub(crate) enum Heard {
    /// This coordinator's own heartbeat.
    Own,
    /// A worker's.
    Worker { worker: WorkerName, session: SessionId, held: Vec<AttemptId> },
}

/// What became of an append, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Published {
    Landed,
    Refused,
    NoAnswer,
}

/// What wakes an agent.
#[derive(Debug, Clone)]
pub(crate) enum AgentWake {
    Heartbeat,
    /// The machine is read again, by its own timer.
    ProbeDue,
    /// It is read because a coordinator asks.
    Probe,
    /// The report under way may have to be sent again.
    Resend {
        number: u64,
        tries: u32,
    },
    /// A refused announcement is made again.
    AnnounceAgain,
    Offer(Box<Offer>),
    Answer {
        number: u64,
        seq: LedgerSeq,
        reply: Box<Reply>,
    },
    State(Box<WorkerState>),
    Cancel {
        attempt: AttemptId,
        seq: LedgerSeq,
    },
    /// The source is there: the backend would begin.
    Begins(AttemptId),
    /// The backend ends.
    Ends(AttemptId),
    /// The set is stored.
    Stored(AttemptId),
    /// The machine is taken away for good.
    Gone,
}

/// What reaches the server.
#[derive(Debug, Clone)]
pub(crate) enum Arrival {
    Append {
        replica: ReplicaIndex,
        start: u64,
        reign: u64,
        publish: u64,
        expected: usize,
        record: Rc<Record>,
    },
    Report {
        agent: AgentIndex,
        start: u64,
        report: Box<Report>,
    },
    Heartbeat {
        worker: WorkerName,
        session: SessionId,
        held: Vec<AttemptId>,
    },
    Offer {
        id: OfferId,
        offer: Box<Offer>,
    },
    Purge(OfferId),
    /// An offer is handed out, again and again until it is acknowledged.
    Deliver(OfferId),
    Acknowledge(OfferId),
}

/// What a client or an operator asks for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ClientCall {
    /// The run of a wish.
    Submit {
        request: usize,
    },
    /// The same id with another body.
    Conflict {
        request: usize,
    },
    /// The same request, long after it was answered.
    Repeat {
        request: usize,
    },
    CancelRun {
        run_id: RunId,
    },
    CancelJob {
        run_id: RunId,
        job_id: JobId,
    },
    Intake {
        worker: WorkerName,
        intake: Intake,
    },
    Remove {
        worker: WorkerName,
        force: bool,
    },
}

/// What wakes a client.
#[derive(Debug, Clone)]
pub(crate) enum ClientWake {
    Call(ClientCall),
    /// The answer to a call; `None` when whoever was asked does not lead.
    Answered {
        call: ClientCall,
        reply: Option<Box<Reply>>,
    },
    /// No answer came in time.
    GaveUp {
        call: ClientCall,
        tries: u64,
    },
    /// The chunks of a request are in the store again.
    Upload {
        request: usize,
    },
}

/// What goes wrong. `until` is the moment at which it ends.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    AgentCrash {
        agent: AgentIndex,
        loses_disk: bool,
    },
    AgentStart {
        agent: AgentIndex,
    },
    AgentPause {
        agent: AgentIndex,
        until: u64,
    },
    AgentCut {
        agent: AgentIndex,
        until: u64,
    },
    /// Another machine with the same name, until then.
    Clone {
        worker: AgentIndex,
        until: u64,
    },
    DiskFull {
        agent: AgentIndex,
        until: u64,
    },
    XcodeSwapped {
        agent: AgentIndex,
    },
    /// The inventory no longer names a worker, or does again.
    Listed {
        worker: AgentIndex,
        listed: bool,
    },
    ReplicaCrash {
        replica: ReplicaIndex,
    },
    /// Its machine is gone for good.
    ReplicaGone {
        replica: ReplicaIndex,
    },
    ReplicaStart {
        replica: ReplicaIndex,
    },
    ReplicaPause {
        replica: ReplicaIndex,
        until: u64,
    },
    ReplicaCut {
        replica: ReplicaIndex,
        until: u64,
    },
    /// Heartbeats do not reach the coordinator: its subscription is too slow.
    ReplicaDeaf {
        replica: ReplicaIndex,
        until: u64,
    },
    WallJump {
        replica: ReplicaIndex,
        by_ms: i64,
    },
    /// Most of the fleet is cut off at once.
    FleetCut {
        until: u64,
    },
    /// The server is away; what it held in memory is gone when it is back.
    ServerDown {
        until: u64,
    },
    OffersGone,
    OffersGhosts,
    OffersBack,
    ChunkGone {
        request: usize,
    },
    /// An operator opens what the farm has closed.
    OperatorLooks,
    /// Everything is whole again.
    Heal,
}
