//! How a driven thread stands to the interpreter: attached, except while Tokio parks it or [`detached`] says so.
//!
//! That happens behind `PyO3`'s back, so this file keeps the truth, and every token handed out here is checked
//! against it. Knows nothing of loops; [`super::drive`] says when a thread is driven.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::time::{Duration, Instant};

use pyo3::ffi;
use pyo3::prelude::*;

use super::drive;

/// How long a streak of Rust work may keep other Python threads waiting.
const OFFER_INTERVAL: Duration = Duration::from_millis(5);

/// How the calling thread stands to the interpreter, as far as the driver knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not driven: attached or not, somebody else's business.
    Foreign,
    /// Driven and attached.
    Attached,
    /// Driven and detached: parked, or in work that needs no Python.
    Detached,
}

thread_local! {
    static STATE: Cell<State> = const { Cell::new(State::Foreign) };
    static RELEASED: Cell<Option<Instant>> = const { Cell::new(None) };
    static SAVED: Cell<*mut ffi::PyThreadState> = const { Cell::new(std::ptr::null_mut()) };
}

/// Runs `f` with a token of the interpreter. On a driven thread it costs a thread-local read; elsewhere, as in a
/// callback that a loop of another kind runs between two drives, `PyO3` attaches. Code on a driven thread detaches
/// with [`detached`] alone: what `PyO3` detaches is not known here.
///
/// # Panics
///
/// If the thread is driven and parked.
pub(crate) fn attached<R>(f: impl for<'py> FnOnce(Python<'py>) -> R) -> R {
    match STATE.get() {
        State::Attached => {}
        State::Foreign => return Python::attach(f),
        State::Detached => panic!("Python is not touched by a driven thread that is parked"),
    }
    // SAFETY: may be called on any thread; it only asks.
    let is_attached = || unsafe { ffi::PyGILState_Check() } == 1;
    debug_assert!(is_attached(), "PyO3 or someone else detached this thread");
    // SAFETY: the state says that this thread is attached; the token cannot leave `f`.
    f(unsafe { Python::assume_attached() })
}

/// Runs `f`, which must not touch Python, with the interpreter free for other threads. For Rust work over about 20 us.
///
/// # Panics
///
/// If the thread is not driven, or is detached already.
pub(crate) fn detached<R>(f: impl FnOnce() -> R) -> R {
    assert_eq!(
        STATE.get(),
        State::Attached,
        "only a driven thread that is attached can detach"
    );
    let _back = Reattach(release());
    f()
}

/// Releases the interpreter and takes it back if the thread has kept it for 5 ms: for streaks of work that
/// neither park nor run Python code. Signal handlers run here too. Does nothing on a thread that is not driven.
#[allow(dead_code, reason = "the server's streaks of Rust work call it")]
pub(crate) fn offer() {
    let now = Instant::now();
    let kept = RELEASED.get().map(|released| now.duration_since(released));
    if STATE.get() == State::Attached && kept.is_none_or(|kept| kept >= OFFER_INTERVAL) {
        drop(Reattach(release()));
        run_signal_handlers();
    }
}

/// Tokio is about to park this thread.
pub(super) fn before_park() {
    if STATE.get() == State::Attached && attached(drive::may_park) {
        SAVED.set(release());
    }
}

/// Tokio has woken this thread.
pub(super) fn after_unpark() {
    if STATE.get() == State::Detached {
        reattach(SAVED.replace(std::ptr::null_mut()));
        run_signal_handlers();
    }
}

/// Attaches again after a panic that came through the park: without it the interpreter would be lost.
pub(super) fn recover() {
    let saved = SAVED.replace(std::ptr::null_mut());
    if !saved.is_null() {
        reattach(saved);
    }
}

/// Runs Python's handlers of signals that arrived; what one raises leaves `run_forever`.
#[allow(
    clippy::redundant_closure_for_method_calls,
    reason = "the method is not general enough over lifetimes"
)]
fn run_signal_handlers() {
    if let Err(error) = attached(|py| py.check_signals()) {
        drive::carry_out(error);
    }
}

fn release() -> *mut ffi::PyThreadState {
    STATE.set(State::Detached);
    // SAFETY: both callers checked that this thread is attached; `reattach` gets the state back.
    unsafe { ffi::PyEval_SaveThread() }
}

fn reattach(saved: *mut ffi::PyThreadState) {
    // SAFETY: `saved` came from `release` on this thread and was not restored since.
    unsafe { ffi::PyEval_RestoreThread(saved) };
    STATE.set(State::Attached);
    RELEASED.set(Some(Instant::now()));
}

/// Attaches again on drop, on a panic too.
struct Reattach(*mut ffi::PyThreadState);

impl Drop for Reattach {
    fn drop(&mut self) {
        reattach(self.0);
    }
}

/// The calling thread counts as driven while this lives. It must be attached.
pub(super) struct Attached {
    before: State,
}

impl Attached {
    pub(super) fn new(_py: Python<'_>) -> Self {
        Self {
            before: STATE.replace(State::Attached),
        }
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        STATE.set(self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_that_came_through_the_park_leaves_the_thread_attached() {
        Python::initialize();
        Python::attach(|py| {
            let _attached = Attached::new(py);
            before_park();
            assert_eq!(STATE.get(), State::Detached);
            recover();
            attached(|py| py.import("sys").map(drop)).expect("Python works");
        });
        assert_eq!(STATE.get(), State::Foreign);
    }

    #[test]
    fn hooks_of_a_thread_that_is_not_driven_do_nothing() {
        before_park();
        after_unpark();
        offer();
        assert_eq!(STATE.get(), State::Foreign);
    }
}
