//! One term: from the barrier to the end of the lease.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rch_scheduler::{CommandBody, Reply, Stamp, State};
use rch_schemas::{Reason, Sha256};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::ask::{Answer, Ask};
use super::batch::{Decided, Draft, Poisoned, decide_batch};
use super::counted;
use super::hearing::Hearing;
use super::poison;
use super::queues::Next;
use super::replica::{Replica, ReplicaError};
use super::said::Said;
use super::silence::Silence;
use super::tasks::Dispatcher;
use crate::clock::{self, FarmClock, Uptime};
use crate::crash_point;
use crate::effects::{Documents, Effects, Probes};
use crate::health::Vitals;
use crate::leader::Lease;
use crate::ledger::{AppendError, JetStreamLog, LEDGER_VERSION, Now, Record, append};
use crate::metrics;
use crate::nats::{Connection, Heartbeats, Link, Reports};
use crate::projection::Rows;

/// How often deadlines are looked at.
const TICK: Duration = Duration::from_millis(500);
/// How long after a tick that panicked the next is tried.
const TICK_AGAIN_AFTER: Duration = Duration::from_secs(30);
/// How long the tasks of a term may take to end.
const TASKS_END_WITHIN: Duration = Duration::from_secs(3);

/// How a term ended.
pub(super) enum End {
    /// The process stops.
    Shutdown,
    /// This coordinator should lead no longer, or must begin anew.
    Lost(&'static str),
}

/// What a term needs while it lasts.
pub(super) struct Term<'a> {
    dispatcher: &'a mut Dispatcher,
    connection: &'a Connection,
    log: &'a JetStreamLog,
    lease: &'a Lease,
    clock: FarmClock,
    hearing: Hearing,
    link: Link,
    /// After a tick that panicked: trying it twice a second would read the state anew each time.
    no_ticks_until: Uptime,
    said: Said,
    silence: Silence,
}

enum Step {
    Next(Next),
    Tick,
    Board,
    Configured,
    Ended(End),
}

impl<'a> Term<'a> {
    pub(super) fn new(dispatcher: &'a mut Dispatcher, connection: &'a Connection, log: &'a JetStreamLog, lease: &'a Lease) -> Self {
        let clock = FarmClock::from(rch_schemas::Tick(0));
        let silence = Silence::new(dispatcher.shared.board.clone());
        Self {
            dispatcher,
            connection,
            log,
            lease,
            clock,
            hearing: Hearing::new(clock.now()),
            link: connection.link(),
            no_ticks_until: Uptime::now(),
            said: Said::default(),
            silence,
        }
    }

    /// Leads until the term ends. Its first act is the barrier: a record at the end that was applied, before which nothing is decided,
    /// answered or done.
    pub(super) async fn lead(&mut self, replica: &mut Replica) -> Result<End, ReplicaError> {
        replica.catch_up(self.log, &self.dispatcher.shared.projection).await?;
        self.clock = FarmClock::from(replica.position.tick);
        self.hearing = Hearing::new(self.clock.now());
        let lead = CommandBody::Lead { ledger_id: clock::ledger_id(), build: env!("CARGO_PKG_VERSION").to_owned() };
        if let Some(end) = self.decide(replica, VecDeque::from([Ask::own(lead)])).await? {
            return Ok(end);
        }
        if replica.state.ledger_id.is_none() {
            return Ok(End::Lost("the barrier could not be decided"));
        }
        tracing::info!(term = replica.state.term, ledger_seq = replica.position.seq.0, "leading");
        let over = CancellationToken::new();
        let mut tasks = self.start_tasks(&over);
        self.dispatcher.queues.leading.send_replace(true);
        ::metrics::gauge!(metrics::LEADER).set(1.0);
        let end = self.serve(replica, &mut tasks).await;
        self.dispatcher.queues.leading.send_replace(false);
        ::metrics::gauge!(metrics::LEADER).set(0.0);
        self.dispatcher.shared.board.set_vitals(None);
        self.silence.tell(&[], 0);
        self.dispatcher.shared.queue_board.clear();
        over.cancel();
        let ended = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(TASKS_END_WITHIN, ended).await.is_err() {
            tracing::warn!("tasks of the term did not end in time, they are aborted");
        }
        end
    }

