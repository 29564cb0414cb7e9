//! The acting half of the dispatcher: builds events, performs effects.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use rch_schemas::wire::WireError;
use rch_schemas::wire::agent::{Control, ControlAnswer, Heartbeat, ReportBody};
use rch_schemas::{Reason, SessionId};
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::effect::{Effect, Event};
use super::state::{Identity, State};
use super::tail;
use crate::attempt::{AttemptDirectory, AttemptKey, Ended, Granted, Stop, Workshop};
use crate::nats::{self, Acknowledge, Answer, ConnectError, ControlRequest, Heard, OfferMessage};
use crate::outbox::Outbox;
use crate::probe::{Probe, Prober};
use crate::shutdown::Shutdown;
use crate::{clock, disk, load};

/// A farm calls a worker suspect after 15 s: three heartbeats.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How often deadlines of the dispatcher are looked at.
const TICK: Duration = Duration::from_secs(1);
/// Offers that wait here: the consumer hands out one at a time, and the farm offers at most the free slots.
const OFFERS_WAITING: usize = 4;
/// State comes after each heartbeat and on change; control is rare.
const HEARD_WAITING: usize = 256;
/// A log's piece in one answer: base64 and envelope stay below NATS' limit of 1 MiB.
const TAIL_BYTES_MAX: u32 = 512 * 1024;

/// Why the dispatcher is over.
#[derive(Debug)]
pub(crate) enum StopReason {
    /// It was told to stop.
    Told,
    /// The farm will not have this agent.
    Refused(WireError),
    /// The agent cannot go on.
    Broken(String),
}

/// The dispatcher and everything it started.
pub(crate) struct Dispatcher {
    state: State,
    session: SessionId,
    shop: Arc<Workshop>,
    prober: Prober,
    slots: u32,
    pulling: CancellationToken,
    /// Offers that were not acknowledged yet.
    offers: BTreeMap<AttemptKey, Acknowledge>,
    /// How to end each running attempt.
    stops: BTreeMap<AttemptKey, watch::Sender<Option<Stop>>>,
    attempts: BTreeMap<Id, AttemptKey>,
    tasks: JoinSet<Done>,
    over: Option<StopReason>,
}

/// What a task came to.
enum Done {
    Answered(Answer),
    Ended(Box<Ended>),
    Probed(Box<Probe>),
    Listening(Result<(), ConnectError>),
    Nothing,
}

/// What wakes the dispatcher.
enum Wake {
    Offer(OfferMessage),
    Heard(Heard),
    Done(Result<(Id, Done), JoinError>),
    Connected,
    Heartbeat,
    Tick,
    Stop,
}

impl Dispatcher {
    /// A dispatcher for a new session, with the reports an earlier process owes.
    pub(crate) fn new(shop: Arc<Workshop>, prober: Prober, slots: u32, probe: Probe, owed: Vec<(AttemptKey, ReportBody)>) -> Self {
        let session = clock::session_id();
        let identity = Identity {
            worker: shop.worker.clone(),
            session: session.clone(),
            public_key: shop.key.public_key(),
            slots,
            dialect: shop.dialect.clone(),
        };
        Self {
            state: State::new(identity, probe, owed, clock::Uptime::now()),
            session,
            shop,
            prober,
            slots,
            pulling: CancellationToken::new(),
            offers: BTreeMap::new(),
            stops: BTreeMap::new(),
            attempts: BTreeMap::new(),
            tasks: JoinSet::new(),
            over: None,
        }
    }

