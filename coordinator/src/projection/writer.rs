//! The one thread that writes, and the handle everybody else holds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rch_scheduler::Touched;
use rch_schemas::LedgerSeq;
use redb::{Database, Durability};
use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::error::ProjectionError;
use super::rows::{Rows, RunRow, bytes};
use super::snapshot::Snapshot;
use super::table::{ARRIVALS, FARM_KEY, GAPS, JOBS, JUDGEMENTS, META, OLD_JOBS, OLD_JUDGEMENTS, OLD_RUNS, POSITION_KEY, RUNS, WORKERS};
use crate::crash_point;

/// Records that may wait for the writer: it is some twenty times faster than the ledger, so this only covers a durable commit.
const WAITING_MAX: usize = 1_024;
/// Changes a slow follower may fall behind before it must read everything again.
const CHANGES_KEPT: usize = 1_024;
/// How long rows may be in memory only.
const DURABLE_EVERY: Duration = Duration::from_secs(1);

/// One record is now in the projection.
#[derive(Debug)]
pub(crate) struct Applied {
    /// The record.
    pub(crate) seq: LedgerSeq,
    /// The rows it changed.
    pub(crate) touched: Touched,
}

/// A handle to the projection.
#[derive(Clone)]
pub(crate) struct Projection {
    database: Arc<Database>,
    waiting: mpsc::Sender<Rows>,
    applied: watch::Receiver<LedgerSeq>,
    changes: broadcast::Sender<Arc<Applied>>,
    /// Where the ledger ended when it was read for the first time; nothing before that.
    floor: Arc<watch::Sender<Option<LedgerSeq>>>,
    failed: CancellationToken,
}

impl Projection {
    /// Starts the writer. `failed` is cancelled when the database fails: the process must end then.
    ///
    /// # Errors
    /// When the database cannot be read, or no thread can be started.
    pub(crate) fn start(database: Arc<Database>, failed: CancellationToken) -> Result<Self, ProjectionError> {
        let at = Snapshot::of(&database)?.position()?.seq;
        let (waiting, rows) = mpsc::channel(WAITING_MAX);
        let (applied_tx, applied) = watch::channel(at);
        let (changes, _) = broadcast::channel(CHANGES_KEPT);
        let writer = Writer { database: Arc::clone(&database), rows, applied: applied_tx, changes: changes.clone() };
        let (runtime, on_failure) = (tokio::runtime::Handle::current(), failed.clone());
        let run = move || {
            if let Err(error) = writer.run(&runtime) {
                tracing::error!(error = &error as &dyn std::error::Error, "the projection failed, the process ends");
                on_failure.cancel();
            }
        };
        let thread = std::thread::Builder::new().name("projection".to_owned()).spawn(run);
        thread.map_err(|source| ProjectionError::Directory { path: "thread".into(), source })?;
        Ok(Self { database, waiting, applied, changes, floor: Arc::new(watch::Sender::new(None)), failed })
    }

    /// Hands rows to the writer; waits when it is far behind.
    pub(crate) async fn write(&self, rows: Rows) -> Result<(), ProjectionError> {
        self.waiting.send(rows).await.map_err(|_| ProjectionError::Stopped)
    }

    /// The moment now, for reading. An error ends the process.
    pub(crate) fn snapshot(&self) -> Result<Snapshot, ProjectionError> {
        Snapshot::of(&self.database)
    }

    /// The last record in the projection.
    pub(crate) fn applied(&self) -> LedgerSeq {
        *self.applied.borrow()
    }

    /// Waits until record `seq` is in the projection; false when the writer ended before.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn wait_for(&self, seq: LedgerSeq) -> bool {
        self.applied.clone().wait_for(|applied| *applied >= seq).await.is_ok()
    }

    /// The ledger was read to its end, which was `seq`; only the first time counts.
    pub(crate) fn set_floor(&self, seq: LedgerSeq) {
        self.floor.send_if_modified(|floor| floor.is_none() && floor.replace(seq).is_none());
    }

    /// Waits until everything is here that the ledger held when this process first read it to its end; false when the writer ended before. What is read
    /// earlier may lack the last second before a crash, or all of it: rows are in memory before they are on the disk.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn wait_for_floor(&self) -> bool {
        let floor = self.floor.subscribe().wait_for(Option::is_some).await.ok().and_then(|floor| *floor);
        match floor {
            Some(seq) => self.wait_for(seq).await,
            None => false,
        }
    }

    /// Every record from now on, as it comes into the projection.
    pub(crate) fn changes(&self) -> broadcast::Receiver<Arc<Applied>> {
        self.changes.subscribe()
    }

    /// The database failed while it was read: the process must end.
    pub(crate) fn fail(&self, error: &ProjectionError) {
        tracing::error!(error = error as &dyn std::error::Error, "the projection failed, the process ends");
        self.failed.cancel();
    }
}

