//! The loop that receives what the streams bring, and ends with the run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rch_schemas::wire::http::{RunChange, RunEvent, RunView};
use rch_schemas::{LedgerSeq, RunId, Sha256};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::story::{Story, Telling};
use super::streams::{News, read_log, read_run};
use crate::error::CommandError;
use crate::farm::{Backoff, FarmClient, FarmError};
use crate::interrupt::Interrupts;
use crate::output::{Label, Reporter, count};
use crate::source::Source;
use crate::upload::{Uploaded, upload};

/// Parts of logs and events on their way to the loop: enough that a fast log does not wait for a slow terminal at every line.
const NEWS_WAITING: usize = 256;
/// How often waiting is looked at when nothing comes.
const TICK: Duration = Duration::from_secs(1);
/// How long a cancelled run may take to end before we leave.
const CANCEL_PATIENCE: Duration = Duration::from_secs(10);

/// What Ctrl-C means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnInterrupt {
    /// The run is ours: it is cancelled.
    Cancel,
    /// We only look on: we leave, the run goes on.
    Leave,
}

/// What is followed.
pub(crate) struct Following {
    /// The coordinator.
    pub(crate) client: Arc<FarmClient>,
    /// The run as it was accepted or found.
    pub(crate) run: RunView,
    /// How it is told.
    pub(crate) telling: Telling,
    /// The tree, when it is here: chunks that the farm lost are sent again.
    pub(crate) source: Option<Source>,
    /// What Ctrl-C means.
    pub(crate) on_interrupt: OnInterrupt,
}

/// How following ended.
pub(crate) struct Followed {
    /// What was told; holds the run as it was last heard.
    pub(crate) story: Story,
    /// What came of the user's wish to stop, if there was one.
    pub(crate) stopped: Option<Stopped>,
}

/// What a wish to stop came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// The run has ended, or the farm knows that it is to end.
    Cancelled,
    /// We only looked on; the run goes on.
    Left,
    /// The farm did not say that it heard of it: the run may go on.
    Unheard,
}

/// What one turn of the loop is about.
enum Event {
    News(News),
    Done(Done),
    Interrupt,
    GaveUp,
    Tick,
}

/// What a task came to.
enum Done {
    Stream,
    Uploaded(Result<Uploaded, CommandError>),
    Cancelled(Result<(), FarmError>),
}

/// Follows a run to its end.
pub(crate) async fn follow(what: Following, reporter: &mut Reporter, interrupts: &mut Interrupts) -> Result<Followed, CommandError> {
    let (tx, mut rx) = mpsc::channel(NEWS_WAITING);
    let mut tasks = JoinSet::new();
    let run_id = what.run.plan.run_id.clone();
    let reader = read_run(Arc::clone(&what.client), run_id, tx.clone());
    tasks.spawn(async move {
        reader.await;
        Done::Stream
    });
    let story = Story::new(what.run.clone(), what.telling.clone(), Instant::now());
    let mut watch = Watch { story, what, reporter, tasks, tx, heard: LedgerSeq(0), gives_up: None, cancel_heard: false, leaves: false };
    watch.hear(watch.what.run.clone());
    let mut ticks = tokio::time::interval(TICK);
    while !watch.is_over() {
        let deadline = watch.gives_up.map(tokio::time::Instant::from_std);
        let event = tokio::select! {
            Some(news) = rx.recv() => Event::News(news),
            Some(done) = watch.tasks.join_next() => Event::Done(done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))),
            () = interrupts.asked(1), if deadline.is_none() => Event::Interrupt,
            () = tokio::time::sleep_until(deadline.unwrap_or_else(tokio::time::Instant::now)), if deadline.is_some() => Event::GaveUp,
            _ = ticks.tick() => Event::Tick,
        };
        watch.handle(event)?;
    }
    watch.reporter.live(None);
    Ok(Followed { stopped: watch.stopped(), story: watch.story })
}

struct Watch<'a> {
    story: Story,
    what: Following,
    reporter: &'a mut Reporter,
    tasks: JoinSet<Done>,
    tx: mpsc::Sender<News>,
    /// The newest record heard of: an older state that comes late is not news.
    heard: LedgerSeq,
    gives_up: Option<Instant>,
    /// Whether the farm has answered that the run is to end.
    cancel_heard: bool,
    leaves: bool,
}