    /// Works until told to stop. Whatever still runs then is dropped, and its processes are killed.
    pub(crate) async fn run(mut self, mut shutdown: Shutdown) -> StopReason {
        let (offer_tx, mut offer_rx) = mpsc::channel(OFFERS_WAITING);
        let (heard_tx, mut heard_rx) = mpsc::channel(HEARD_WAITING);
        let link = self.shop.link.clone();
        let (pull, listen) = (nats::pull(link.clone(), offer_tx, self.pulling.clone()), nats::listen(link.clone(), heard_tx));
        self.tasks.spawn(async move {
            pull.await;
            Done::Nothing
        });
        self.tasks.spawn(async move { Done::Listening(listen.await) });
        let mut connections = link.connections();
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        let mut tick = tokio::time::interval(TICK);
        loop {
            let wake = tokio::select! {
                () = shutdown.told() => Wake::Stop,
                Some(done) = self.tasks.join_next_with_id() => Wake::Done(done),
                Some(heard) = heard_rx.recv() => Wake::Heard(heard),
                Some(offer) = offer_rx.recv() => Wake::Offer(offer),
                Ok(()) = connections.changed() => Wake::Connected,
                _ = heartbeat.tick() => Wake::Heartbeat,
                _ = tick.tick() => Wake::Tick,
            };
            self.wake(wake);
            if let Some(reason) = self.over.take() {
                return reason;
            }
        }
    }

