//! One coarse timer for all connections of a worker: a deadline is a `Cell`, moving it costs a store.
//!
//! A sweeper task sleeps until the nearest deadline that it knows and wakes the connections whose
//! time has come; they are late by at most [`GRAIN`]. Knows nothing of what a deadline means.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Milliseconds since the worker's [`Deadlines`] were made.
pub(crate) type Millis = u64;

/// A deadline that never comes.
pub(crate) const NEVER: Millis = Millis::MAX;
/// Two sweeps are at least so far apart.
const GRAIN: Millis = 50;

/// One connection's place in the sweep.
#[derive(Debug)]
pub(crate) struct Watch {
    deadline: Cell<Millis>,
    waker: RefCell<Option<Waker>>,
    slot: Cell<usize>,
}

impl Watch {
    /// Whether the deadline has passed.
    pub(crate) fn is_over(&self, now: Millis) -> bool {
        self.deadline.get() <= now
    }

    /// Remember whom to wake; a task's waker stays the same for its life.
    pub(crate) fn set_waker(&self, waker: &Waker) {
        let mut kept = self.waker.borrow_mut();
        if kept.as_ref().is_none_or(|kept| !kept.will_wake(waker)) {
            *kept = Some(waker.clone());
        }
    }

    fn wake(&self) {
        let waker = self.waker.borrow().clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The worker's clock and all its watches.
#[derive(Debug)]
pub(crate) struct Deadlines {
    start: Instant,
    watches: RefCell<Vec<Option<Rc<Watch>>>>,
    free: RefCell<Vec<usize>>,
    next: Cell<Millis>,
    sweeper: RefCell<Option<Waker>>,
}

impl Deadlines {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            watches: RefCell::default(),
            free: RefCell::default(),
            next: Cell::new(NEVER),
            sweeper: RefCell::new(None),
        }
    }

    /// The time now.
    pub(crate) fn now(&self) -> Millis {
        self.start.elapsed().as_millis() as Millis
    }

    /// A new watch without a deadline.
    pub(crate) fn watch(&self) -> Rc<Watch> {
        let watch = Rc::new(Watch {
            deadline: Cell::new(NEVER),
            waker: RefCell::new(None),
            slot: Cell::new(0),
        });
        let mut watches = self.watches.borrow_mut();
        let slot = self.free.borrow_mut().pop().unwrap_or_else(|| {
            watches.push(None);
            watches.len() - 1
        });
        watch.slot.set(slot);
        watches[slot] = Some(Rc::clone(&watch));
        watch
    }

    /// Forget a watch.
    pub(crate) fn unwatch(&self, watch: &Watch) {
        let slot = watch.slot.get();
        let mut watches = self.watches.borrow_mut();
        watches[slot] = None;
        self.free.borrow_mut().push(slot);
        if watches.len() > 1024 && self.free.borrow().len() == watches.len() {
            watches.clear();
            watches.shrink_to_fit();
            *self.free.borrow_mut() = Vec::new();
        }
    }

    /// Set the deadline of `watch`.
    pub(crate) fn arm(&self, watch: &Watch, deadline: Millis) {
        watch.deadline.set(deadline);
        if deadline < self.next.get() {
            self.next.set(deadline);
            if let Some(waker) = self.sweeper.borrow().as_ref() {
                waker.wake_by_ref();
            }
        }
    }

    /// Wake every connection, whatever its deadline: something changed for all of them.
    pub(crate) fn wake_all(&self) {
        let all: Vec<_> = self.watches.borrow().iter().flatten().cloned().collect();
        for watch in all {
            watch.wake();
        }
    }

    fn sweep(&self, now: Millis) {
        let mut nearest = NEVER;
        for watch in self.watches.borrow().iter().flatten() {
            let deadline = watch.deadline.get();
            if deadline <= now {
                // It stays over until the connection moves it; only then is it swept again.
                watch.wake();
            } else {
                nearest = nearest.min(deadline);
            }
        }
        self.next.set(if nearest == NEVER {
            NEVER
        } else {
            nearest.max(now + GRAIN)
        });
    }

    /// The sweeper: runs as a task of its own for the worker's life.
    pub(crate) async fn run(self: Rc<Self>) {
        loop {
            let mut planned = self.next.get();
            let mut sleep = pin!(sleep_until(self.instant(planned)));
            poll_fn(|cx| {
                *self.sweeper.borrow_mut() = Some(cx.waker().clone());
                let next = self.next.get();
                if next != planned {
                    planned = next;
                    sleep.as_mut().reset(self.instant(next));
                }
                if planned == NEVER {
                    Poll::Pending
                } else {
                    sleep.as_mut().poll(cx)
                }
            })
            .await;
            self.sweep(self.now());
        }
    }

    fn instant(&self, at: Millis) -> Instant {
        // Tokio cannot hold "never"; a day is as good, nothing polls the sleep then.
        self.start + Duration::from_millis(at.min(self.now() + 86_400_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn on_paused_clock(test: impl AsyncFnOnce(Rc<Deadlines>)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build_local(tokio::runtime::LocalOptions::default())
            .expect("a runtime");
        runtime.block_on(async {
            let deadlines = Rc::new(Deadlines::new());
            tokio::task::spawn_local(Rc::clone(&deadlines).run());
            tokio::task::yield_now().await;
            test(deadlines).await;
        });
    }

    #[test]
    fn wakes_at_the_deadline_and_not_before() {
        on_paused_clock(async |deadlines| {
            let count = Arc::new(Count::default());
            let watch = deadlines.watch();
            watch.set_waker(&Arc::clone(&count).into());
            deadlines.arm(&watch, 10_000);
            tokio::time::sleep(Duration::from_millis(9_990)).await;
            assert_eq!(count.0.load(Ordering::Relaxed), 0);
            assert!(!watch.is_over(deadlines.now()));
            tokio::time::sleep(Duration::from_millis(11)).await;
            assert_eq!(count.0.load(Ordering::Relaxed), 1);
            assert!(watch.is_over(deadlines.now()));
        });
    }

    #[test]
    fn a_nearer_deadline_and_a_moved_one_are_seen() {
        on_paused_clock(async |deadlines| {
            let (far, near) = (Arc::new(Count::default()), Arc::new(Count::default()));
            let (a, b) = (deadlines.watch(), deadlines.watch());
            a.set_waker(&Arc::clone(&far).into());
            b.set_waker(&Arc::clone(&near).into());
            deadlines.arm(&a, 75_000);
            tokio::task::yield_now().await;
            deadlines.arm(&b, 1_000);
            deadlines.arm(&a, 150_000);
            tokio::time::sleep(Duration::from_millis(1_051)).await;
            assert_eq!(near.0.load(Ordering::Relaxed), 1);
            deadlines.unwatch(&b);
            tokio::time::sleep(Duration::from_secs(100)).await;
            assert_eq!(far.0.load(Ordering::Relaxed), 0);
            tokio::time::sleep(Duration::from_secs(49)).await;
            assert_eq!(far.0.load(Ordering::Relaxed), 1);
        });
    }
}
