//! What a driven thread knows of itself: whether it is attached, which loop it drives, how the drive ends.
//!
//! A driven thread is attached to the interpreter except while Tokio parks it (or [`detached`] says so). That happens
//! behind PyO3's back, so this file keeps the truth, and every token handed out here is checked against it.

#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;

use super::Scheduler;

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
    static DRIVE: Drive = const { Drive::new() };
}

/// One run of `run_forever`. Empty between runs, so that no Python object outlives its thread's attachment.
struct Drive {
    scheduler: RefCell<Option<Py<Scheduler>>>,
    carried: RefCell<Option<PyErr>>,
    exit: RefCell<Option<Waker>>,
    finished: Cell<bool>,
}

impl Drive {
    const fn new() -> Self {
        Self {
            scheduler: RefCell::new(None),
            carried: RefCell::new(None),
            exit: RefCell::new(None),
            finished: Cell::new(false),
        }
    }
}

/// Runs `f` with a token of the interpreter, on a driven thread. Costs a thread-local read.
///
/// # Panics
///
/// If the thread is not driven, or is parked.
pub(crate) fn attached<R>(f: impl for<'py> FnOnce(Python<'py>) -> R) -> R {
    assert_eq!(STATE.get(), State::Attached, "Python is touched only by a driven thread that is not parked");
    // SAFETY: the state says that this thread is attached; the token cannot leave `f`.
    f(unsafe { Python::assume_attached() })
}

/// Runs `f`, which must not touch Python, with the interpreter free for other threads. For Rust work over about 20 us.
///
/// # Panics
///
/// If the thread is not driven, or is detached already.
pub(crate) fn detached<R>(f: impl FnOnce() -> R) -> R {
    assert_eq!(STATE.get(), State::Attached, "only a driven thread that is attached can detach");
    let _back = Reattach(release());
    f()
}

/// Releases the interpreter and takes it back if the thread has kept it for 5 ms: for streaks of work that
/// neither park nor run Python code. Signal handlers run here too. Does nothing on a thread that is not driven.
pub(crate) fn offer() {
    let now = Instant::now();
    let kept = RELEASED.get().map(|released| now.duration_since(released));
    if STATE.get() == State::Attached && kept.is_none_or(|kept| kept >= OFFER_INTERVAL) {
        drop(Reattach(release()));
        run_signal_handlers();
    }
}

/// Ends the drive with `error`, which `run_forever` raises: for a `KeyboardInterrupt` or `SystemExit` that a handler
/// raised in a task of its own. The first one wins; a second is reported as unraisable.
pub(crate) fn carry_out(error: PyErr) {
    let refused = DRIVE.with(|drive| {
        let mut carried = drive.carried.borrow_mut();
        if drive.scheduler.borrow().is_none() || carried.is_some() {
            return Some(error);
        }
        *carried = Some(error);
        None
    });
    match refused {
        Some(error) => attached(|py| error.write_unraisable(py, None)),
        None => finish(),
    }
}

/// Ends the drive: `block_on` returns at its next poll.
pub(super) fn finish() {
    DRIVE.with(|drive| {
        drive.finished.set(true);
        drive.exit.borrow().iter().for_each(Waker::wake_by_ref);
    });
}

/// Whether the drive is ending: nothing more is to be called.
pub(super) fn is_finished() -> bool {
    DRIVE.with(|drive| drive.finished.get())
}

/// The loop that this thread drives.
pub(super) fn driven(py: Python<'_>) -> Option<Bound<'_, Scheduler>> {
    DRIVE.with(|drive| drive.scheduler.borrow().as_ref().map(|scheduler| scheduler.bind(py).clone()))
}

/// Tokio is about to park this thread.
pub(super) fn before_park() {
    if STATE.get() == State::Attached {
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
fn run_signal_handlers() {
    if let Err(error) = attached(|py| py.check_signals()) {
        carry_out(error);
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
        Self { before: STATE.replace(State::Attached) }
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        STATE.set(self.before);
    }
}

/// One drive of one loop on the calling thread.
pub(super) struct Driving<'py> {
    py: Python<'py>,
    _attached: Attached,
}

impl<'py> Driving<'py> {
    /// Begins a drive of `scheduler`.
    ///
    /// # Errors
    ///
    /// `RuntimeError` if the thread drives a loop already.
    pub(super) fn begin(scheduler: &Bound<'py, Scheduler>) -> PyResult<Self> {
        let py = scheduler.py();
        let begun = DRIVE.with(|drive| {
            let mut slot = drive.scheduler.borrow_mut();
            let free = slot.is_none();
            if free {
                *slot = Some(scheduler.clone().unbind());
                drive.finished.set(false);
            }
            free
        });
        if begun {
            return Ok(Self { py, _attached: Attached::new(py) });
        }
        Err(PyRuntimeError::new_err(
            "this thread drives a covet.loop already (a child forked inside one must start a new thread, or exec)",
        ))
    }

    /// Ends the drive: the error to raise from it, if one was carried out.
    pub(super) fn end(self) -> PyResult<()> {
        let carried = DRIVE.with(|drive| drive.carried.borrow_mut().take());
        carried.map_or(Ok(()), Err)
    }
}

impl Drop for Driving<'_> {
    fn drop(&mut self) {
        let (scheduler, carried, exit) = DRIVE.with(|drive| {
            drive.finished.set(false);
            (drive.scheduler.take(), drive.carried.take(), drive.exit.take())
        });
        drop((scheduler, exit));
        if let Some(error) = carried {
            error.write_unraisable(self.py, None);
        }
    }
}

/// Ready when the drive is to end. Calls `start` at its first poll, inside the runtime.
pub(super) struct Finished<F>(Option<F>);

impl<F: FnOnce() + Unpin> Finished<F> {
    pub(super) const fn new(start: F) -> Self {
        Self(Some(start))
    }
}

impl<F: FnOnce() + Unpin> Future for Finished<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(start) = self.0.take() {
            DRIVE.with(|drive| drive.exit.replace(Some(cx.waker().clone())));
            start();
        }
        if is_finished() { Poll::Ready(()) } else { Poll::Pending }
    }
}
