//! The lease: which coordinator should lead.
//!
//! A key in a bucket whose entries end 15 s after they were written; taking it is `create`, renewing it `update` with the last revision. It
//! says only who *should* lead: what makes a second leader harmless is the expected sequence of every append. A coordinator that has had no
//! renewal acknowledged for 10 s, on a clock that goes on during sleep, no longer holds it, whatever the bucket says.

use std::time::Duration;

use async_nats::jetstream::kv::{CreateErrorKind, Store, UpdateErrorKind};
use rch_schemas::wire::subject::LEADER_KEY;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::{self, Uptime};

/// Between two renewals: a third of the lease.
const RENEW_EVERY: Duration = Duration::from_secs(5);
/// Between two tries to take it, or to renew it after a failure.
const RETRY_EVERY: Duration = Duration::from_secs(1);
/// How long an acknowledged renewal counts: two thirds of the lease, so that the old leader has stopped before a new one can begin.
const HELD_FOR: Duration = Duration::from_secs(10);
/// How often a holder looks at the clock: timers stand still while a machine sleeps, so a deadline is compared, not only slept on.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What everybody may know about the lease.
#[derive(Clone)]
pub(crate) struct Lease {
    until: watch::Receiver<Option<Uptime>>,
}

impl Lease {
    /// Whether this coordinator holds the lease now.
    pub(crate) fn is_held(&self) -> bool {
        self.until.borrow().is_some_and(|until| Uptime::now() < until)
    }

    /// Waits until it is held.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn acquired(&self) {
        let mut until = self.until.clone();
        while !holds(&mut until) {
            if changed_or_time(&mut until).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits until it is no longer held.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn lost(&self) {
        let mut until = self.until.clone();
        while holds(&mut until) && changed_or_time(&mut until).await.is_ok() {}
    }
}

/// Whether the lease is held, by the value that was last sent, which counts as seen from here on: a receiver that has not seen the last value
/// never waits for the next.
fn holds(until: &mut watch::Receiver<Option<Uptime>>) -> bool {
    until.borrow_and_update().is_some_and(|until| Uptime::now() < until)
}

async fn changed_or_time(until: &mut watch::Receiver<Option<Uptime>>) -> Result<(), watch::error::RecvError> {
    tokio::time::timeout(LOOK_EVERY, until.changed()).await.unwrap_or(Ok(()))
}

/// Takes and keeps the lease for as long as the process runs.
pub(crate) struct Keeper {
    store: Store,
    replica: String,
    until: watch::Sender<Option<Uptime>>,
}

impl Keeper {
    /// A keeper for `replica`, a name that only one living process can have: a start of the same replica takes its own lease over at once.
    pub(crate) fn new(store: Store, replica: String) -> (Self, Lease) {
        let (sender, until) = watch::channel(None);
        (Self { store, replica, until: sender }, Lease { until })
    }

    /// Keeps the lease until `shutdown`, then gives it back so that another need not wait for its end.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let mut revision = None;
        loop {
            let pause = tokio::select! {
                () = shutdown.cancelled() => break,
                pause = self.step(&mut revision) => pause,
            };
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.until.send_replace(None);
        if let Some(revision) = revision {
            let given_back = self.store.delete_expect_revision(LEADER_KEY, Some(revision));
            match tokio::time::timeout(RETRY_EVERY, given_back).await {
                Ok(Ok(())) => tracing::debug!("lease given back"),
                Ok(Err(error)) => tracing::debug!(%error, "lease not given back, it ends by itself"),
                Err(_) => tracing::debug!("lease not given back in time, it ends by itself"),
            }
        }
    }

    /// Takes or renews; says when to do it again.
    async fn step(&self, revision: &mut Option<u64>) -> Duration {
        let asked = Uptime::now();
        let outcome = match *revision {
            None => self.take().await,
            Some(last) => self.renew(last).await,
        };
        match outcome {
            Step::Held(now) => {
                *revision = Some(now);
                self.until.send_replace(Some(asked.after(HELD_FOR)));
                RENEW_EVERY
            }
            Step::Other => {
                if revision.take().is_some() {
                    tracing::warn!("the lease is another coordinator's now");
                }
                self.until.send_replace(None);
                RETRY_EVERY + clock::jitter(RETRY_EVERY)
            }
            Step::Unknown(error) => {
                tracing::warn!(error, "the lease could not be renewed");
                RETRY_EVERY
            }
        }
    }

    async fn take(&self) -> Step {
        match self.store.create(LEADER_KEY, self.replica.clone().into()).await {
            Ok(revision) => Step::Held(revision),
            Err(error) if error.kind() == CreateErrorKind::AlreadyExists => self.take_over().await,
            Err(error) => Step::Unknown(error.to_string()),
        }
    }

    /// The lease of an earlier start of this replica, whose process is gone, is taken over; anybody else's is left alone.
    async fn take_over(&self) -> Step {
        match self.store.entry(LEADER_KEY).await {
            Ok(Some(entry)) if entry.value == self.replica.as_bytes() => self.renew(entry.revision).await,
            Ok(_) => Step::Other,
            Err(error) => Step::Unknown(error.to_string()),
        }
    }

    async fn renew(&self, last: u64) -> Step {
        match self.store.update(LEADER_KEY, self.replica.clone().into(), last).await {
            Ok(revision) => Step::Held(revision),
            Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => self.look_again(last).await,
            Err(error) => Step::Unknown(error.to_string()),
        }
    }

    /// A renewal that was refused may have been overtaken by an earlier one of ours whose answer was lost.
    async fn look_again(&self, last: u64) -> Step {
        match self.store.entry(LEADER_KEY).await {
            Ok(Some(entry)) if entry.value == self.replica.as_bytes() && entry.revision > last => Step::Held(entry.revision),
            Ok(_) => Step::Other,
            Err(error) => Step::Unknown(error.to_string()),
        }
    }
}

enum Step {
    Held(u64),
    Other,
    Unknown(String),
}
