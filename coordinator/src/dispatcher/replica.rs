//! The state and how far it has come: read from the projection, brought up by the ledger.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rch_scheduler::{Agenda, State, Touched, apply};
use rch_schemas::LedgerSeq;

use crate::ledger::{JetStreamLog, Position, Record, TailError, check_applied, read_page};
use crate::projection::{Projection, ProjectionError, Rows};

/// Why this coordinator cannot go on; the process ends with these words.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplicaError {
    #[error("the projection cannot be used")]
    Projection(#[from] ProjectionError),
    #[error("the ledger cannot be followed")]
    Tail(#[from] TailError),
    #[error(
        "record {seq} of the ledger cannot be applied: {message}. This is a bug of rch-coordinator; keep the ledger and start the build that wrote the record"
    )]
    Apply { seq: LedgerSeq, message: String },
}

impl ReplicaError {
    /// Whether trying again may help.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Tail(error) => error.is_passing(),
            Self::Projection(_) | Self::Apply { .. } => false,
        }
    }
}

/// The state at a position of the ledger.
pub(super) struct Replica {
    pub(super) state: State,
    /// What a leader has still to look at.
    pub(super) agenda: Agenda,
    pub(super) position: Position,
    /// The last record whose rows were handed to the projection.
    pub(super) written: LedgerSeq,
}

impl Replica {
    /// What the projection holds, once it has written everything it was handed.
    pub(super) async fn load(projection: &Projection, at_least: LedgerSeq) -> Result<Self, ReplicaError> {
        if !projection.wait_for(at_least).await {
            return Err(ProjectionError::Stopped.into());
        }
        let snapshot = projection.snapshot()?;
        let position = snapshot.position()?;
        let state = State::from_rows(snapshot.state_rows()?);
        Ok(Self { state, agenda: Agenda::everything(), written: position.seq, position })
    }

    /// Refuses a ledger that does not hold what was applied.
    pub(super) async fn check(&self, log: &JetStreamLog) -> Result<(), ReplicaError> {
        Ok(check_applied(log, &self.position).await?)
    }

    /// Applies everything up to the end of the ledger.
    pub(super) async fn catch_up(&mut self, log: &JetStreamLog, projection: &Projection) -> Result<(), ReplicaError> {
        loop {
            let page = read_page(log, &self.position).await?;
            if page.is_empty() {
                self.agenda = Agenda::everything();
                return Ok(());
            }
            for (record, after) in page {
                let touched = self.apply(&record, &after)?;
                self.written = after.seq;
                projection.write(Rows::of(&self.state, after, touched)).await?;
            }
        }
    }

    /// Applies one record that is in the ledger.
    fn apply(&mut self, record: &Record, after: &Position) -> Result<Touched, ReplicaError> {
        let stamp = record.stamp(after.seq);
        let state = &mut self.state;
        let applied = catch_unwind(AssertUnwindSafe(|| {
            let mut touched = Touched::default();
            for (index, event) in (0..).zip(record.events()) {
                touched.merge(apply(state, &stamp, index, event));
            }
            touched
        }));
        self.position = after.clone();
        applied.map_err(|panic| ReplicaError::Apply { seq: after.seq, message: panic_message(panic.as_ref()) })
    }
}

/// The words of a panic.
pub(super) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panicked without words".to_owned())
}
