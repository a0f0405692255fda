//! One piece of work on its way to a pool thread and back: who has it, and what became of it.
//!
//! A job is one allocation, seen as [`Job`] from the threads and as [`Outcome`] from the future. Knows nothing of
//! threads, queues and wakers. Work and value may hold Python objects: nothing of theirs is dropped under the lock.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::task::Poll;

use pyo3::prelude::*;

/// A job as the pool's threads see it.
pub(super) trait Job: Send + Sync {
    /// Names the future that waits for this job.
    fn id(&self) -> u64;

    /// Does the work, unless it was abandoned; returns whether it did.
    fn run(&self, py: Python<'_>) -> bool;

    /// Nobody wants the value any more: drops it, or the work that was not started. The caller is attached.
    fn abandon(&self) -> Abandoned;
}

/// What a job was when it was abandoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Abandoned {
    /// Work that no thread had begun: the job ends here.
    Waiting,
    /// A thread is at it; the job ends with it.
    Running,
    /// It had ended.
    Over,
}

/// A job as its future sees it.
pub(super) trait Outcome<T>: Job {
    /// What came of the job, once that is known: `None` where there will be no value.
    fn take(&self) -> Poll<Option<T>>;
}

/// Work, then its value.
pub(super) struct Errand<T, F> {
    id: u64,
    stage: Mutex<Stage<T, F>>,
}

enum Stage<T, F> {
    /// No thread has begun.
    Waiting(F),
    /// A thread is at it. Its value is kept even if nobody waits: the loop's thread drops it.
    Running,
    /// The value, which nobody has taken yet.
    Done(T),
    /// There is no value: taken, abandoned or lost to a panic.
    Over,
}

impl<T, F> Errand<T, F> {
    /// Work that waits for a thread.
    pub(super) const fn new(id: u64, work: F) -> Self {
        Self {
            id,
            stage: Mutex::new(Stage::Waiting(work)),
        }
    }

    /// Moves from the stage that `next` is shown to the one it returns, if it returns one; gives back the former.
    fn step(&self, next: impl FnOnce(&Stage<T, F>) -> Option<Stage<T, F>>) -> Option<Stage<T, F>> {
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        let next = next(&stage)?;
        Some(std::mem::replace(&mut *stage, next))
    }
}

impl<T, F> Job for Errand<T, F>
where
    T: Send,
    F: FnOnce(Python<'_>) -> T + Send,
{
    fn id(&self) -> u64 {
        self.id
    }

    fn run(&self, py: Python<'_>) -> bool {
        let begin = |stage: &_| matches!(stage, Stage::Waiting(_)).then_some(Stage::Running);
        let Some(Stage::Waiting(work)) = self.step(begin) else {
            return false;
        };
        let end = match catch_unwind(AssertUnwindSafe(|| work(py))) {
            Ok(value) => Stage::Done(value),
            Err(_panic) => Stage::Over,
        };
        self.step(|_| Some(end));
        true
    }

    fn abandon(&self) -> Abandoned {
        let end = |stage: &_| (!matches!(stage, Stage::Running)).then_some(Stage::Over);
        match self.step(end) {
            None => Abandoned::Running,
            Some(Stage::Waiting(_)) => Abandoned::Waiting,
            Some(_) => Abandoned::Over,
        }
    }
}

impl<T, F> Outcome<T> for Errand<T, F>
where
    T: Send,
    F: FnOnce(Python<'_>) -> T + Send,
{
    fn take(&self) -> Poll<Option<T>> {
        let ended =
            |stage: &_| matches!(stage, Stage::Done(_) | Stage::Over).then_some(Stage::Over);
        match self.step(ended) {
            None => Poll::Pending,
            Some(Stage::Done(value)) => Poll::Ready(Some(value)),
            Some(_) => Poll::Ready(None),
        }
    }
}
