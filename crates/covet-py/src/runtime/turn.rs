//! asyncio as one task on the runtime: each poll is one turn of the event loop.
//!
//! A turn takes the selector's events and the timers that are due, runs what was ready at its start, and decides
//! whether to go on, to rest until woken, or to end the drive. Owns no Python object: it finds the loop that its
//! thread drives.

#![allow(unsafe_code)]

use std::future::Future;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyList;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::alarm::Alarm;
use super::attachment::attached;
use super::handle::panicked;
use super::{Scheduler, clock, dispatch, drive, net};

/// So many turns may follow each other without a look at the sockets in between: each look is a system call.
const TURNS_BETWEEN_LOOKS: u32 = 8;

/// So many turns of few callbacks may follow each other before the transports have theirs: going round through the
/// runtime costs as much as a callback. Where a server runs, its tasks come between any two.
const TURNS_AT_ONCE: u32 = 4;

/// How many callbacks are few.
const FEW: usize = 8;

/// The event loop's task.
pub(super) struct Turns {
    selector: AsyncFd<OwnedFd>,
    alarm: Alarm,
    /// Turns since the last look at the sockets.
    unlooked: u32,
}

impl Turns {
    /// The task of a loop whose selector has the descriptor `selector`. The runtime must be entered.
    pub(super) fn new(selector: RawFd) -> std::io::Result<Self> {
        // SAFETY: the caller has the selector, which keeps its descriptor open; the copy is this task's own.
        let selector = unsafe { BorrowedFd::borrow_raw(selector) }.try_clone_to_owned()?;
        // SAFETY: the descriptor is owned and is closed by the `AsyncFd`, after it was deregistered.
        let selector = unsafe { AsyncFd::register_with_interest(selector, Interest::READABLE) }?;
        Ok(Self {
            selector,
            alarm: Alarm::new()?,
            unlooked: 0,
        })
    }

    /// One turn; returns whether the next one follows at once.
    fn turn(&mut self, scheduler: &Bound<'_, Scheduler>, cx: &mut Context<'_>) -> PyResult<bool> {
        let deadline = scheduler.get().deadline();
        let is_first = scheduler.get().take_first_turn();
        let is_ready = self.take_events(scheduler, is_first, cx)?;
        if scheduler.get().waits().is_rung() {
            net::serve_waits(scheduler)?;
        }
        scheduler.get().schedule().take_due(scheduler.py());
        scheduler.get().pass_turn();
        let ran = dispatch::run_ready(scheduler);
        scheduler.get().pass_turn();
        net::send_deferred(scheduler)?;
        let may_follow = ran? <= FEW && !scheduler.get().is_shared();
        if scheduler.get().is_stopping() || (!is_first && is_over(deadline)) {
            drive::finish();
        } else if is_ready || !self.rest(scheduler, deadline, cx)? {
            return Ok(self.go_on(may_follow, cx));
        } else {
            self.unlooked = 0;
        }
        Ok(false)
    }

    /// Whether the next turn follows at once, where it may. Else the task runs again after the others, and now and then after a look
    /// at the sockets: neither side starves.
    fn go_on(&mut self, may_follow: bool, cx: &mut Context<'_>) -> bool {
        self.unlooked += 1;
        if self.unlooked < TURNS_BETWEEN_LOOKS {
            let at_once = may_follow && !self.unlooked.is_multiple_of(TURNS_AT_ONCE);
            if !at_once {
                cx.waker().wake_by_ref();
            }
            return at_once;
        }
        self.unlooked = 0;
        let yielded = pin!(tokio::task::yield_now()).poll(cx);
        debug_assert!(yielded.is_pending(), "a yield returns at its second poll");
        false
    }

    /// Hands the selector's events to the loop; returns whether there may be more.
    ///
    /// Tokio reports an edge of the selector's descriptor, so its readiness is kept until the selector had nothing.
    fn take_events(
        &mut self,
        scheduler: &Bound<'_, Scheduler>,
        is_first: bool,
        cx: &mut Context<'_>,
    ) -> PyResult<bool> {
        let mut is_ready = false;
        if is_first {
            // Tokio has not looked yet, and a loop that is told to stop at once still takes what is there.
            select(scheduler)?;
        }
        while let Poll::Ready(guard) = self.selector.poll_read_ready(cx) {
            is_ready = select(scheduler)?;
            if is_ready {
                break;
            }
            guard?.clear_ready();
        }
        Ok(is_ready)
    }

    /// Sets the alarm for the next timer or the deadline; false if there is something to do at once.
    fn rest(
        &mut self,
        scheduler: &Bound<'_, Scheduler>,
        deadline: f64,
        cx: &mut Context<'_>,
    ) -> PyResult<bool> {
        let (py, schedule) = (scheduler.py(), scheduler.get().schedule());
        let Some(when) = schedule.rest(py) else {
            return Ok(false);
        };
        let rests = self.alarm.wait(when.min(deadline), cx)?;
        schedule.arm(py, self.alarm.armed());
        Ok(rests)
    }
}

impl Future for Turns {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        attached(|py| {
            let Some(scheduler) = drive::driven(py) else {
                return;
            };
            loop {
                // Even where the drive is over before the first turn: the next one needs the waker.
                scheduler.get().schedule().begin_turn(py, cx.waker());
                scheduler.get().waits().begin_turn(py, cx.waker());
                if drive::is_finished() {
                    return;
                }
                let turned = catch_unwind(AssertUnwindSafe(|| self.turn(&scheduler, cx)));
                match turned.unwrap_or_else(|panic| Err(panicked(&*panic))) {
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(error) => return drive::carry_out(error),
                }
            }
        });
        Poll::Pending
    }
}

/// Whether the drive has lasted as long as it should. Most have no deadline, and the clock is not asked.
fn is_over(deadline: f64) -> bool {
    deadline < f64::INFINITY && deadline <= clock::monotonic()
}

/// Asks the selector without waiting; returns whether it had something.
fn select(scheduler: &Bound<'_, Scheduler>) -> PyResult<bool> {
    let py = scheduler.py();
    let selector = scheduler.getattr(intern!(py, "_selector"))?;
    let events = selector
        .call_method1(intern!(py, "select"), (0,))?
        .cast_into::<PyList>()?;
    if events.is_empty() {
        return Ok(false);
    }
    scheduler.call_method1(intern!(py, "_process_events"), (events,))?;
    Ok(true)
}