    fn start_tasks(&self, over: &CancellationToken) -> JoinSet<()> {
        let shared = &self.dispatcher.shared;
        let mut tasks = JoinSet::new();
        let (effects, hints) = Effects::new(shared.clone(), self.connection.clone(), self.lease.clone());
        tasks.spawn(effects.run(over.clone()));
        tasks.spawn(Probes::new(shared.clone(), self.connection.clone()).run(over.clone()));
        tasks.spawn(Documents::new(shared.clone(), self.connection.clone(), self.lease.clone()).run(over.clone()));
        tasks.spawn(Reports::new(shared.clone(), self.connection.clone()).run(over.clone()));
        tasks.spawn(Heartbeats::new(shared, self.connection.clone(), hints).run(over.clone()));
        tasks
    }

    async fn serve(&mut self, replica: &mut Replica, tasks: &mut JoinSet<()>) -> Result<End, ReplicaError> {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let config = self.dispatcher.farm.borrow_and_update().clone();
        if let Some(end) = self.decide(replica, VecDeque::from([Ask::own(CommandBody::Configure(Box::new(config)))])).await? {
            return Ok(end);
        }
        loop {
            let Dispatcher { queues, farm, shutdown, shared, .. } = &mut *self.dispatcher;
            let step = tokio::select! {
                biased;
                () = shutdown.cancelled() => Step::Ended(End::Shutdown),
                () = self.lease.lost() => Step::Ended(End::Lost("the lease has ended")),
                Some(_) = tasks.join_next() => Step::Ended(End::Lost("a task of the term ended before it")),
                _ = ticks.tick() => Step::Tick,
                Ok(()) = farm.changed() => Step::Configured,
                () = shared.queue_board.wanted() => Step::Board,
                Some(next) = queues.next() => Step::Next(next),
            };
            let batch = match step {
                Step::Ended(end) => return Ok(end),
                Step::Next(Next::Heard(heard)) => {
                    self.hearing.hear(&replica.state, &heard, self.clock.now());
                    continue;
                }
                Step::Board => {
                    self.show_queue(&replica.state);
                    continue;
                }
                Step::Tick => {
                    self.look_around(&replica.state);
                    self.show_queue(&replica.state);
                    if Uptime::now() < self.no_ticks_until {
                        continue;
                    }
                    // What workers have said already goes before what time does to them.
                    let mut batch = self.dispatcher.queues.fill(None);
                    batch.push(Ask::own(CommandBody::Tick));
                    batch
                }
                Step::Configured => {
                    let config = self.dispatcher.farm.borrow_and_update().clone();
                    vec![Ask::own(CommandBody::Configure(Box::new(config)))]
                }
                Step::Next(Next::Ask(first)) => self.dispatcher.queues.fill(Some(first)),
            };
            if let Some(end) = self.decide(replica, batch.into()).await? {
                return Ok(end);
            }
        }
    }

    /// Takes in what waits to be heard, notices that something may have been missed, and shows what is known of the workers.
    fn look_around(&mut self, state: &State) {
        let (now, link) = (self.clock.now(), self.connection.link());
        while let Some(heard) = self.dispatcher.queues.heard() {
            self.hearing.hear(state, &heard, now);
        }
        if self.dispatcher.queues.has_missed() {
            tracing::warn!("signs of life found no room, nobody is lost for a while");
            self.hearing.deafen();
        }
        if link != self.link {
            self.link = link;
            self.hearing.deafen();
        }
        self.hearing.look(now);
        self.silence.tell(&rch_scheduler::silent_together(state, &self.hearing.observed, now), state.workers.len());
        self.dispatcher.shared.board.set_vitals(Some(Vitals { observed: self.hearing.observed.clone(), now }));
    }

    /// Makes the board of who waits, if somebody asks for it, and notes what it told.
    fn show_queue(&mut self, state: &State) {
        if let Some(board) = self.dispatcher.shared.queue_board.publish(state, &self.hearing.observed, self.clock.now()) {
            self.said.note(&board, state);
        }
    }

    /// Decides a batch and makes it true; a command that panics is set aside and the rest decided anew. `Some` ends the term.
    async fn decide(&mut self, replica: &mut Replica, mut asks: VecDeque<Ask>) -> Result<Option<End>, ReplicaError> {
        while !asks.is_empty() {
            crash_point::reached_by(&asks, "received");
            let stamp = Stamp { seq: replica.position.next(), tick: self.clock.now(), wall: clock::wall() };
            match decide_batch(&mut replica.state, &mut replica.agenda, &mut self.hearing, stamp, &mut asks) {
                Ok(draft) => {
                    self.dispatcher.queues.put_back(asks.drain(..));
                    return self.commit(replica, stamp, draft).await;
                }
                Err(poisoned) => {
                    *replica = Replica::load(&self.dispatcher.shared.projection, replica.position.seq).await?;
                    asks = self.set_aside(replica, *poisoned).await;
                }
            }
        }
        Ok(None)
    }

