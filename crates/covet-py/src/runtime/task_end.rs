//! The end of an asyncio task, as a Rust future on the loop's thread.
//!
//! The task tells its end through a done callback of a type of ours, which [`super::scheduler`] knows: it calls it
//! in place of queueing a handle, because it runs no Python code. Knows nothing of requests.

use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use pyo3::prelude::*;

use super::attached;
use super::task::TaskMethods;

/// The done callback of a task that a Rust future waits for.
#[pyclass(frozen, module = "covet._native")]
pub(super) struct EndCallback(Mutex<Slot>);

impl EndCallback {
    /// Has not been called.
    pub(super) fn new() -> Self {
        Self(Mutex::default())
    }

    /// Whether it was called; where not, `cx` is woken when it is.
    pub(super) fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        let mut slot = self.slot();
        if slot.ended {
            return Poll::Ready(());
        }
        let known = slot.waker.as_ref();
        if known.is_none_or(|waker| !waker.will_wake(cx.waker())) {
            slot.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

/// What a task leaves behind when it ends.
#[derive(Default)]
struct Slot {
    ended: bool,
    waker: Option<Waker>,
}

impl EndCallback {
    /// The task has ended: wakes who waits for it.
    pub(super) fn end(&self) {
        let mut slot = self.slot();
        slot.ended = true;
        let waker = slot.waker.take();
        drop(slot);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Held only while something is moved, so a panic cannot leave anything half done.
    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl EndCallback {
    /// For a loop in debug mode, which queues every callback.
    fn __call__(&self, _task: &Bound<'_, PyAny>) {
        self.end();
    }
}

/// The result of a task, or what it raised. Dropped before the end, it cancels the task.
pub(crate) struct TaskEnd {
    task: Py<PyAny>,
    callback: Py<EndCallback>,
}

impl TaskEnd {
    /// Waits for `task`, which runs on the loop of this thread.
    ///
    /// # Errors
    ///
    /// What `add_done_callback` raises.
    pub(super) fn of(task: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = task.py();
        let callback = Py::new(py, EndCallback::new())?;
        let add = &TaskMethods::get(py)?.add_done_callback;
        add.bind(py).call1((task, &callback))?;
        Ok(Self {
            task: task.clone().unbind(),
            callback,
        })
    }
}

impl Future for TaskEnd {
    type Output = PyResult<Py<PyAny>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.callback.get().poll(cx).is_pending() {
            return Poll::Pending;
        }
        Poll::Ready(attached(|py| {
            TaskMethods::get(py)?.result.call1(py, (&self.task,))
        }))
    }
}

impl Drop for TaskEnd {
    fn drop(&mut self) {
        if self.callback.get().slot().ended {
            return;
        }
        attached(|py| {
            let task = self.task.bind(py);
            let cancelled = TaskMethods::get(py).and_then(|it| it.cancel.bind(py).call1((task,)));
            if let Err(error) = cancelled {
                error.write_unraisable(py, Some(task));
            }
        });
    }
}