struct Writer {
    database: Arc<Database>,
    rows: mpsc::Receiver<Rows>,
    applied: watch::Sender<LedgerSeq>,
    changes: broadcast::Sender<Arc<Applied>>,
}

impl Writer {
    /// Writes until every handle is gone. What is not durable is made so at least each [`DURABLE_EVERY`] and at the end.
    fn run(mut self, runtime: &tokio::runtime::Handle) -> Result<(), ProjectionError> {
        let mut undurable_since: Option<Instant> = None;
        loop {
            let next = match undurable_since {
                None => runtime.block_on(self.rows.recv()).map(Some),
                Some(since) => {
                    let left = DURABLE_EVERY.saturating_sub(since.elapsed());
                    let timely = runtime.block_on(async { tokio::time::timeout(left, self.rows.recv()).await });
                    timely.map_or(Some(None), |received| received.map(Some))
                }
            };
            match next {
                Some(Some(rows)) => {
                    let durable = undurable_since.is_some_and(|since| since.elapsed() >= DURABLE_EVERY);
                    self.write(rows, durable)?;
                    undurable_since = if durable { None } else { undurable_since.or_else(|| Some(Instant::now())) };
                }
                Some(None) => {
                    self.make_durable()?;
                    undurable_since = None;
                }
                None => {
                    return if undurable_since.is_some() { self.make_durable() } else { Ok(()) };
                }
            }
        }
    }

    fn write(&self, rows: Rows, durable: bool) -> Result<(), ProjectionError> {
        let tells_of_runs = !rows.runs.is_empty();
        if tells_of_runs {
            crash_point::reached("rows.writing");
        }
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(if durable { Durability::Immediate } else { Durability::None })?;
        transaction.set_quick_repair(durable);
        write_rows(&transaction, &rows)?;
        transaction.commit()?;
        if tells_of_runs {
            crash_point::reached("rows.written");
        }
        let seq = rows.position.seq;
        self.applied.send_replace(seq);
        // Nobody following is no error.
        let _ = self.changes.send(Arc::new(Applied { seq, touched: rows.touched }));
        Ok(())
    }

    fn make_durable(&self) -> Result<(), ProjectionError> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_quick_repair(true);
        transaction.commit()?;
        Ok(())
    }
}

fn write_rows(transaction: &redb::WriteTransaction, rows: &Rows) -> Result<(), ProjectionError> {
    let mut meta = transaction.open_table(META)?;
    meta.insert(POSITION_KEY, bytes(&rows.position).as_slice())?;
    if let Some(farm) = &rows.farm {
        meta.insert(FARM_KEY, farm.as_slice())?;
    }
    let mut workers = transaction.open_table(WORKERS)?;
    for (name, row) in &rows.workers {
        workers.insert(name.as_str(), row.as_slice())?;
    }
    write_judgements(transaction, &rows.judgements)?;
    let mut jobs = transaction.open_table(JOBS)?;
    for (job_id, row) in &rows.jobs {
        jobs.insert(job_id.as_str(), row.as_slice())?;
    }
    drop(jobs);
    for row in &rows.runs {
        match row {
            RunRow::Kept { run_id, accepted, has_gap, bytes } => {
                let mut gaps = transaction.open_table(GAPS)?;
                if *has_gap {
                    gaps.insert(run_id.as_str(), ())?;
                } else {
                    gaps.remove(run_id.as_str())?;
                }
                transaction.open_table(RUNS)?.insert(run_id.as_str(), bytes.as_slice())?;
                transaction.open_table(ARRIVALS)?.insert(*accepted, run_id.as_str())?;
            }
            RunRow::Forgotten { run_id } => forget(transaction, run_id.as_str())?,
        }
    }
    Ok(())
}