    async fn set_aside(&mut self, replica: &Replica, poisoned: Poisoned) -> VecDeque<Ask> {
        let Poisoned { mut ask, message, others } = poisoned;
        if ask.body == CommandBody::Tick {
            self.no_ticks_until = Uptime::now().after(TICK_AGAIN_AFTER);
        }
        poison::keep(&self.dispatcher.shared.store, &clock::record_id(), &ask, &message).await;
        let reply = ask.refusal(500, Reason::Internal, "the coordinator could not decide this; it was kept for its developers");
        if let Some(answer) = ask.answer.take() {
            // A caller who has gone needs none.
            let _ = answer.send(Answer { reply, seq: replica.position.seq, recorded: false });
        }
        others
    }

    /// Appends the record, if there must be one, then hands on what it changed and answers.
    async fn commit(&mut self, replica: &mut Replica, stamp: Stamp, draft: Draft) -> Result<Option<End>, ReplicaError> {
        if !draft.must_append {
            answer(draft.decided, replica);
            return Ok(None);
        }
        let state = &replica.state;
        let record = Record {
            ledger_version: LEDGER_VERSION,
            ledger_id: state.ledger_id.clone().expect("the first record of a term names the ledger"),
            record_id: clock::record_id(),
            previous_sha256: replica.position.digest,
            term: state.term,
            build: env!("CARGO_PKG_VERSION").to_owned(),
            now: Now { tick: stamp.tick, wall: stamp.wall },
            commands: draft.commands,
        };
        let bytes = Bytes::from(record.to_bytes());
        let after = replica.position.after(&record, Sha256::of(&bytes));
        crash_point::reached_by(asks(&draft.decided), "decided");
        let started = Instant::now();
        let stalled = &self.dispatcher.queues.stalled;
        let may_go_on = || {
            stalled.send_replace(true);
            self.lease.is_held() && !self.dispatcher.shutdown.is_cancelled()
        };
        let appended = append(self.log, bytes, replica.position.seq, may_go_on).await;
        stalled.send_replace(false);
        if let Err(error) = appended {
            tracing::warn!(error = &error as &dyn std::error::Error, "record not appended");
            return Ok(Some(self.end_of(&error)));
        }
        crash_point::reached_by(asks(&draft.decided), "acknowledged");
        ::metrics::histogram!(metrics::APPEND_SECONDS).record(started.elapsed().as_secs_f64());
        ::metrics::histogram!(metrics::COMMANDS_PER_APPEND).record(number(draft.decided.len() as u64));
        counted::count(&record.commands);
        self.said.compare(&record.commands, state, stamp.tick);
        replica.position = after.clone();
        let rows = Rows::of(&replica.state, after, draft.touched);
        self.dispatcher.shared.projection.write(rows).await?;
        crash_point::reached_by(asks(&draft.decided), "handed_on");
        replica.written = replica.position.seq;
        let lag = replica.written.0.saturating_sub(self.dispatcher.shared.projection.applied().0);
        ::metrics::gauge!(metrics::PROJECTION_LAG).set(number(lag));
        answer(draft.decided, replica);
        Ok(None)
    }

    fn end_of(&self, error: &AppendError) -> End {
        if self.dispatcher.shutdown.is_cancelled() {
            return End::Shutdown;
        }
        match error {
            AppendError::Overtaken { .. } => End::Lost("another leader appended a record"),
            AppendError::Unsettled { .. } => End::Lost("the lease ended while an append was not acknowledged"),
            AppendError::Shorter { .. } => End::Lost("the ledger ends before what was applied"),
        }
    }
}

fn answer(decided: Vec<Decided>, replica: &Replica) {
    let seq = replica.position.seq;
    for Decided { mut ask, reply, recorded } in decided {
        log_refusal(&ask, &reply);
        if let Some(sender) = ask.answer.take() {
            // A caller who has gone needs none.
            let _ = sender.send(Answer { reply, seq, recorded });
        }
        crash_point::reached_by([&ask], "answered");
    }
}

fn asks(decided: &[Decided]) -> impl Iterator<Item = &Ask> {
    decided.iter().map(|decided| &decided.ask)
}

fn log_refusal(ask: &Ask, reply: &Reply) {
    match reply {
        Reply::NotAccepted(error) => tracing::info!(actor = ask.actor, code = %error.code, error = error.message, "report not accepted"),
        Reply::Refused(problem) => tracing::debug!(actor = ask.actor, code = %problem.code, error = problem.detail, "request refused"),
        Reply::Done | Reply::Run(_) | Reply::Preview(_) | Reply::Receipt(_) => {}
    }
}

fn number(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
