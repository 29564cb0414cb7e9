//! The three queues, and how a record is filled from them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{mpsc, watch};

use super::ask::{Ask, Asks};
use super::hearing::Heard;
use crate::nats::Link;

/// Commands in one record.
pub(super) const RECORD_COMMANDS_MAX: usize = 256;
/// Reports that may wait: each of a thousand workers a few, since an agent waits for an answer before it repeats.
const REPORTS_MAX: usize = 4_096;
/// Operators' commands that may wait: people are slow.
const OPERATORS_MAX: usize = 256;
/// Submissions that may wait: two records full; more is answered 503 before any work.
const SUBMISSIONS_MAX: usize = 512;
/// Signs of life that may wait: of a thousand workers a heartbeat and a report each. What finds no room makes the leader deaf for a moment.
const HEARD_MAX: usize = 2_048;
/// Of one record, what each queue gets even when those before it are full.
const SHARES: [usize; 3] = [128, 64, 64];

/// The receiving ends.
pub(crate) struct Queues {
    commands: [mpsc::Receiver<Ask>; 3],
    /// What did not fit into the last record.
    left_over: VecDeque<Ask>,
    heard: mpsc::Receiver<Heard>,
    unheard: Arc<AtomicBool>,
    /// Whether commands are decided here.
    pub(super) leading: watch::Sender<bool>,
    /// Whether the append under way was not acknowledged in time.
    pub(super) stalled: watch::Sender<bool>,
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Next {
    /// A command.
    Ask(Ask),
    /// Something that was heard.
    Heard(Heard),
}

/// Both ends of the queues.
pub(crate) fn queues(link: watch::Receiver<Link>) -> (Asks, Queues) {
    let (reports, reports_rx) = mpsc::channel(REPORTS_MAX);
    let (operators, operators_rx) = mpsc::channel(OPERATORS_MAX);
    let (submissions, submissions_rx) = mpsc::channel(SUBMISSIONS_MAX);
    let (heard, heard_rx) = mpsc::channel(HEARD_MAX);
    let unheard = Arc::new(AtomicBool::new(false));
    let (leading, leading_rx) = watch::channel(false);
    let (stalled, stalled_rx) = watch::channel(false);
    let asks =
        Asks { reports, operators, submissions, heard, unheard: Arc::clone(&unheard), leading: leading_rx, link, stalled: stalled_rx };
    let commands = [reports_rx, operators_rx, submissions_rx];
    (asks, Queues { commands, left_over: VecDeque::new(), heard: heard_rx, unheard, leading, stalled })
}

impl Queues {
    /// Waits for a command, or for something that was heard.
    ///
    /// # Cancel safety
    /// Cancel safe: it takes none out unless it returns it.
    pub(super) async fn next(&mut self) -> Option<Next> {
        if let Some(ask) = self.left_over.pop_front() {
            return Some(Next::Ask(ask));
        }
        let [reports, operators, submissions] = &mut self.commands;
        tokio::select! {
            biased;
            Some(heard) = self.heard.recv() => Some(Next::Heard(heard)),
            Some(ask) = reports.recv() => Some(Next::Ask(ask)),
            Some(ask) = operators.recv() => Some(Next::Ask(ask)),
            Some(ask) = submissions.recv() => Some(Next::Ask(ask)),
            else => None,
        }
    }

    /// Something that was heard and waits.
    pub(super) fn heard(&mut self) -> Option<Heard> {
        self.heard.try_recv().ok()
    }

    /// Whether something that was heard has found no room since this was asked last.
    pub(super) fn has_missed(&self) -> bool {
        self.unheard.swap(false, Ordering::AcqRel)
    }

    /// What one record may take, `first` and what was left over before all else; commands whose callers have gone are dropped.
    pub(super) fn fill(&mut self, first: Option<Ask>) -> Vec<Ask> {
        let mut batch: Vec<_> = first.into_iter().collect();
        batch.extend(self.left_over.drain(..));
        for (queue, share) in self.commands.iter_mut().zip(SHARES) {
            take(queue, share, &mut batch);
        }
        for queue in &mut self.commands {
            take(queue, RECORD_COMMANDS_MAX, &mut batch);
        }
        batch.retain(|ask| !ask.is_abandoned());
        let surplus = batch.len().min(RECORD_COMMANDS_MAX);
        self.left_over.extend(batch.drain(surplus..));
        batch
    }

