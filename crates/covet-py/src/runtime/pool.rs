//! Threads for handlers that may block: Rust threads that attach to Python, a queue in, a queue out, one wake a batch.
//!
//! Each thread keeps one Python thread state for its whole life, so `threading.local` outlives a job; while it waits
//! for work it is detached. **The baton:** at most one thread that was woken (or started) waits for the interpreter;
//! it hands the baton on only after it has attached and found more work. A thread stays attached while it finds
//! work; Python's own switch interval lets others in. No lock is held across Python, or while attaching.
//!
//! [`job`] is one piece of work, [`line`] decides whom to wake. Knows nothing of requests.

mod job;
mod line;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;

use covet_server::tasks;
use pyo3::prelude::*;

use super::{drive, signals};
use job::{Abandoned, Errand, Job, Outcome};
use line::{Baton, Call, Line};

/// A bounded pool of threads that serves one event loop, from whose thread alone it is used.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    waiting: Rc<Waiting>,
    next_id: Cell<u64>,
}

impl Pool {
    /// A pool of at most `threads` threads (at least one), none of which runs yet. Spawns the local task that takes
    /// what they finish.
    ///
    /// # Panics
    ///
    /// Outside the loop's runtime.
    pub(crate) fn new(threads: usize) -> Self {
        let shared = Arc::new(Shared::new(threads.max(1)));
        let waiting = Rc::new(Waiting::default());
        let (finished, waiters) = (Arc::clone(&shared), Rc::clone(&waiting));
        let deliver = poll_fn(move |context| finished.deliver(&waiters, context));
        drop(tasks::spawn(deliver));
        Self {
            shared,
            waiting,
            next_id: Cell::new(0),
        }
    }

    /// Has `work` done by a pool thread, attached to Python. The future gives its value, on this thread; `None` where
    /// the work panicked or the pool closed first. Dropping the future drops work that no thread has begun.
    pub(crate) fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce(Python<'_>) -> T + Send + 'static,
    ) -> Submitted<T> {
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        let errand = Arc::new(Errand::new(id, work));
        Shared::enqueue(&self.shared, Arc::clone(&errand) as Arc<dyn Job>);
        Submitted {
            outcome: errand,
            shared: Arc::clone(&self.shared),
            waiting: Rc::clone(&self.waiting),
            held: None,
        }
    }

    /// Has `work` done by a pool thread, attached to Python, for nobody who would wait for it.
    pub(crate) fn send(&self, work: impl FnOnce(Python<'_>) + Send + 'static) {
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        Shared::enqueue(&self.shared, Arc::new(Errand::new(id, work)));
    }

    /// How many jobs wait or run.
    pub(crate) fn busy(&self) -> usize {
        self.shared.busy.load(Ordering::Relaxed)
    }

    /// Takes no more jobs, drops those that wait, ends idle threads; every future that has no value yet gives `None`.
    /// Waits for no thread. To be called, attached, before the interpreter ends; dropping the pool does it too.
    pub(crate) fn close(&self) {
        let forgotten = self.shared.close();
        for job in &forgotten {
            self.shared.abandon(&**job);
        }
        drop(forgotten);
        self.waiting.close();
        self.shared.tell();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}

/// The value of a job, once it is there: see [`Pool::submit`].
#[must_use = "work whose future is dropped before it starts is not done"]
pub(crate) struct Submitted<T> {
    outcome: Arc<dyn Outcome<T>>,
    shared: Arc<Shared>,
    waiting: Rc<Waiting>,
    held: Option<Box<dyn Any>>,
}

impl<T> Submitted<T> {
    /// Keep `held` until the job has ended, also where nobody waits for its value any more.
    pub(crate) fn holding(mut self, held: Option<Box<dyn Any>>) -> Self {
        self.held = held;
        self
    }
}

impl<T> Future for Submitted<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        if let Poll::Ready(outcome) = self.outcome.take() {
            return Poll::Ready(outcome);
        }
        if self.waiting.is_closed.get() {
            return Poll::Ready(None);
        }
        self.waiting.put(self.outcome.id(), context.waker());
        Poll::Pending
    }
}

impl<T> Drop for Submitted<T> {
    fn drop(&mut self) {
        drop(self.waiting.remove(self.outcome.id()));
        let abandoned = self.shared.abandon(&*self.outcome);
        if abandoned == Abandoned::Running
            && let Some(held) = self.held.take()
        {
            self.waiting.hold(self.outcome.id(), held);
        }
    }
}

/// The futures that were polled in vain. Only the loop's thread sees it, so wakers are called and dropped there.
#[derive(Default)]
struct Waiting {
    wakers: RefCell<HashMap<u64, Waker>>,
    /// Of jobs that run although their futures are gone.
    held: RefCell<HashMap<u64, Box<dyn Any>>>,
    is_closed: Cell<bool>,
}

impl Waiting {
    fn put(&self, id: u64, waker: &Waker) {
        let before = self.wakers.borrow_mut().insert(id, waker.clone());
        drop(before);
    }

    fn remove(&self, id: u64) -> Option<Waker> {
        self.wakers.borrow_mut().remove(&id)
    }

    fn hold(&self, id: u64, held: Box<dyn Any>) {
        if !self.is_closed.get() {
            self.held.borrow_mut().insert(id, held);
        }
    }

    fn release(&self, id: u64) {
        let held = self.held.borrow_mut().remove(&id);
        drop(held);
    }

    fn close(&self) {
        self.is_closed.set(true);
        drop(self.held.take());
        let wakers = self.wakers.take();
        wakers.into_values().for_each(Waker::wake);
    }
}

