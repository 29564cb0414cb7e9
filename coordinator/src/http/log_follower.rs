//! One reader of one job's log, from a cursor to the end, over whatever attempts there are.
//!
//! While the job runs it reads the output stream from the beginning of the attempt, so that every byte is checked, and hands out what lies after
//! the cursor. Once the job has ended it goes on from the committed set.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use rch_scheduler::{Job, JobPhase};
use rch_schemas::protocol::Feature;
use rch_schemas::{Attempt, JobId, WorkerName};
use rch_store::set::ReadSetError;
use tokio_util::sync::CancellationToken;

use super::artifacts::committed;
use super::error::ApiResult;
use super::log::{LOG_PATH, attempt_of, skipping};
use super::server::Api;
use crate::log::{Agent, Assembler, Cursor, Filled, OutputMessage, OutputStream, Taken, fill};

/// How often the job is looked at while nothing is printed.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long a running agent is asked again for bytes that the stream lost, before they count as lost: after a restart of NATS it takes a moment
/// to be back.
const GAP_WITHIN: Duration = Duration::from_secs(10);
/// How long whoever polls waits for what the server has already.
const READY_WITHIN: Duration = Duration::from_millis(500);
/// How long an ended job's set may take to be written before the stream ends without it.
const SET_WITHIN: Duration = Duration::from_secs(30);

/// What a reader gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// The log of an attempt begins.
    Attempt { attempt: Attempt, worker: WorkerName },
    /// Its next bytes.
    Bytes { attempt: Attempt, offset: u64, bytes: Bytes },
    /// Bytes that are not to be had.
    Gap { attempt: Attempt, from: u64, to: u64 },
    /// The log is complete.
    End { attempt: Attempt, bytes: u64 },
}

/// The reader.
pub(super) struct LogFollower {
    api: Api,
    job_id: JobId,
    /// Up to where the reader has everything.
    at: Cursor,
    pieces: VecDeque<Piece>,
    phase: Phase,
    /// Whether it was here until the attempt's stream fell silent, so that there is nothing to catch up with.
    streamed: bool,
}

enum Phase {
    /// No attempt has started, or no connection is there.
    Waiting,
    /// An attempt runs.
    Live(Box<Live>),
    /// The job has ended, since then.
    Ended(tokio::time::Instant),
    /// Its set is read.
    Committed(BoxStream<'static, Result<Bytes, ReadSetError>>),
    /// Everything was said.
    Over,
}

struct Live {
    output: OutputStream,
    log: Assembler,
    /// A message that could not be taken yet.
    held: Option<OutputMessage>,
    /// Since when bytes before it are missing.
    gap_since: Option<tokio::time::Instant>,
    /// Whether everything the server had is read.
    drained: bool,
}

impl LogFollower {
    pub(super) fn open(api: Api, job_id: JobId, from: Cursor) -> Self {
        Self { api, job_id, at: from, pieces: VecDeque::new(), phase: Phase::Waiting, streamed: false }
    }

    /// The next piece, however long it takes; `None` after the last, at shutdown, and when the log cannot be read.
    pub(super) async fn next(&mut self) -> Option<Piece> {
        loop {
            if let Some(piece) = self.pieces.pop_front() {
                return Some(piece);
            }
            if matches!(self.phase, Phase::Over) || self.api.shutdown.is_cancelled() {
                return None;
            }
            if let Err(error) = self.step().await {
                tracing::warn!(job_id = %self.job_id, ?error, "a log could not be read, its stream ends");
                return None;
            }
        }
    }

    /// The next piece that is there already; `None` when there is none now.
    pub(super) async fn ready(&mut self) -> Option<Piece> {
        let deadline = tokio::time::Instant::now() + READY_WITHIN;
        loop {
            if let Some(piece) = self.pieces.pop_front() {
                return Some(piece);
            }
            let idle = match &self.phase {
                Phase::Live(live) => live.drained,
                Phase::Over => true,
                Phase::Waiting | Phase::Ended(_) | Phase::Committed(_) => false,
            };
            if idle || tokio::time::Instant::now() >= deadline {
                return None;
            }
            let step = tokio::time::timeout_at(deadline, self.step()).await;
            if !matches!(step, Ok(Ok(()))) {
                return None;
            }
        }
    }

    async fn step(&mut self) -> ApiResult<()> {
        match &mut self.phase {
            Phase::Waiting => self.begin().await,
            Phase::Live(_) => self.live().await,
            Phase::Ended(since) => {
                let since = *since;
                self.open_committed(since).await
            }
            Phase::Committed(pieces) => {
                let piece = pieces.next().await;
                self.committed(piece)
            }
            Phase::Over => Ok(()),
        }
    }

    fn job(&self) -> ApiResult<Option<Job>> {
        Ok(self.api.shared.projection.snapshot()?.job(&self.job_id)?)
    }