    /// Puts back what did not fit, to be first in the next record.
    pub(super) fn put_back(&mut self, asks: impl DoubleEndedIterator<Item = Ask>) {
        for ask in asks.rev() {
            self.left_over.push_front(ask);
        }
    }

    /// Forgets everything that waits: the callers learn that the outcome is unknown, and ask again.
    pub(super) fn clear(&mut self) {
        self.left_over.clear();
        for queue in &mut self.commands {
            while queue.try_recv().is_ok() {}
        }
        while self.heard.try_recv().is_ok() {}
        self.has_missed();
    }
}

fn take(queue: &mut mpsc::Receiver<Ask>, most: usize, batch: &mut Vec<Ask>) {
    for _ in 0..most {
        if batch.len() >= RECORD_COMMANDS_MAX {
            return;
        }
        match queue.try_recv() {
            Ok(ask) => batch.push(ask),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use rch_scheduler::CommandBody;

    use super::super::ask::{AskError, Queue};
    use super::*;

    async fn first(queues: &mut Queues) -> Ask {
        match queues.next().await.unwrap() {
            Next::Ask(ask) => ask,
            Next::Heard(heard) => panic!("nothing was said, and yet heard: {heard:?}"),
        }
    }

    fn leading() -> (Asks, Queues) {
        let (asks, queues) = queues(watch::channel(Link::default()).1);
        queues.leading.send_replace(true);
        (asks, queues)
    }

    fn actors(batch: &[Ask]) -> Vec<(char, usize)> {
        let mut counts: Vec<(char, usize)> = Vec::new();
        for ask in batch {
            let first = ask.actor.chars().next().unwrap();
            match counts.last_mut() {
                Some((actor, count)) if *actor == first => *count += 1,
                _ => counts.push((first, 1)),
            }
        }
        counts
    }

    #[tokio::test]
    async fn a_flood_of_reports_leaves_room_for_operators_and_submissions() {
        let (asks, mut queues) = leading();
        let mut answers = Vec::new();
        for (queue, actor, count) in [(Queue::Reports, "r", 400), (Queue::Operators, "o", 10), (Queue::Submissions, "s", 200)] {
            for _ in 0..count {
                answers.push(asks.queue(queue, actor.to_owned(), None, CommandBody::Tick).unwrap());
            }
        }
        let first = first(&mut queues).await;
        let batch = queues.fill(Some(first));
        assert_eq!(actors(&batch), [('r', 129), ('o', 10), ('s', 64), ('r', 53)]);
    }

    #[tokio::test]
    async fn a_full_queue_and_a_coordinator_that_does_not_lead_say_so_at_once() {
        let (asks, queues) = leading();
        let mut answers = Vec::new();
        let refused = loop {
            match asks.queue(Queue::Operators, "o".to_owned(), None, CommandBody::Tick) {
                Ok(answer) => answers.push(answer),
                Err(error) => break error,
            }
        };
        assert_eq!((answers.len(), refused), (OPERATORS_MAX, AskError::Overloaded));
        queues.leading.send_replace(false);
        let refused = asks.queue(Queue::Reports, "r".to_owned(), None, CommandBody::Tick).unwrap_err();
        assert_eq!(refused, AskError::NotLeading);
    }

    #[test]
    fn a_sign_of_life_without_room_is_known_to_be_missed_once() {
        let (asks, mut queues) = leading();
        (0..HEARD_MAX).for_each(|_| asks.tell(Heard::Own));
        assert!(!queues.has_missed());
        asks.tell(Heard::Own);
        assert_eq!((queues.has_missed(), queues.has_missed()), (true, false));
        assert_eq!(std::iter::from_fn(|| queues.heard()).count(), HEARD_MAX);
    }

    #[tokio::test]
    async fn what_was_put_back_comes_first_and_in_order() {
        let (asks, mut queues) = leading();
        let _kept = asks.queue(Queue::Reports, "c".to_owned(), None, CommandBody::Tick).unwrap();
        let own = |actor: &str| Ask { actor: actor.to_owned(), ..Ask::own(CommandBody::Tick) };
        queues.put_back([own("a"), own("b")].into_iter());
        let first = first(&mut queues).await;
        assert_eq!(actors(&queues.fill(Some(first))), [('a', 1), ('b', 1), ('c', 1)]);
    }
}