/// What the loop's thread and the pool's threads share.
struct Shared {
    line: Mutex<Line>,
    summons: Condvar,
    /// How many threads there may be.
    limit: usize,
    finished: Mutex<Vec<Arc<dyn Job>>>,
    /// What jobs raised that must end the loop.
    carried: Mutex<Vec<PyErr>>,
    /// Whether the delivering task was woken and has not looked since.
    told: AtomicBool,
    /// The delivering task's; set at its first poll.
    waker: Mutex<Option<Waker>>,
    /// Jobs that wait or run.
    busy: AtomicUsize,
}

impl Shared {
    fn new(limit: usize) -> Self {
        Self {
            line: Mutex::default(),
            summons: Condvar::new(),
            limit,
            finished: Mutex::default(),
            carried: Mutex::default(),
            told: AtomicBool::new(false),
            waker: Mutex::default(),
            busy: AtomicUsize::new(0),
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        lock(&self.line)
    }

    fn enqueue(this: &Arc<Self>, job: Arc<dyn Job>) {
        this.busy.fetch_add(1, Ordering::Relaxed);
        let mut line = this.line();
        if line.closed {
            drop(line);
            this.abandon(&*job);
            return;
        }
        line.jobs.push_back(job);
        let call = line.call(this.limit);
        drop(line);
        Self::carry(this, call);
    }

    /// Carries out what [`Line::call`] decided.
    fn carry(this: &Arc<Self>, call: Call) {
        match call {
            Call::Nobody => {}
            Call::Idle => this.summons.notify_one(),
            Call::New { number } => {
                let shared = Arc::clone(this);
                let started = thread::Builder::new()
                    .name(format!("covet-pool-{number}"))
                    .spawn(move || Self::live(shared));
                if started.is_err() {
                    this.retire();
                }
            }
        }
    }

    /// A thread that held the baton is not there after all. Where it was the only one the jobs are lost: no thread
    /// would ever come for them.
    fn retire(&self) {
        let mut line = self.line();
        line.baton = Baton::Free;
        line.threads -= 1;
        let lost = match line.threads {
            0 => std::mem::take(&mut line.jobs),
            _ => VecDeque::new(),
        };
        drop(line);
        for job in lost {
            self.abandon(&*job);
            self.report(job);
        }
        self.tell();
    }

    /// A thread's life. What it may be the last to hold is dropped while attached; where the interpreter is ending
    /// already, nobody waits for the thread.
    fn live(this: Arc<Self>) {
        signals::block_all();
        Python::try_attach(move |py| Self::serve(&this, py));
    }

    /// Does jobs until the pool closes. The thread holds the baton and has just attached.
    fn serve(this: &Arc<Self>, py: Python<'_>) {
        loop {
            this.line().baton = Baton::Free;
            while let Some(job) = Self::next(this) {
                if job.run(py) {
                    lock(&this.carried).extend(drive::take_carried());
                    this.report(job);
                    this.busy.fetch_sub(1, Ordering::Release);
                    this.tell();
                }
            }
            if !py.detach(|| this.wait()) {
                return;
            }
        }
    }

    /// The next job, and a call for one more thread if there are others.
    fn next(this: &Arc<Self>) -> Option<Arc<dyn Job>> {
        let mut line = this.line();
        let job = line.jobs.pop_front();
        let call = line.call(this.limit);
        drop(line);
        Self::carry(this, call);
        job
    }

    /// Waits, detached, for the baton: true with it, false where the pool is closed.
    fn wait(&self) -> bool {
        let mut line = self.line();
        // What came since the last look, when this thread did not count as idle.
        if !line.closed && line.baton == Baton::Free && !line.jobs.is_empty() {
            line.baton = Baton::Held;
            return true;
        }
        line.idle += 1;
        let mut line = self
            .summons
            .wait_while(line, |line| !line.closed && line.baton != Baton::Offered)
            .unwrap_or_else(PoisonError::into_inner);
        line.idle -= 1;
        if line.closed {
            line.threads -= 1;
            return false;
        }
        line.baton = Baton::Held;
        true
    }

    /// Puts a job where the loop's thread finds it, to wake who waits for it and to drop it.
    fn report(&self, job: Arc<dyn Job>) {
        lock(&self.finished).push(job);
    }

    /// Wakes the delivering task, once a batch.
    fn tell(&self) {
        if self.told.swap(true, Ordering::AcqRel) {
            return;
        }
        let waker = lock(&self.waker).clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// One look of the delivering task, which ends when the pool is closed and no job runs.
    fn deliver(&self, waiting: &Waiting, context: &Context<'_>) -> Poll<()> {
        lock(&self.waker).get_or_insert_with(|| context.waker().clone());
        self.told.swap(false, Ordering::AcqRel);
        let is_over = waiting.is_closed.get() && self.busy.load(Ordering::Acquire) == 0;
        let carried = std::mem::take(&mut *lock(&self.carried));
        carried.into_iter().for_each(drive::carry_out);
        let finished = std::mem::take(&mut *lock(&self.finished));
        for job in finished {
            if let Some(waker) = waiting.remove(job.id()) {
                waker.wake();
            }
            waiting.release(job.id());
        }
        if is_over {
            return Poll::Ready(());
        }
        Poll::Pending
    }

    /// Nobody wants the job any more.
    fn abandon(&self, job: &(impl Job + ?Sized)) -> Abandoned {
        let abandoned = job.abandon();
        if abandoned == Abandoned::Waiting {
            self.busy.fetch_sub(1, Ordering::Release);
        }
        abandoned
    }

    /// Returns the jobs that nobody has begun.
    fn close(&self) -> VecDeque<Arc<dyn Job>> {
        let mut line = self.line();
        line.closed = true;
        let jobs = std::mem::take(&mut line.jobs);
        drop(line);
        self.summons.notify_all();
        jobs
    }
}

/// These locks are held only while something is moved, so a panic cannot leave anything half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
