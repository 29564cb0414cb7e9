//! Who waits for what, as the leader saw it last: made when somebody asks, at most once a second, and shared by all who ask.
//!
//! The state has one owner, and a look at all that waits takes it a while: a hundredth of a second for ten thousand jobs. So it is asked for, and
//! made no more often than that it takes a fiftieth of the owner's time; whoever asks in between gets the one before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rch_scheduler::{Board, Observed, State};
use rch_schemas::Tick;
use tokio::sync::{Notify, watch};

use crate::clock::Uptime;

/// A board that is younger is as good as a new one.
const FRESH_FOR: Duration = Duration::from_secs(1);
/// Of the owner's time, one part in so many at most goes into boards.
const SHARE: u32 = 50;
/// How long a reader waits for a fresh one before it takes what there is.
const WAIT_FOR_FRESH: Duration = Duration::from_secs(2);

/// A board, and when it was made.
struct Shown {
    board: Arc<Board>,
    made: Uptime,
    /// Before this none is made again.
    again: Uptime,
}

/// The handle. Cloning gives another one to the same.
#[derive(Clone)]
pub(crate) struct QueueBoard(Arc<Inner>);

struct Inner {
    is_wanted: AtomicBool,
    wanted: Notify,
    shown: watch::Sender<Option<Arc<Shown>>>,
}

impl QueueBoard {
    /// Nothing is known yet.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner { is_wanted: AtomicBool::new(false), wanted: Notify::new(), shown: watch::channel(None).0 }))
    }

    /// The newest board there is; asks for another when it has grown old. `None` while this coordinator does not lead.
    pub(crate) fn newest(&self) -> Option<Arc<Board>> {
        let shown = self.0.shown.borrow().clone();
        if shown.as_ref().is_none_or(|shown| !is_fresh(shown)) {
            self.ask();
        }
        shown.map(|shown| Arc::clone(&shown.board))
    }

    /// A board not older than a second, or the newest when none was made within two. `None` when this coordinator does not lead.
    pub(crate) async fn fresh(&self) -> Option<Arc<Board>> {
        let mut shown = self.0.shown.subscribe();
        self.newest();
        let fresh = shown.wait_for(|shown| shown.as_ref().is_some_and(|shown| is_fresh(shown)));
        // A board that is costly is not made every second; the one before will do.
        let _ = tokio::time::timeout(WAIT_FOR_FRESH, fresh).await;
        self.0.shown.borrow().as_ref().map(|shown| Arc::clone(&shown.board))
    }

    fn ask(&self) {
        if !self.0.is_wanted.swap(true, Ordering::AcqRel) {
            self.0.wanted.notify_one();
        }
    }

    /// Waits until somebody asks.
    ///
    /// # Cancel safety
    /// Cancel safe: that somebody asked is remembered until [`Self::publish`].
    pub(crate) async fn wanted(&self) {
        self.0.wanted.notified().await;
    }

    /// Makes a board if one is wanted and it is time for it; returns it when it was made.
    pub(crate) fn publish(&self, state: &State, observed: &Observed, now: Tick) -> Option<Arc<Board>> {
        let began = Uptime::now();
        let is_early = self.0.shown.borrow().as_ref().is_some_and(|shown| shown.again > began);
        if is_early || !self.0.is_wanted.swap(false, Ordering::AcqRel) {
            return None;
        }
        let board = Arc::new(Board::of(state, observed, now));
        let made = Uptime::now();
        let again = made.after(FRESH_FOR.max(made.since(began) * SHARE));
        self.0.shown.send_replace(Some(Arc::new(Shown { board: Arc::clone(&board), made, again })));
        Some(board)
    }

    /// This coordinator does not lead any longer, so it does not know.
    pub(crate) fn clear(&self) {
        self.0.shown.send_replace(None);
    }
}

fn is_fresh(shown: &Shown) -> bool {
    Uptime::now().since(shown.made) < FRESH_FOR
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[tokio::test]
    async fn a_board_is_made_when_it_is_asked_for_and_shared_until_it_is_old() {
        let (handle, state, observed) = (QueueBoard::new(), State::default(), Observed::default());
        assert!(handle.publish(&state, &observed, Tick(1)).is_none(), "nobody has asked");
        assert!(handle.newest().is_none());
        handle.wanted().await;
        let made = handle.publish(&state, &observed, Tick(2)).unwrap();
        assert!(Arc::ptr_eq(&made, &handle.fresh().await.unwrap()));
        handle.ask();
        assert!(handle.publish(&state, &observed, Tick(3)).is_none(), "it is too early for another");
        handle.clear();
        assert!(handle.newest().is_none());
        assert!(handle.publish(&state, &observed, Tick(4)).is_some(), "what was asked is remembered");
    }
}
