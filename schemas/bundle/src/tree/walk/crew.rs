//! Threads that share work which makes more work, until none is left. Knows nothing about directories.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// More threads than this wait for the disk's directory locks, not for each other.
const THREADS_MAX: usize = 8;

/// What is to be done.
struct Work<T> {
    waiting: Vec<T>,
    /// How many threads do something now, which may make more.
    busy: usize,
}

struct Crew<T> {
    work: Mutex<Work<T>>,
    changed: Condvar,
}

/// Does `act` to `first` and to everything it adds to the list it is given; what each thread has collected in its own `F`.
pub(super) fn each<T: Send, F: Default + Send>(first: T, act: impl Fn(T, &mut Vec<T>, &mut F) + Sync) -> Vec<F> {
    let crew = Crew { work: Mutex::new(Work { waiting: vec![first], busy: 0 }), changed: Condvar::new() };
    let run = || {
        let mut found = F::default();
        let mut more = Vec::new();
        while let Some(item) = crew.next() {
            let done = Done(&crew);
            act(item, &mut more, &mut found);
            crew.add(&mut more);
            drop(done);
        }
        found
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let own = run();
        let others = others.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        std::iter::once(own).chain(others).collect()
    })
}

/// One item is being done; a panic ends it too, so that nobody waits for it.
struct Done<'a, T>(&'a Crew<T>);

impl<T> Drop for Done<'_, T> {
    fn drop(&mut self) {
        let mut work = self.0.lock();
        work.busy -= 1;
        if work.busy == 0 && work.waiting.is_empty() {
            self.0.changed.notify_all();
        }
    }
}

impl<T> Crew<T> {
    /// The next item, waiting while others may make one; `None` when all is done.
    fn next(&self) -> Option<T> {
        let mut work = self.lock();
        loop {
            if let Some(item) = work.waiting.pop() {
                work.busy += 1;
                return Some(item);
            }
            if work.busy == 0 {
                return None;
            }
            work = self.changed.wait(work).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn add(&self, more: &mut Vec<T>) {
        if !more.is_empty() {
            self.lock().waiting.append(more);
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Work<T>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_work_makes_is_done_once() {
        let found = each(1_u32, |number, more, seen: &mut Vec<u32>| {
            seen.push(number);
            more.extend([2 * number, 2 * number + 1].into_iter().filter(|child| *child < 1_000));
        });
        let mut all: Vec<u32> = found.into_iter().flatten().collect();
        all.sort_unstable();
        assert_eq!(all, (1..1_000).collect::<Vec<_>>());
    }

    #[test]
    fn a_panic_in_one_thread_is_a_panic_of_all_and_leaves_nobody_waiting() {
        let result = std::panic::catch_unwind(|| {
            each(1_u32, |number, more, (): &mut ()| {
                assert!(number < 500, "one of many");
                more.push(number + 1);
            })
        });
        assert!(result.is_err());
    }
}
