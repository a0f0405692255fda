//! A loop's queue of what is ready and timed, which attached threads add to and the loop's task takes from.
//!
//! It is never held across a call into Python, which may come back in: what falls out of the queue is dropped
//! after it was let go. Knows handles and timers; what a turn does with them is `turn.rs`'s.

use std::collections::VecDeque;
use std::task::Waker;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use super::held::{Held, Holding};
use super::queue::Queue;
use super::ready::{OwnCall, Ready};
use super::{Scheduler, TimerHandle, clock};

/// What was taken out of a schedule: handles that were ready, timers that were not.
pub(super) type Taken = (Vec<Py<PyAny>>, Vec<Py<TimerHandle>>);

/// Handles that are ready, timers that are not.
pub(super) struct Schedule(Held<Queue<Ready, Py<TimerHandle>>>);

impl Schedule {
    pub(super) const fn new() -> Self {
        Self(Held::new(Queue::new()))
    }

    fn queue<'a>(&'a self, py: Python<'a>) -> Holding<'a, Queue<Ready, Py<TimerHandle>>> {
        self.0.hold(py)
    }

    /// See [`Queue::start`].
    pub(super) fn start(&self, py: Python<'_>) {
        self.queue(py).start();
    }

    /// See [`Queue::stop`].
    pub(super) fn stop(&self, py: Python<'_>) {
        self.queue(py).stop();
    }

    /// See [`Queue::wake`].
    pub(super) fn wake(&self, py: Python<'_>) {
        self.queue(py).wake();
    }

    /// See [`Queue::begin_turn`].
    pub(super) fn begin_turn(&self, py: Python<'_>, waker: &Waker) {
        self.queue(py).begin_turn(waker);
    }

    /// See [`Queue::rest`].
    pub(super) fn rest(&self, py: Python<'_>) -> Option<f64> {
        self.queue(py).rest()
    }

    /// See [`Queue::arm`].
    pub(super) fn arm(&self, py: Python<'_>, when: f64) {
        self.queue(py).arm(when);
    }

    /// See [`Queue::count_cancelled`].
    pub(super) fn count_cancelled(&self, py: Python<'_>) {
        self.queue(py).count_cancelled();
    }

    /// See [`Queue::timers_cancelled`].
    pub(super) fn timers_cancelled(&self, py: Python<'_>) -> usize {
        self.queue(py).timers_cancelled()
    }

    /// Takes the handles that are ready, to be run; those that become ready meanwhile have their own turn.
    pub(super) fn take_ready(&self, py: Python<'_>) -> VecDeque<Ready> {
        self.queue(py).take_ready()
    }

    /// What was not run of a turn goes first in the next one.
    pub(super) fn give_back(&self, py: Python<'_>, ready: VecDeque<Ready>) {
        self.queue(py).give_back(ready);
    }

    /// Makes a handle ready.
    pub(super) fn push(&self, handle: &Bound<'_, PyAny>) {
        let ready = Ready::Handle(handle.clone().unbind());
        self.queue(handle.py()).push(ready);
    }

    /// Makes a call ready that needs no handle.
    pub(super) fn push_call(&self, py: Python<'_>, call: OwnCall) {
        self.queue(py).push(Ready::Call(call));
    }

    /// Makes handles ready before those that are.
    pub(super) fn push_first(&self, py: Python<'_>, handles: Vec<Py<PyAny>>) {
        self.queue(py)
            .push_first(handles.into_iter().map(Ready::Handle));
    }

    /// Takes out everything: the handles that are ready, the timers that are not.
    pub(super) fn take_all(scheduler: &Bound<'_, Scheduler>) -> PyResult<Taken> {
        let drained = scheduler.get().schedule().queue(scheduler.py()).drain();
        let (ready, timers) = drained;
        for timer in &timers {
            timer.get().unschedule();
        }
        let handles = ready.into_iter().map(|it| it.into_handle(scheduler));
        Ok((handles.collect::<PyResult<_>>()?, timers))
    }

    /// Keeps `timer` until its time, and takes the opportunity to forget cancelled ones.
    pub(super) fn push_timer(&self, when: f64, timer: &Bound<'_, TimerHandle>) {
        let py = timer.py();
        let mut queue = self.queue(py);
        let removed = queue.take_cancelled(|timer| is_cancelled(py, timer));
        queue.push_timer(when, timer.clone().unbind());
        drop(queue);
        forget(removed);
    }

    /// Moves the timers that are due to the ready queue.
    pub(super) fn take_due(&self, py: Python<'_>) {
        let mut queue = self.queue(py);
        if !queue.has_timers() {
            return;
        }
        let removed = queue.take_cancelled(|timer| is_cancelled(py, timer));
        queue.take_due(clock::monotonic() + clock::RESOLUTION, |timer| {
            timer.get().unschedule();
            Ready::Handle(timer.into_any())
        });
        drop(queue);
        forget(removed);
    }

    /// Drops everything.
    pub(super) fn clear(&self, py: Python<'_>) {
        let drained = self.queue(py).drain();
        drop(drained);
    }

    /// [`Self::clear`] for the collector.
    pub(super) fn clear_collected(&self) {
        let drained = self.0.try_hold().map(|mut queue| queue.drain());
        drop(drained);
    }

    /// For the collector, which may come while the queue is held.
    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        let Some(queue) = self.0.try_hold() else {
            return Ok(());
        };
        queue.ready().try_for_each(|ready| ready.traverse(visit))?;
        queue.timers().try_for_each(|timer| visit.call(timer))
    }
}

fn is_cancelled(py: Python<'_>, timer: &Py<TimerHandle>) -> bool {
    timer.bind(py).as_super().get().is_cancelled()
}

/// Drops timers that were taken out because they were cancelled.
fn forget(timers: Vec<Py<TimerHandle>>) {
    for timer in &timers {
        timer.get().unschedule();
    }
    drop(timers);
}