    /// Finds out where the log is to be had.
    async fn begin(&mut self) -> ApiResult<()> {
        let Some(job) = self.job()? else {
            self.phase = Phase::Over;
            return Ok(());
        };
        if job.outcome().is_some() {
            self.phase = Phase::Ended(tokio::time::Instant::now());
            return Ok(());
        }
        let Some((attempt, worker)) = started(&job) else { return pause(&self.api.shutdown).await };
        let Some(connection) = self.api.shared.connection.get() else { return pause(&self.api.shutdown).await };
        match OutputStream::open(&connection.jetstream, &self.job_id).await {
            Ok(output) => {
                let drained = output.was_empty();
                self.phase = Phase::Live(Box::new(Live { output, log: Assembler::new(attempt), held: None, gap_since: None, drained }));
                self.turn_to(attempt, &worker);
                Ok(())
            }
            Err(error) => {
                tracing::debug!(job_id = %self.job_id, %error, "output not to be had now");
                pause(&self.api.shutdown).await
            }
        }
    }

    /// Begins the log of an attempt that the reader has nothing of.
    fn turn_to(&mut self, attempt: Attempt, worker: &WorkerName) {
        if self.at.attempt != attempt || self.at.offset == 0 {
            self.at = Cursor { attempt, offset: 0 };
            self.pieces.push_back(Piece::Attempt { attempt, worker: worker.clone() });
        }
    }

    async fn live(&mut self) -> ApiResult<()> {
        let Phase::Live(live) = &mut self.phase else { return Ok(()) };
        let message = match live.held.take() {
            Some(message) => Some(message),
            None => {
                tokio::select! {
                    message = live.output.next() => match message {
                        Ok(message) => Some(message),
                        Err(error) => {
                            // The server was away, or the stream is another: from the beginning, and only what is new is handed out.
                            tracing::debug!(job_id = %self.job_id, %error, "output interrupted, reading it again");
                            self.phase = Phase::Waiting;
                            return pause(&self.api.shutdown).await;
                        }
                    },
                    () = tokio::time::sleep(LOOK_EVERY) => None,
                    () = self.api.shutdown.cancelled() => return Ok(()),
                }
            }
        };
        match message {
            Some(message) => self.take(message).await,
            None => self.look(),
        }
    }

    /// Looks whether the job ended or went on to another attempt while nothing was printed.
    fn look(&mut self) -> ApiResult<()> {
        let Some(job) = self.job()? else {
            self.phase = Phase::Over;
            return Ok(());
        };
        if job.outcome().is_some() {
            self.streamed = true;
            self.phase = Phase::Ended(tokio::time::Instant::now());
            return Ok(());
        }
        let Phase::Live(live) = &mut self.phase else { return Ok(()) };
        live.drained = true;
        if let Some((attempt, worker)) = started(&job)
            && attempt > live.log.attempt()
        {
            live.log = Assembler::new(attempt);
            self.turn_to(attempt, &worker);
        }
        Ok(())
    }

    async fn take(&mut self, message: OutputMessage) -> ApiResult<()> {
        let job = self.job()?;
        let Phase::Live(live) = &mut self.phase else { return Ok(()) };
        live.drained = message.pending == 0;
        let attempt = live.log.attempt();
        match live.log.take(&message.header, &message.body) {
            Taken::Nothing | Taken::End { .. } => Ok(()),
            Taken::Corrupt => {
                tracing::warn!(job_id = %self.job_id, %attempt, offset = message.header.offset, "output chunk dropped: its digest is wrong");
                Ok(())
            }
            Taken::Bytes { offset, bytes } => {
                self.hand_out(attempt, offset, &bytes);
                Ok(())
            }
            Taken::Gap { from, to } => {
                live.held = Some(message);
                self.fill(job.as_ref(), attempt, (from, to)).await
            }
            Taken::Newer => self.newer(job.as_ref(), message).await,
        }
    }

    /// Output of a later attempt counts once the ledger says that it started; until then it waits.
    async fn newer(&mut self, job: Option<&Job>, message: OutputMessage) -> ApiResult<()> {
        let announced = message.header.attempt;
        let Phase::Live(live) = &mut self.phase else { return Ok(()) };
        match job.and_then(started) {
            Some((attempt, worker)) if attempt >= announced => {
                live.log = Assembler::new(attempt);
                live.held = Some(message);
                self.turn_to(attempt, &worker);
                Ok(())
            }
            Some(_) | None if job.is_some_and(|job| job.outcome().is_none()) => {
                live.held = Some(message);
                pause(&self.api.shutdown).await
            }
            Some(_) | None => self.look(),
        }
    }

