//! The tasks that read the streams, and resume them.

use std::sync::Arc;

use rch_schemas::wire::http::{LogEvent, RunEvent};
use rch_schemas::{JobId, Reason, RunId};
use tokio::sync::mpsc;

use super::cursor::{Cursor, Piece, Skip};
use crate::farm::{Backoff, Events, FarmClient, FarmError, read};

/// What the tasks read.
#[derive(Debug)]
pub(super) enum News {
    /// A change of the run.
    Run(Box<RunEvent>),
    /// A part of a job's log.
    Log {
        /// The job.
        job_id: JobId,
        /// The part.
        piece: Piece,
    },
    /// The coordinator is out of reach; said once until it is back.
    Lost(String),
    /// It is back.
    Back,
    /// The run cannot be followed.
    Failed(FarmError),
}

/// Reads the changes of a run until nobody listens any more.
pub(super) async fn read_run(client: Arc<FarmClient>, run_id: RunId, tx: mpsc::Sender<News>) {
    let mut reader = RunReader { after: None, lost: false, backoff: Backoff::default(), tx };
    loop {
        let outcome = match client.run_events(&run_id, reader.after.as_deref()).await {
            Ok(events) => reader.read(&client, events).await,
            Err(error) => Err(error),
        };
        if reader.pause_after(outcome).await.is_none() {
            return;
        }
    }
}

struct RunReader {
    after: Option<String>,
    lost: bool,
    backoff: Backoff,
    tx: mpsc::Sender<News>,
}

impl RunReader {
    /// Reads one connection to its end.
    async fn read(&mut self, client: &FarmClient, mut events: Events) -> Result<(), FarmError> {
        while let Some(event) = events.next().await? {
            if std::mem::take(&mut self.lost) {
                // A listener that is gone is noticed at the next send.
                let _ = self.tx.send(News::Back).await;
            }
            self.backoff.reset();
            if let Some(event) = known(&event.data)? {
                client.has_seen(event.ledger_seq);
                let _ = self.tx.send(News::Run(Box::new(event))).await;
            }
            self.after = event.id.or(self.after.take());
        }
        Ok(())
    }

    /// Waits before the next connection; `None` when there is to be none.
    async fn pause_after(&mut self, outcome: Result<(), FarmError>) -> Option<()> {
        if self.tx.is_closed() {
            return None;
        }
        let pause = match outcome {
            Ok(()) => self.backoff.next(None),
            Err(error) if error.is_passing() => {
                if !std::mem::replace(&mut self.lost, true) {
                    self.tx.send(News::Lost(error.brief())).await.ok()?;
                }
                self.backoff.next(error.retry_after())
            }
            Err(error) => {
                let _ = self.tx.send(News::Failed(error)).await;
                return None;
            }
        };
        tokio::time::sleep(pause).await;
        Some(())
    }
}

/// The event, unless it is of a kind that only newer programs know. An event of a known kind that cannot be read is an error: waiting for
/// the end of a run that is never understood would be worse.
fn known(data: &str) -> Result<Option<RunEvent>, FarmError> {
    let error = match read(data.as_bytes()) {
        Ok(event) => return Ok(Some(event)),
        Err(error) => error,
    };
    let kind =
        serde_json::from_str::<serde_json::Value>(data).ok().and_then(|value| value.pointer("/change/type")?.as_str().map(str::to_owned));
    match kind.as_deref() {
        Some("run" | "source_missing") | None => Err(FarmError::Answer {
            url: "the run's events".to_owned(),
            status: 200,
            expected: "a run event".to_owned(),
            found: error.to_string(),
        }),
        Some(_) => Ok(None),
    }
}

/// Reads a job's log from `cursor` to its end.
pub(super) async fn read_log(client: Arc<FarmClient>, job_id: JobId, cursor: Cursor, tx: mpsc::Sender<News>) {
    let mut reader = LogReader { job_id, cursor, refused: None, tx };
    let mut backoff = Backoff::default();
    loop {
        let (before, asked) = (reader.cursor, reader.connection(&client).await);
        match asked {
            Ended::Complete | Ended::NobodyListens => return,
            Ended::Broken => {}
        }
        if reader.cursor != before {
            backoff.reset();
        }
        tokio::time::sleep(backoff.next(None)).await;
    }
}