    fn wake(&mut self, wake: Wake) {
        match wake {
            Wake::Offer(message) => {
                let (offered, acknowledge) = message.split();
                self.offers.insert(offered.key(), acknowledge);
                self.handle(Event::Offer(offered));
            }
            Wake::Heard(Heard::State(state)) => self.handle(Event::State(state)),
            Wake::Heard(Heard::Control(request)) => self.control(request),
            Wake::Done(Ok((id, done))) => {
                self.attempts.remove(&id);
                self.done(done);
            }
            Wake::Done(Err(error)) => self.broken(&error),
            Wake::Connected | Wake::Heartbeat => self.beat(),
            Wake::Tick => self.handle(Event::Tick),
            Wake::Stop => self.handle(Event::Stop),
        }
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Answered(answer) => self.handle(Event::Answered(answer)),
            Done::Ended(ended) => {
                let Ended { key, body } = *ended;
                self.stops.remove(&key);
                self.handle(Event::Ended { key, body });
            }
            Done::Probed(probe) => self.handle(Event::Probed(probe)),
            Done::Listening(Err(error)) => self.over = Some(StopReason::Broken(error.to_string())),
            Done::Listening(Ok(())) => self.over = Some(StopReason::Broken("the NATS connection was given up".to_owned())),
            Done::Nothing => {}
        }
    }

    /// A task panicked. An attempt's panic is the attempt's end; anything else of ours is a state nobody knows.
    fn broken(&mut self, error: &JoinError) {
        tracing::error!(%error, "a task of the agent panicked");
        let Some(key) = self.attempts.remove(&error.id()) else {
            self.over = Some(StopReason::Broken(format!("a task panicked: {error}")));
            return;
        };
        let (job_id, attempt) = (key.job_id.clone(), key.attempt);
        let detail = "the agent's task for the attempt panicked; see its log".to_owned();
        let body = ReportBody::Interrupted { job_id, attempt, code: Reason::Internal, detail };
        let shop = Arc::clone(&self.shop);
        self.tasks.spawn(async move {
            shop.keep(&key, &body).await;
            Done::Ended(Box::new(Ended { key, body }))
        });
    }

    fn handle(&mut self, event: Event) {
        let fresh = (clock::claim_id(), disk::free_bytes(&self.shop.attempts));
        for effect in self.state.handle(event, clock::Uptime::now(), fresh) {
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Send { report, version } => {
                let link = self.shop.link.clone();
                self.tasks.spawn(async move { Done::Answered(nats::report(link, version, *report).await) });
            }
            Effect::Start { offer, go, ledger_seq } => {
                tracing::info!(run_id = %offer.job.run_id, job_id = %go.job_id, attempt = %go.attempt, "attempt starts");
                self.start(&AttemptKey::new(&go.job_id, go.attempt), |acknowledge| Granted { offer, ledger_seq, acknowledge });
            }
            Effect::Acknowledge(key) => {
                if let Some(acknowledge) = self.offers.remove(&key) {
                    self.tasks.spawn(async move {
                        acknowledge.send().await;
                        Done::Nothing
                    });
                }
            }
            Effect::Forget(key) => drop(self.offers.remove(&key)),
            Effect::End { key, why } => {
                if let Some(stop) = self.stops.get(&key) {
                    stop.send_if_modified(|told| told.replace(why).is_none());
                }
            }
            Effect::Wipe(key) => self.remove(move |shop| AttemptDirectory::of(&shop.attempts, &key).wipe()),
            Effect::Settle(key) => self.remove(move |shop| Outbox::remove(&shop.outbox, &key)),
            Effect::RemoveSource(run) => self.remove(move |shop| shop.workspace.sources.remove(&run)),
            Effect::Probe => {
                let prober = self.prober.clone();
                self.tasks.spawn(async move { Done::Probed(Box::new(prober.probe().await)) });
            }
            Effect::StopPulling => self.pulling.cancel(),
            Effect::Leave(error) => self.over = Some(error.map_or(StopReason::Told, StopReason::Refused)),
        }
    }

    fn start(&mut self, key: &AttemptKey, granted: impl FnOnce(Option<Acknowledge>) -> Granted) {
        let progress = self.state.progress(key).expect("the state starts an attempt that it holds as running");
        let (stop, told) = watch::channel(None);
        let granted = granted(self.offers.remove(key));
        let task = Arc::clone(&self.shop).run(granted, progress, told);
        let task = self.tasks.spawn(async move { Done::Ended(Box::new(task.await)) });
        self.attempts.insert(task.id(), key.clone());
        self.stops.insert(key.clone(), stop);
    }

    /// Removes something from the disk in the background; a failure is seen again at the next start.
    fn remove(&mut self, remove: impl FnOnce(&Workshop) -> std::io::Result<()> + Send + 'static) {
        let shop = Arc::clone(&self.shop);
        self.tasks.spawn_blocking(move || {
            if let Err(error) = remove(&shop) {
                tracing::warn!(%error, "something could not be removed from the data directory");
            }
            Done::Nothing
        });
    }

    /// Before there is a version that the farm reads, announcements are the sign of life.
    fn beat(&mut self) {
        let Some(version) = self.state.version() else { return };
        let mut heartbeat = Heartbeat {
            session: self.session.clone(),
            sent_at: clock::wall(),
            slots: self.slots,
            slots_free: self.state.slots_free(),
            load_hundredths: 0,
            disk_free_bytes: disk::free_bytes(&self.shop.attempts),
            held: self.state.held(),
            warm_namespaces: std::collections::BTreeSet::new(),
        };
        let shop = Arc::clone(&self.shop);
        self.tasks.spawn(async move {
            heartbeat.load_hundredths = load::hundredths(&shop.tools).await;
            shop.link.heartbeat(version, &heartbeat).await;
            Done::Nothing
        });
    }

    fn control(&mut self, request: ControlRequest) {
        let answer = match &request.control {
            Control::Probe => {
                self.handle(Event::ProbeAsked);
                Ok(ControlAnswer::Accepted)
            }
            Control::Status => Ok(ControlAnswer::Status {
                session: self.session.clone(),
                held: self.state.held(),
                dropped_messages: self.shop.link.dropped().count(),
            }),
            Control::Tail { job_id, attempt, offset, bytes_max } => {
                let key = AttemptKey::new(job_id, *attempt);
                let is_running = self.stops.contains_key(&key);
                let log = AttemptDirectory::of(&self.shop.attempts, &key).log();
                let (offset, bytes_max) = (*offset, (*bytes_max).min(TAIL_BYTES_MAX));
                let link = self.shop.link.clone();
                self.tasks.spawn(async move {
                    let answer = tail::read(&log, offset, bytes_max).await.map(|(data, size)| {
                        let next_offset = offset + data.len() as u64;
                        ControlAnswer::Tail { offset, data: BASE64.encode(&data), next_offset, end: !is_running && next_offset >= size }
                    });
                    request.answer(&link, answer).await;
                    Done::Nothing
                });
                return;
            }
            Control::Cancel { job_id, attempt, ledger_seq } => {
                self.handle(Event::Cancel { key: AttemptKey::new(job_id, *attempt), ledger_seq: *ledger_seq });
                Ok(ControlAnswer::Accepted)
            }
            // Nothing is offered to a draining worker: there is nothing to be made faster here.
            Control::Drain { .. } => Ok(ControlAnswer::Accepted),
        };
        let link = self.shop.link.clone();
        self.tasks.spawn(async move {
            request.answer(&link, answer).await;
            Done::Nothing
        });
    }
}
