//! A loop's queue of Python objects behind its lock: what any thread may add to and the loop's task takes from.
//!
//! The lock is never held across a call into Python, which may come back in: what falls out of the queue is dropped
//! after the lock is. Knows handles and timers; what a turn does with them is `turn.rs`'s.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use super::queue::Queue;
use super::{TimerHandle, clock};

/// Handles that are ready, timers that are not.
pub(super) struct Schedule(Mutex<Queue<Py<PyAny>, Py<TimerHandle>>>);

impl Schedule {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Queue::new()))
    }

    /// Free, or about to be.
    fn queue(&self) -> MutexGuard<'_, Queue<Py<PyAny>, Py<TimerHandle>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// See [`Queue::start`].
    pub(super) fn start(&self) {
        self.queue().start();
    }

    /// See [`Queue::stop`].
    pub(super) fn stop(&self) {
        self.queue().stop();
    }

    /// See [`Queue::wake`].
    pub(super) fn wake(&self) {
        self.queue().wake();
    }

    /// See [`Queue::begin_turn`].
    pub(super) fn begin_turn(&self, waker: &Waker) {
        self.queue().begin_turn(waker);
    }

    /// See [`Queue::rest`].
    pub(super) fn rest(&self) -> Option<f64> {
        self.queue().rest()
    }

    /// See [`Queue::armed`].
    pub(super) fn armed(&self) -> f64 {
        self.queue().armed()
    }

    /// See [`Queue::arm`].
    pub(super) fn arm(&self, when: f64) {
        self.queue().arm(when);
    }

    /// See [`Queue::count_cancelled`].
    pub(super) fn count_cancelled(&self) {
        self.queue().count_cancelled();
    }

    /// See [`Queue::timers_cancelled`].
    pub(super) fn timers_cancelled(&self) -> usize {
        self.queue().timers_cancelled()
    }

    /// Takes the handles that are ready, to be run; those that become ready meanwhile have their own turn.
    pub(super) fn take_ready(&self) -> VecDeque<Py<PyAny>> {
        self.queue().take_ready()
    }

    /// What was not run of a turn goes first in the next one.
    pub(super) fn give_back(&self, ready: VecDeque<Py<PyAny>>) {
        self.queue().give_back(ready);
    }

    /// Makes a handle ready.
    pub(super) fn push(&self, handle: &Bound<'_, PyAny>) {
        self.queue().push(handle.clone().unbind());
    }

    /// Makes handles ready before those that are.
    pub(super) fn push_first(&self, handles: Vec<Py<PyAny>>) {
        self.queue().push_first(handles.into_iter());
    }

    /// Takes out everything: the handles that are ready, the timers that are not.
    pub(super) fn take_all(&self) -> (VecDeque<Py<PyAny>>, Vec<Py<TimerHandle>>) {
        let (ready, timers) = self.queue().drain();
        timers.iter().for_each(|timer| timer.get().unschedule());
        (ready, timers)
    }

    /// Keeps `timer` until its time, and takes the opportunity to forget cancelled ones.
    pub(super) fn push_timer(&self, when: f64, timer: &Bound<'_, TimerHandle>) {
        let py = timer.py();
        let mut queue = self.queue();
        let removed = queue.take_cancelled(|timer| is_cancelled(py, timer));
        queue.push_timer(when, timer.clone().unbind());
        drop(queue);
        forget(removed);
    }

    /// Moves the timers that are due to the ready queue.
    pub(super) fn take_due(&self, py: Python<'_>) {
        let mut queue = self.queue();
        if !queue.has_timers() {
            return;
        }
        let removed = queue.take_cancelled(|timer| is_cancelled(py, timer));
        queue.take_due(clock::monotonic() + clock::RESOLUTION, |timer| {
            timer.get().unschedule();
            timer.into_any()
        });
        drop(queue);
        forget(removed);
    }

    /// Drops everything.
    pub(super) fn clear(&self) {
        let drained = self.queue().drain();
        drop(drained);
    }

    /// For the collector, which may come while the lock is held.
    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        let Ok(queue) = self.0.try_lock() else {
            return Ok(());
        };
        queue.ready().try_for_each(|handle| visit.call(handle))?;
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
