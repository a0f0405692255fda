//! Local tasks, and whether any of them waits for its turn.
//!
//! A runtime that is driven for a moment at a time, from the callbacks of an event loop that is not ours, must know
//! when it may leave without leaving a woken task behind: Tokio does not say, so a [`Tally`] counts. Every task of
//! this crate is spawned here. Without a tally in force nothing is counted and a task is Tokio's own.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, ThreadId};

use tokio::task::JoinHandle;

thread_local! {
    static IN_FORCE: RefCell<Option<Arc<Tally>>> = const { RefCell::new(None) };
}

/// Spawn a local task of the runtime that is entered, counted by the tally in force.
///
/// # Panics
/// Outside a local runtime.
pub fn spawn(future: impl Future<Output = ()> + 'static) -> JoinHandle<()> {
    let tally = IN_FORCE.with(|tally| tally.borrow().clone());
    match tally {
        None => tokio::task::spawn_local(future),
        Some(tally) => tokio::task::spawn_local(Counted::new(tally, future)),
    }
}

/// How many tasks of one runtime wait for their turn.
#[derive(Debug)]
pub struct Tally {
    waiting: AtomicUsize,
    thread: ThreadId,
    /// The runtime is being driven.
    driven: AtomicBool,
    /// A drive was asked for that has not begun.
    asked: AtomicBool,
    /// Woken since, to be woken in fact when the drive begins.
    later: Mutex<Vec<Waker>>,
}

impl Tally {
    /// For a runtime of the calling thread.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            waiting: AtomicUsize::new(0),
            thread: thread::current().id(),
            driven: AtomicBool::new(false),
            asked: AtomicBool::new(false),
            later: Mutex::default(),
        })
    }

    /// Whether a task waits for its turn.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// The runtime is driven from here on: wakes what was woken between drives. Called inside the runtime.
    pub fn begin(&self) {
        self.driven.store(true, Ordering::Relaxed);
        self.asked.store(false, Ordering::Relaxed);
        let later = std::mem::take(&mut *self.later.lock().unwrap_or_else(PoisonError::into_inner));
        later.into_iter().for_each(Waker::wake);
    }

    /// The runtime rests again.
    pub fn end(&self) {
        self.driven.store(false, Ordering::Relaxed);
    }

    /// Wakes a task, now or when the runtime is driven next. A wake from outside costs a write to the runtime's
    /// descriptor; between two drives one is enough, from whichever thread of ours it came.
    fn wake(&self, waker: &Waker) {
        let at_home = self.thread == thread::current().id();
        if !at_home || self.driven.load(Ordering::Relaxed) {
            waker.wake_by_ref();
        } else if self.asked.swap(true, Ordering::Relaxed) {
            let mut later = self.later.lock().unwrap_or_else(PoisonError::into_inner);
            later.push(waker.clone());
        } else {
            waker.wake_by_ref();
        }
    }
}

/// A tally is in force on the calling thread while this lives.
#[derive(Debug)]
pub struct InForce {
    before: Option<Arc<Tally>>,
}

impl InForce {
    /// Put `tally` in force; none leaves tasks uncounted.
    #[must_use]
    pub fn new(tally: Option<Arc<Tally>>) -> Self {
        Self {
            before: IN_FORCE.with(|known| known.replace(tally)),
        }
    }
}

impl Drop for InForce {
    fn drop(&mut self) {
        let ours = IN_FORCE.with(|known| known.replace(self.before.take()));
        drop(ours);
    }
}

/// A task that a tally counts.
struct Counted<F> {
    future: Pin<Box<F>>,
    bell: Arc<Bell>,
    waker: Waker,
}

impl<F: Future<Output = ()>> Counted<F> {
    fn new(tally: Arc<Tally>, future: F) -> Self {
        tally.waiting.fetch_add(1, Ordering::Relaxed);
        let bell = Arc::new(Bell {
            tally,
            state: AtomicU8::new(WAITS),
            task: OnceLock::new(),
        });
        Self {
            future: Box::pin(future),
            waker: Waker::from(Arc::clone(&bell)),
            bell,
        }
    }
}

impl<F: Future<Output = ()>> Future for Counted<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.bell.task.get_or_init(|| cx.waker().clone());
        this.bell.move_to(RESTS);
        this.future
            .as_mut()
            .poll(&mut Context::from_waker(&this.waker))
    }
}