/// Writes judgements, and moves those that left the state to the old ones.
fn write_judgements(transaction: &redb::WriteTransaction, rows: &[(String, Option<Vec<u8>>)]) -> Result<(), ProjectionError> {
    if rows.is_empty() {
        return Ok(());
    }
    let (mut judgements, mut old) = (transaction.open_table(JUDGEMENTS)?, transaction.open_table(OLD_JUDGEMENTS)?);
    for (sha256, row) in rows {
        if let Some(row) = row {
            judgements.insert(sha256.as_str(), row.as_slice())?;
        } else if let Some(row) = judgements.remove(sha256.as_str())?.map(|row| row.value().to_vec()) {
            old.insert(sha256.as_str(), row.as_slice())?;
        }
    }
    Ok(())
}

/// Moves a run and its jobs to the old ones.
fn forget(transaction: &redb::WriteTransaction, run_id: &str) -> Result<(), ProjectionError> {
    let Some(row) = transaction.open_table(RUNS)?.remove(run_id)?.map(|row| row.value().to_vec()) else { return Ok(()) };
    transaction.open_table(OLD_RUNS)?.insert(run_id, row.as_slice())?;
    let run: rch_scheduler::Run =
        serde_json::from_slice(&row).map_err(|source| ProjectionError::Row { table: "runs", key: run_id.to_owned(), source })?;
    let (mut jobs, mut old_jobs) = (transaction.open_table(JOBS)?, transaction.open_table(OLD_JOBS)?);
    for job_id in run.jobs() {
        let row = jobs.remove(job_id.as_str())?.map(|row| row.value().to_vec());
        if let Some(row) = row {
            old_jobs.insert(job_id.as_str(), row.as_slice())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use rch_scheduler::{State, StateRows};
    use rch_schemas::Sha256;

    use super::super::open;
    use super::*;
    use crate::ledger::Position;

    fn position(seq: u64) -> Position {
        Position {
            ledger_id: Some("ledger-0001".parse().unwrap()),
            seq: LedgerSeq(seq),
            digest: Some(Sha256::of("x")),
            ..Position::default()
        }
    }

    #[tokio::test]
    async fn the_floor_is_the_end_of_the_first_reading_and_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let projection = Projection::start(open(dir.path()).unwrap().database, CancellationToken::new()).unwrap();
        let here = projection.wait_for_floor();
        tokio::pin!(here);
        assert!(futures_util::poll!(&mut here).is_pending(), "nobody has read the ledger");
        projection.set_floor(LedgerSeq(1));
        assert!(futures_util::poll!(&mut here).is_pending(), "record 1 is not here");

        projection.write(Rows::of(&State::from_rows(StateRows::default()), position(1), Touched::default())).await.unwrap();
        assert!(here.await);
        projection.set_floor(LedgerSeq(9));
        assert!(projection.wait_for_floor().await, "only the first reading counts");
    }

    #[tokio::test]
    async fn what_was_written_is_there_after_a_restart_and_followers_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let failed = CancellationToken::new();
        let projection = Projection::start(open(dir.path()).unwrap().database, failed.clone()).unwrap();
        let mut changes = projection.changes();
        let state = State::from_rows(StateRows { term: 3, ..StateRows::default() });
        let touched = Touched { meta: true, ..Touched::default() };
        projection.write(Rows::of(&state, position(1), touched)).await.unwrap();
        assert!(projection.wait_for(LedgerSeq(1)).await);
        assert_eq!(changes.recv().await.unwrap().seq, LedgerSeq(1));
        assert_eq!(projection.snapshot().unwrap().farm().unwrap().term, 3);

        drop(changes);
        drop(projection);
        let reopened = loop {
            // The writer's thread makes the last rows durable before it lets go of the file.
            match open(dir.path()) {
                Ok(opened) => break opened,
                Err(ProjectionError::InUse { .. }) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        };
        let snapshot = Snapshot::of(&reopened.database).unwrap();
        assert_eq!((snapshot.position().unwrap(), snapshot.farm().unwrap().term), (position(1), 3));
        assert!(!failed.is_cancelled());
    }
}