    async fn fill(&mut self, job: Option<&Job>, attempt: Attempt, (from, to): (u64, u64)) -> ApiResult<()> {
        if job.is_some_and(|job| matches!(&job.phase, JobPhase::Ended { set: Some(_), .. })) {
            // The committed set has every byte.
            return self.look();
        }
        let worker = match job.and_then(|job| job.current_numbered(attempt)) {
            Some(record) if record.state.is_live() => self.api.shared.projection.snapshot()?.worker(&record.worker)?,
            Some(_) | None => None,
        };
        let (connection, farm) = (self.api.shared.connection.get(), self.api.shared.config.farm.protocol);
        let agent = connection.zip(worker.as_ref()).map(|(connection, worker)| Agent { connection, farm, worker });
        // An agent that cannot be asked leaves the rest to the set, which has every byte.
        let tells_later = worker.as_ref().is_some_and(|worker| !worker.has(Feature::TAIL));
        let filled = fill(&self.api.shared.store, agent, (&self.job_id, attempt), (from, to)).await;
        let Phase::Live(live) = &mut self.phase else { return Ok(()) };
        match filled {
            Filled::Bytes(bytes) => {
                live.gap_since = None;
                live.log.fill(&bytes);
                self.hand_out(attempt, from, &bytes);
            }
            Filled::Nothing if tells_later || (worker.is_some() && within(&mut live.gap_since, GAP_WITHIN)) => {
                return pause(&self.api.shutdown).await;
            }
            Filled::Nothing => {
                live.gap_since = None;
                live.log.skip_to(to);
                if to > self.at.offset {
                    self.pieces.push_back(Piece::Gap { attempt, from: from.max(self.at.offset), to });
                    self.at.offset = to;
                }
            }
        }
        Ok(())
    }

    /// Hands out what of these bytes the reader does not have.
    fn hand_out(&mut self, attempt: Attempt, offset: u64, bytes: &Bytes) {
        let end = offset + bytes.len() as u64;
        if end <= self.at.offset {
            return;
        }
        let known = usize::try_from(self.at.offset.saturating_sub(offset)).expect("less than the length of the bytes");
        let new = bytes.slice(known..);
        self.pieces.push_back(Piece::Bytes { attempt, offset: offset + known as u64, bytes: new });
        self.at.offset = end;
    }

    /// Goes on from the set, once it can be read.
    async fn open_committed(&mut self, since: tokio::time::Instant) -> ApiResult<()> {
        let snapshot = self.api.shared.projection.snapshot()?;
        let Some((job, run)) = snapshot.job_and_run(&self.job_id)? else {
            self.phase = Phase::Over;
            return Ok(());
        };
        drop(snapshot);
        let opened = match committed(&self.api, &run, &job).await {
            Ok((base, manifest_sha256)) => self.api.shared.store.open_set(&base, manifest_sha256).await.map_err(Into::into),
            Err(error) => Err(error),
        };
        let set = match opened {
            Ok(set) => set,
            Err(_) if since.elapsed() < SET_WITHIN => return pause(&self.api.shutdown).await,
            Err(error) => return Err(error),
        };
        let attempt = attempt_of(&job);
        if matches!(&job.phase, JobPhase::Ended { set: None, .. }) && self.streamed {
            // This reader has what was streamed; the coordinator's own set holds the same, with the gaps marked.
            self.pieces.push_back(Piece::End { attempt: self.at.attempt, bytes: self.at.offset });
            self.phase = Phase::Over;
            return Ok(());
        }
        if self.at.attempt != attempt {
            self.at = Cursor { attempt, offset: 0 };
            if let Some(record) = job.current() {
                self.pieces.push_back(Piece::Attempt { attempt, worker: record.worker.clone() });
            }
        }
        self.phase = Phase::Committed(skipping(set.read(LOG_PATH).await?, self.at.offset));
        Ok(())
    }

    fn committed(&mut self, piece: Option<Result<Bytes, ReadSetError>>) -> ApiResult<()> {
        let Cursor { attempt, offset } = self.at;
        if let Some(bytes) = piece {
            self.hand_out(attempt, offset, &bytes?);
        } else {
            self.pieces.push_back(Piece::End { attempt, bytes: offset });
            self.phase = Phase::Over;
        }
        Ok(())
    }
}

/// Whether less than `limit` has passed since this was first asked.
fn within(since: &mut Option<tokio::time::Instant>, limit: Duration) -> bool {
    since.get_or_insert_with(tokio::time::Instant::now).elapsed() < limit
}

/// Waits a little, for something to be there that is not yet.
async fn pause(shutdown: &CancellationToken) -> ApiResult<()> {
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = tokio::time::sleep(LOOK_EVERY) => {}
    }
    Ok(())
}

/// The attempt that runs, or ran last, and where.
fn started(job: &Job) -> Option<(Attempt, WorkerName)> {
    let record = job.last_started()?;
    Some((record.number, record.worker.clone()))
}