impl<F> Drop for Counted<F> {
    fn drop(&mut self) {
        self.bell.move_to(ENDED);
    }
}

const RESTS: u8 = 0;
const WAITS: u8 = 1;
/// A wake that comes now is for nobody.
const ENDED: u8 = 2;

/// The waker of a counted task.
struct Bell {
    tally: Arc<Tally>,
    /// [`RESTS`], [`WAITS`] or [`ENDED`].
    state: AtomicU8,
    /// Tokio's waker, which is the same for the whole life of a task.
    task: OnceLock<Waker>,
}

impl Bell {
    /// The task has its turn, or ends.
    fn move_to(&self, state: u8) {
        if self.state.swap(state, Ordering::AcqRel) == WAITS {
            self.tally.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let (ok, failed) = (Ordering::AcqRel, Ordering::Acquire);
        if self
            .state
            .compare_exchange(RESTS, WAITS, ok, failed)
            .is_err()
        {
            return;
        }
        self.tally.waiting.fetch_add(1, Ordering::Relaxed);
        if let Some(task) = self.task.get() {
            self.tally.wake(task);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::poll_fn;
    use std::rc::Rc;

    use tokio::runtime::{Builder, LocalOptions, LocalRuntime};

    use super::*;

    fn runtime() -> LocalRuntime {
        Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default())
            .expect("a runtime")
    }

    /// A task that rests until it is woken, counts its turns, and leaves its waker.
    fn resting(turns: &Rc<Cell<u32>>, waker: &Rc<RefCell<Option<Waker>>>) -> JoinHandle<()> {
        let (turns, waker) = (Rc::clone(turns), Rc::clone(waker));
        spawn(poll_fn(move |cx| {
            turns.set(turns.get() + 1);
            waker.replace(Some(cx.waker().clone()));
            Poll::Pending
        }))
    }

    #[test]
    fn a_task_waits_from_its_spawn_and_from_each_wake_until_its_turn() {
        let (runtime, tally) = (runtime(), Tally::new());
        let (turns, waker) = (Rc::default(), Rc::default());
        runtime.block_on(async {
            let _in_force = InForce::new(Some(Arc::clone(&tally)));
            tally.begin();
            let task = resting(&turns, &waker);
            assert!(tally.is_waiting(), "spawned");
            tokio::task::yield_now().await;
            assert!(!tally.is_waiting(), "had its turn");
            for _ in 0..2 {
                waker.borrow().as_ref().expect("it ran").wake_by_ref();
            }
            assert!(tally.is_waiting(), "woken");
            tokio::task::yield_now().await;
            assert!(!tally.is_waiting(), "once, though woken twice");
            waker.borrow().as_ref().expect("it ran").wake_by_ref();
            task.abort();
            tokio::task::yield_now().await;
            assert!(!tally.is_waiting(), "an aborted task waits no more");
            waker.borrow().as_ref().expect("it ran").wake_by_ref();
            assert!(
                !tally.is_waiting(),
                "nor does one that is woken after its end"
            );
            tally.end();
        });
        assert_eq!(turns.get(), 2);
    }

    #[test]
    fn what_is_woken_between_drives_runs_in_the_next() {
        let (runtime, tally) = (runtime(), Tally::new());
        let tasks: Vec<(_, Rc<RefCell<Option<Waker>>>)> = (0..3)
            .map(|_| (Rc::new(Cell::new(0)), Rc::default()))
            .collect();
        let drive = || {
            runtime.block_on(async {
                let _in_force = InForce::new(Some(Arc::clone(&tally)));
                tally.begin();
                if tasks[0].0.get() == 0 {
                    for (turns, waker) in &tasks {
                        drop(resting(turns, waker));
                    }
                }
                tokio::task::yield_now().await;
                tally.end();
            });
        };
        drive();
        for (_, waker) in &tasks {
            waker.borrow().as_ref().expect("it ran").wake_by_ref();
        }
        assert!(tally.is_waiting());
        drive();
        assert!(!tally.is_waiting());
        assert!(tasks.iter().all(|(turns, _)| turns.get() == 2));
    }

    #[test]
    fn without_a_tally_nothing_is_counted() {
        let (runtime, tally) = (runtime(), Tally::new());
        runtime.block_on(async {
            drop(InForce::new(Some(Arc::clone(&tally))));
            drop(resting(&Rc::default(), &Rc::default()));
            assert!(!tally.is_waiting());
        });
    }
}