struct LogReader {
    job_id: JobId,
    cursor: Cursor,
    /// Where the stream did not go on at the cursor. When it does so again, those bytes are given up.
    refused: Option<(Cursor, u64)>,
    tx: mpsc::Sender<News>,
}

/// How one connection to a log ended.
enum Ended {
    Complete,
    Broken,
    NobodyListens,
}

impl LogReader {
    async fn connection(&mut self, client: &FarmClient) -> Ended {
        let mut events = match client.job_log(&self.job_id, &self.cursor.to_string()).await {
            Ok(events) => events,
            // No output yet, or none that is to be had: the run's own events say whether any will come.
            Err(error) if error.code() == Some(Reason::NotFound) && self.tx.is_closed() => return Ended::NobodyListens,
            Err(_) => return if self.tx.is_closed() { Ended::NobodyListens } else { Ended::Broken },
        };
        while let Ok(Some(event)) = events.next().await {
            // Kinds that only newer programs know are passed over; the offsets tell if bytes were in them.
            let Ok(event) = serde_json::from_str::<LogEvent>(&event.data) else { continue };
            let Some(pieces) = self.take(event) else { return Ended::Broken };
            for piece in pieces {
                let is_end = matches!(piece, Piece::End { .. });
                if self.tx.send(News::Log { job_id: self.job_id.clone(), piece }).await.is_err() {
                    return Ended::NobodyListens;
                }
                if is_end {
                    return Ended::Complete;
                }
            }
        }
        if self.tx.is_closed() { Ended::NobodyListens } else { Ended::Broken }
    }

    /// What is new of an event; `None` when the stream is to be read again from the cursor.
    fn take(&mut self, event: LogEvent) -> Option<Vec<Piece>> {
        match self.cursor.take(event.clone()) {
            Ok(pieces) => Some(pieces),
            Err(Skip::Bytes { found, .. }) if self.refused == Some((self.cursor, found)) => {
                let mut pieces = vec![self.cursor.give_up(found)];
                pieces.extend(self.cursor.take(event).ok()?);
                Some(pieces)
            }
            Err(Skip::Bytes { found, .. }) => {
                self.refused = Some((self.cursor, found));
                None
            }
            Err(Skip::Encoding) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use rch_schemas::wire::http::MIN_SEQ_HEADER;

    use super::super::tests::run;
    use super::*;
    use crate::farm::fake::{Answer, Fake};

    #[tokio::test]
    async fn what_an_event_told_is_not_unsaid_by_a_coordinator_that_is_behind() {
        let view = run("SUCCEEDED", &serde_json::json!({}), &serde_json::json!({}));
        let change = serde_json::json!({ "type": "run", "run": view });
        let event = serde_json::json!({ "ledger_seq": 7, "at": "2026-01-01T00:00:00Z", "change": change });
        let answer = Answer::events(&[("7.0", event)]).with("Rch-Ledger-Seq", "5");
        let fake = Fake::serve(move |_| answer.clone()).await;
        let client = Arc::new(FarmClient::new(fake.url.clone()).unwrap());
        let (tx, mut news) = mpsc::channel(8);
        let run_id: RunId = "run-0000001".parse().unwrap();
        let mut reading = tokio::task::JoinSet::new();
        reading.spawn(read_run(Arc::clone(&client), run_id.clone(), tx));
        assert!(matches!(news.recv().await, Some(News::Run(_))));

        let _ = client.run_file(&run_id, "run_summary.json", 1_000).await;
        let asked = fake.asked().into_iter().find(|asked| asked.what.contains("run_summary")).unwrap();
        assert_eq!(asked.headers[MIN_SEQ_HEADER], "7");
    }
}
