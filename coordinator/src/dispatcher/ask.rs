//! How others ask for a decision.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rch_scheduler::{CommandBody, Reply};
use rch_schemas::wire::WireError;
use rch_schemas::wire::http::Problem;
use rch_schemas::{LedgerSeq, Reason, RequestId};
use tokio::sync::{mpsc, oneshot, watch};

use super::hearing::Heard;
use crate::nats::Link;

/// How long a caller waits for an answer while NATS answers: a slow disk syncs in tens of milliseconds, a full record in hundreds.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long a caller waits while NATS is away, or does not acknowledge.
const ANSWER_WITHIN_AWAY: Duration = Duration::from_secs(2);
/// How often it is looked whether NATS still answers.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// One command on its way to the state.
#[derive(Debug)]
pub(crate) struct Ask {
    /// Who asks.
    pub(crate) actor: String,
    /// The id of the request, for the record.
    pub(crate) request_id: Option<RequestId>,
    /// What is asked.
    pub(crate) body: CommandBody,
    /// Where the answer goes; `None` when nobody waits for one.
    pub(super) answer: Option<oneshot::Sender<Answer>>,
}

impl Ask {
    /// A command of the coordinator itself.
    pub(super) fn own(body: CommandBody) -> Self {
        Self { actor: "coordinator".to_owned(), request_id: None, body, answer: None }
    }

    /// Whether whoever asked has gone.
    pub(super) fn is_abandoned(&self) -> bool {
        self.answer.as_ref().is_some_and(oneshot::Sender::is_closed)
    }

    /// The answer that refuses this command for a reason the scheduler does not know.
    pub(super) fn refusal(&self, status: u16, code: Reason, detail: &str) -> Reply {
        match &self.body {
            CommandBody::Report { .. } => Reply::NotAccepted(WireError::new(code, detail)),
            CommandBody::Lead { .. }
            | CommandBody::Configure(_)
            | CommandBody::Submit(_)
            | CommandBody::Preview(_)
            | CommandBody::CancelRun { .. }
            | CommandBody::CancelJob { .. }
            | CommandBody::SetIntake { .. }
            | CommandBody::RemoveWorker { .. }
            | CommandBody::SourceRestored { .. }
            | CommandBody::Tick => Reply::Refused(Box::new(Problem::new(status, code, detail))),
        }
    }
}

/// What was decided, once the ledger holds it.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The scheduler's reply.
    pub(crate) reply: Reply,
    /// The newest record it rests on.
    pub(crate) seq: LedgerSeq,
    /// Whether the command made something happen.
    pub(crate) recorded: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AskError {
    #[error("this coordinator does not lead now; try again in a few seconds")]
    NotLeading,
    #[error("too many requests wait already; try again in a few seconds")]
    Overloaded,
    #[error("the ledger did not answer in time; it is not known whether the request took effect")]
    Unknown,
}

/// Which queue a command waits in; they are served in this order, each with a minimum share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Queue {
    /// What agents report.
    Reports,
    /// Operators, and cancels.
    Operators,
    /// Submissions and previews.
    Submissions,
}

/// The handle through which everybody else asks.
#[derive(Clone)]
pub(crate) struct Asks {
    pub(super) reports: mpsc::Sender<Ask>,
    pub(super) operators: mpsc::Sender<Ask>,
    pub(super) submissions: mpsc::Sender<Ask>,
    pub(super) heard: mpsc::Sender<Heard>,
    /// Whether something that was heard found no room.
    pub(super) unheard: Arc<AtomicBool>,
    pub(super) leading: watch::Receiver<bool>,
    pub(super) link: watch::Receiver<Link>,
    pub(super) stalled: watch::Receiver<bool>,
}

impl Asks {
    /// Whether commands are decided here now.
    pub(crate) fn is_leading(&self) -> bool {
        *self.leading.borrow()
    }

    /// Whether there is a connection to NATS.
    pub(crate) fn is_connected(&self) -> bool {
        self.link.borrow().connected
    }

    /// Queues a command, or says at once why not; the answer comes through the receiver.
    pub(crate) fn queue(
        &self,
        queue: Queue,
        actor: String,
        request_id: Option<RequestId>,
        body: CommandBody,
    ) -> Result<oneshot::Receiver<Answer>, AskError> {
        if !self.is_leading() {
            return Err(AskError::NotLeading);
        }
        let sender = match queue {
            Queue::Reports => &self.reports,
            Queue::Operators => &self.operators,
            Queue::Submissions => &self.submissions,
        };
        let (answer, answered) = oneshot::channel();
        let ask = Ask { actor, request_id, body, answer: Some(answer) };
        sender.try_send(ask).map_err(|_| AskError::Overloaded)?;
        Ok(answered)
    }

    /// Waits for an answer: ten seconds, but two while NATS is away or does not acknowledge.
    ///
    /// # Errors
    /// [`AskError::Unknown`] when the time is over or the term ended: the command may still be, or have been, recorded.
    pub(crate) async fn wait(&self, mut answered: oneshot::Receiver<Answer>) -> Result<Answer, AskError> {
        let deadline = tokio::time::Instant::now() + ANSWER_WITHIN;
        let mut patience = ANSWER_WITHIN_AWAY;
        loop {
            if let Ok(answer) = tokio::time::timeout(patience, &mut answered).await {
                return answer.map_err(|_| AskError::Unknown);
            }
            let away = !self.is_connected() || *self.stalled.borrow();
            if away || tokio::time::Instant::now() >= deadline {
                return Err(AskError::Unknown);
            }
            patience = LOOK_EVERY;
        }
    }

    /// Queues a command and waits for its answer.
    pub(crate) async fn ask(
        &self,
        queue: Queue,
        actor: String,
        request_id: Option<RequestId>,
        body: CommandBody,
    ) -> Result<Answer, AskError> {
        self.wait(self.queue(queue, actor, request_id, body)?).await
    }

    /// Tells what was heard. When the state's owner is far behind it is dropped, and the owner learns that it has missed something: silence that
    /// it sees then proves nothing.
    pub(crate) fn tell(&self, heard: Heard) {
        if self.heard.try_send(heard).is_err() {
            self.unheard.store(true, Ordering::Release);
        }
    }
}
