//! One run of `run_forever` on the calling thread: which loop, how it ends, what error it ends with.
//!
//! Empty between runs, so that no Python object outlives its thread's attachment.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use super::Scheduler;
use super::attachment::{Attached, attached};

thread_local! {
    static DRIVE: Drive = const { Drive::new() };
}

/// The run in progress, if there is one.
struct Drive {
    scheduler: RefCell<Option<Py<Scheduler>>>,
    /// What the run ends with; on a pool's thread, what a job left for the loop's.
    carried: RefCell<Option<PyErr>>,
    exit: RefCell<Option<Waker>>,
    finished: Cell<bool>,
    rest: RefCell<Rest>,
}

/// What the thread does where nothing is left to do.
pub(super) enum Rest {
    /// It sleeps until something comes.
    Park,
    /// It never sleeps here: the loop that calls it does.
    Leave,
    /// It sleeps, unless these lists of a loop that is not covet's have grown: its `_ready`, and its `_scheduled`
    /// beyond so many.
    Watch {
        ready: Py<PyAny>,
        scheduled: Py<PyAny>,
        timers: usize,
    },
}

impl Rest {
    /// Whether nothing has come that the engine does not see.
    fn is_quiet(&self, py: Python<'_>) -> PyResult<bool> {
        match self {
            Self::Park => Ok(true),
            Self::Leave => Ok(false),
            Self::Watch {
                ready,
                scheduled,
                timers,
            } => Ok(ready.bind(py).len()? == 0 && scheduled.bind(py).len()? <= *timers),
        }
    }
}

impl Drive {
    const fn new() -> Self {
        Self {
            scheduler: RefCell::new(None),
            carried: RefCell::new(None),
            exit: RefCell::new(None),
            finished: Cell::new(false),
            rest: RefCell::new(Rest::Park),
        }
    }
}

/// Ends the drive with `error`, which `run_forever` raises: for a `KeyboardInterrupt` or `SystemExit` that a handler
/// raised in a task of its own. The first one wins; a second is reported as unraisable. On a thread that drives nothing
/// the error waits for [`take_carried`].
pub(crate) fn carry_out(error: PyErr) {
    let (is_driven, refused) = DRIVE.with(|drive| {
        let mut carried = drive.carried.borrow_mut();
        let refused = if carried.is_some() {
            Some(error)
        } else {
            *carried = Some(error);
            None
        };
        (drive.scheduler.borrow().is_some(), refused)
    });
    match refused {
        Some(error) if is_driven => attached(|py| error.write_unraisable(py, None)),
        None if is_driven => finish(),
        // Two errors of one job: the answer was the first one's.
        Some(_) | None => {}
    }
}

/// What [`carry_out`] was given on this thread, which drives nothing: for the loop's thread to carry out.
pub(super) fn take_carried() -> Option<PyErr> {
    DRIVE.with(|drive| drive.carried.take())
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

/// Whether the thread, which has nothing to do, may sleep; if not, the drive ends.
pub(super) fn may_park(py: Python<'_>) -> bool {
    let quiet = DRIVE.with(|drive| drive.rest.borrow().is_quiet(py));
    match quiet {
        Ok(true) => true,
        Ok(false) => {
            finish();
            false
        }
        Err(error) => {
            carry_out(error);
            false
        }
    }
}

/// The loop that this thread drives.
pub(super) fn driven(py: Python<'_>) -> Option<Bound<'_, Scheduler>> {
    DRIVE.with(|drive| {
        drive
            .scheduler
            .borrow()
            .as_ref()
            .map(|scheduler| scheduler.bind(py).clone())
    })
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
    pub(super) fn begin(scheduler: &Bound<'py, Scheduler>, rest: Rest) -> PyResult<Self> {
        let py = scheduler.py();
        let begun = DRIVE.with(|drive| {
            let mut slot = drive.scheduler.borrow_mut();
            let free = slot.is_none();
            if free {
                *slot = Some(scheduler.clone().unbind());
                drive.finished.set(false);
                drive.rest.replace(rest);
            }
            free
        });
        if begun {
            return Ok(Self {
                py,
                _attached: Attached::new(py),
            });
        }
        Err(PyRuntimeError::new_err(
            "this thread drives a covet.loop already (a child forked inside one must start a new thread, or exec)",
        ))
    }

    /// Ends the drive: the error to raise from it, if one was carried out.
    #[allow(clippy::unused_self, reason = "the drive is over")]
    pub(super) fn end(self) -> PyResult<()> {
        let carried = DRIVE.with(|drive| drive.carried.take());
        carried.map_or(Ok(()), Err)
    }
}

impl Drop for Driving<'_> {
    fn drop(&mut self) {
        let (scheduler, carried, exit, rest) = DRIVE.with(|drive| {
            drive.finished.set(false);
            (
                drive.scheduler.take(),
                drive.carried.take(),
                drive.exit.take(),
                drive.rest.replace(Rest::Park),
            )
        });
        drop((scheduler, exit, rest));
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
        if is_finished() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}