impl Watch<'_> {
    fn is_over(&self) -> bool {
        self.leaves || self.story.is_over()
    }

    fn stopped(&self) -> Option<Stopped> {
        match self.what.on_interrupt {
            OnInterrupt::Leave => self.leaves.then_some(Stopped::Left),
            OnInterrupt::Cancel if self.gives_up.is_none() => None,
            OnInterrupt::Cancel if self.cancel_heard || self.story.is_over() => Some(Stopped::Cancelled),
            OnInterrupt::Cancel => Some(Stopped::Unheard),
        }
    }

    fn handle(&mut self, event: Event) -> Result<(), CommandError> {
        match event {
            Event::News(news) => self.take(news)?,
            Event::Done(done) => self.done(done),
            Event::Interrupt => self.interrupt(),
            Event::GaveUp => {
                if self.cancel_heard {
                    self.reporter.fact(&Label::Notice, "the run has not ended yet; it is being cancelled, and ends without us");
                }
                self.leaves = true;
            }
            Event::Tick => {}
        }
        self.advance();
        Ok(())
    }

    fn take(&mut self, news: News) -> Result<(), CommandError> {
        match news {
            News::Run(event) => self.change(*event),
            News::Log { job_id, piece } => self.story.piece(&job_id, piece, self.reporter),
            News::Lost(cause) => self.reporter.fact(&Label::Connection, &format!("lost: {cause}; trying until it is back")),
            News::Back => self.reporter.fact(&Label::Connection, "back"),
            News::Failed(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn change(&mut self, event: RunEvent) {
        match event.change {
            RunChange::Run { run } if event.ledger_seq >= self.heard => {
                self.heard = event.ledger_seq;
                self.hear(*run);
            }
            RunChange::Run { .. } => {}
            RunChange::SourceMissing { missing } => self.send_again(missing),
        }
    }

    fn hear(&mut self, run: RunView) {
        self.story.update(run, Instant::now(), self.reporter);
        self.advance();
    }

    fn advance(&mut self) {
        for wanted in self.story.advance(Instant::now(), self.reporter) {
            let reader = read_log(Arc::clone(&self.what.client), wanted.job_id, wanted.cursor, self.tx.clone());
            self.tasks.spawn(async move {
                reader.await;
                Done::Stream
            });
        }
    }

    fn send_again(&mut self, missing: Vec<Sha256>) {
        let Some(source) = self.what.source.clone() else {
            self.reporter.fact(&Label::Notice, "the farm lost a part of the source; whoever submitted the run can send it again");
            return;
        };
        self.reporter.fact(&Label::Uploading, &format!("{} again, since the farm lost them", count(missing.len() as u64, "chunk")));
        let client = Arc::clone(&self.what.client);
        self.tasks.spawn(async move { Done::Uploaded(upload(&client, &source, &missing, |_| ()).await) });
    }

    fn interrupt(&mut self) {
        match self.what.on_interrupt {
            OnInterrupt::Leave => self.leaves = true,
            OnInterrupt::Cancel => {
                self.gives_up = Some(Instant::now() + CANCEL_PATIENCE);
                let (client, run_id) = (Arc::clone(&self.what.client), self.what.run.plan.run_id.clone());
                self.reporter.fact(&Label::Cancelling, &format!("run {run_id} (Ctrl-C again leaves at once)"));
                self.tasks.spawn(async move { Done::Cancelled(cancel(&client, &run_id).await) });
            }
        }
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Stream | Done::Uploaded(Ok(_)) => {}
            Done::Cancelled(Ok(())) => self.cancel_heard = true,
            Done::Uploaded(Err(error)) => {
                self.reporter.fact(&Label::Notice, &format!("the source could not be sent again: {}", error.sentence()));
            }
            Done::Cancelled(Err(error)) => self.reporter.fact(&Label::Notice, &format!("the run could not be cancelled: {error}")),
        }
    }
}

/// Asks for the run to be cancelled, again while the coordinator is out of reach: we leave before this gives up.
async fn cancel(client: &FarmClient, run_id: &RunId) -> Result<(), FarmError> {
    let mut backoff = Backoff::default();
    loop {
        match client.cancel_run(run_id).await {
            Ok(_) => return Ok(()),
            Err(error) if error.is_passing() => tokio::time::sleep(backoff.next(error.retry_after())).await,
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::run;
    use super::*;
    use crate::cli::LogMode;
    use crate::output::xcodebuild::TreePaths;
    use crate::output::{Captured, Style};

    /// What comes of one Ctrl-C when the farm answers so and the run does not end, and what is said.
    fn interrupted(on_interrupt: OnInterrupt, answer: Option<Done>) -> (Option<Stopped>, String) {
        let (mut reporter, captured) = Captured::reporter(Style::Human);
        let what = Following {
            client: Arc::new(FarmClient::new("http://127.0.0.1:9/".parse().expect("a URL")).expect("a client")),
            run: run("QUEUED", &json!({}), &json!({})),
            telling: Telling { log: LogMode::None, paths: TreePaths::default(), only: None },
            source: None,
            on_interrupt,
        };
        let story = Story::new(what.run.clone(), what.telling.clone(), Instant::now());
        let (tx, tasks) = (mpsc::channel(1).0, JoinSet::new());
        let (reporter, heard) = (&mut reporter, LedgerSeq(0));
        let mut watch = Watch { story, what, reporter, tasks, tx, heard, gives_up: None, cancel_heard: false, leaves: false };
        assert_eq!(watch.stopped(), None);
        for event in [Some(Event::Interrupt), answer.map(Event::Done), Some(Event::GaveUp)].into_iter().flatten() {
            watch.handle(event).expect("nothing fails");
        }
        assert!(watch.is_over());
        (watch.stopped(), captured.err())
    }

    #[tokio::test]
    async fn only_a_farm_that_heard_of_it_cancels_a_run() {
        let cancelling = "  Cancelling  run run-0000001 (Ctrl-C again leaves at once)\n";
        let goes_on = "      Notice  the run has not ended yet; it is being cancelled, and ends without us\n";
        let heard = interrupted(OnInterrupt::Cancel, Some(Done::Cancelled(Ok(()))));
        assert_eq!(heard, (Some(Stopped::Cancelled), format!("{cancelling}{goes_on}")));
        assert_eq!(interrupted(OnInterrupt::Cancel, None), (Some(Stopped::Unheard), cancelling.to_owned()));
        let refused = FarmError::NotACoordinator { url: "http://farm".to_owned() };
        assert_eq!(interrupted(OnInterrupt::Cancel, Some(Done::Cancelled(Err(refused)))).0, Some(Stopped::Unheard));
        assert_eq!(interrupted(OnInterrupt::Leave, None).0, Some(Stopped::Left));
    }
}
