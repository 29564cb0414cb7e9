//! Asks agents to read their machine again before what is known of it no longer counts.
//!
//! An agent does so by itself, twice as often as it must; who is asked here is late, or was not heard by this leader yet. One question a
//! worker at a time, and what goes wrong is told to the state's owner: a choice that such a worker is kept out of says why.

use std::collections::BTreeMap;
use std::time::Duration;

use rch_scheduler::{ObservedWorker, Worker};
use rch_schemas::document::ProbeFailure;
use rch_schemas::wire::agent::Control;
use rch_schemas::{Tick, WorkerName};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::control::{ControlError, control};
use crate::clock::Uptime;
use crate::dispatcher::Heard;
use crate::error_line::error_line;
use crate::health::Vitals;
use crate::metrics;
use crate::nats::Connection;
use crate::projection::ProjectionError;
use crate::shared::Shared;

/// How often ages and questions are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Reading a Mac takes seconds; each tool that hangs there is given up by itself, the slowest after a minute.
const READ_WITHIN: Duration = Duration::from_secs(90);
/// Between a failure and the next question.
const REST: Duration = Duration::from_secs(30);
/// Questions that wait for their first answer at once: a fleet is not asked in one breath when a leader is new.
const ASKING_MAX: usize = 64;
/// Longer errors of an agent are cut: they go into the ledger with every choice that passes the worker over.
const ERROR_CHARS_MAX: usize = 200;

/// Notes a worker's failure to be read; also of one whom a person asked.
pub(crate) fn note_failure(shared: &Shared, worker: WorkerName, error: &str, after: Duration) {
    ::metrics::counter!(metrics::PROBES, "outcome" => "failed").increment(1);
    tracing::warn!(%worker, error, elapsed_ms = millis(after), "capabilities were asked for and did not come");
    let error = error.chars().take(ERROR_CHARS_MAX).collect();
    shared.asks.tell(Heard::ProbeFailed(worker, ProbeFailure { error, after_ms: millis(after) }));
}

/// The questions of a term, not yet asked.
pub(crate) struct Probes {
    shared: Shared,
    connection: Connection,
    asking: JoinSet<(WorkerName, Result<(), ControlError>)>,
    questions: BTreeMap<WorkerName, Question>,
}

/// A worker that was asked.
struct Question {
    /// By farm time: what was confirmed later is the answer.
    asked: Tick,
    began: Uptime,
    stage: Stage,
}

enum Stage {
    /// The agent has not said yet that it will.
    Asking,
    /// It reads its machine.
    Reading,
    /// It failed, and is left alone for a while.
    Resting { until: Uptime },
}

impl Probes {
    pub(crate) fn new(shared: Shared, connection: Connection) -> Self {
        Self { shared, connection, asking: JoinSet::new(), questions: BTreeMap::new() }
    }

    /// Asks until the term is over.
    pub(crate) async fn run(mut self, over: CancellationToken) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                () = over.cancelled() => return,
                Some(answered) = self.asking.join_next() => match answered {
                    Ok((worker, Ok(()))) => self.accepted(&worker),
                    Ok((worker, Err(error))) => self.failed(worker, &error_line(&error)),
                    Err(error) => {
                        // The term ends with this task, and the next one asks anew.
                        tracing::error!(%error, "a question to an agent panicked");
                        return;
                    }
                },
                _ = look.tick() => {
                    let Some(vitals) = self.shared.board.vitals().filter(|_| self.connection.link().connected) else { continue };
                    self.settle(&vitals);
                    if let Err(error) = self.ask(&vitals) {
                        self.shared.projection.fail(&error);
                    }
                }
            }
        }
    }

    /// What became of questions since the last look.
    fn settle(&mut self, vitals: &Vitals) {
        let now = Uptime::now();
        let confirmed = |worker: &WorkerName| vitals.observed.workers.get(worker).and_then(|row| row.capabilities_at);
        let mut late = Vec::new();
        self.questions.retain(|worker, question| {
            if confirmed(worker).is_some_and(|at| at > question.asked) {
                ::metrics::counter!(metrics::PROBES, "outcome" => "read").increment(1);
                return false;
            }
            match question.stage {
                Stage::Asking => true,
                Stage::Reading => {
                    if now.since(question.began) >= READ_WITHIN {
                        late.push(worker.clone());
                    }
                    true
                }
                Stage::Resting { until } => now < until,
            }
        });
        for worker in late {
            self.failed(worker, "its agent said that it would read the machine, and told nothing");
        }
    }

    /// Asks those whose capabilities will soon not count any more, and those of whom this leader has heard none.
    fn ask(&mut self, vitals: &Vitals) -> Result<(), ProjectionError> {
        let due_after = Duration::from_millis(self.shared.config.farm.probe_ttl_ms) * 3 / 4;
        let is_due = |row: &ObservedWorker| row.capabilities_at.is_none_or(|at| vitals.now.since(at) > due_after);
        let due = vitals.observed.workers.iter().filter(|(_, row)| is_due(row)).map(|(name, _)| name);
        let due: Vec<_> = due.filter(|name| !self.questions.contains_key(*name)).collect();
        if due.is_empty() {
            return Ok(());
        }
        let snapshot = self.shared.projection.snapshot()?;
        for name in due {
            if self.asking.len() >= ASKING_MAX {
                return Ok(());
            }
            if let Some(worker) = snapshot.worker(name)?.filter(|worker| worker.session.is_some() && !worker.lost) {
                self.begin(worker, vitals.now);
            }
        }
        Ok(())
    }

    fn begin(&mut self, worker: Worker, asked: Tick) {
        let (connection, farm) = (self.connection.clone(), self.shared.config.farm.protocol);
        self.questions.insert(worker.name.clone(), Question { asked, began: Uptime::now(), stage: Stage::Asking });
        self.asking.spawn(async move {
            let answer = control(&connection, farm, &worker, Control::Probe).await;
            (worker.name, answer.map(|_| ()))
        });
    }

    fn accepted(&mut self, worker: &WorkerName) {
        if let Some(question) = self.questions.get_mut(worker) {
            question.stage = Stage::Reading;
        }
    }

    fn failed(&mut self, worker: WorkerName, error: &str) {
        let Some(question) = self.questions.get_mut(&worker) else { return };
        question.stage = Stage::Resting { until: Uptime::now().after(REST) };
        note_failure(&self.shared, worker, error, Uptime::now().since(question.began));
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
