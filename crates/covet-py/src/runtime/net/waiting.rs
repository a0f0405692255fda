//! A future for "this socket is ready": what the `sock_*` operations of the loop wait for.
//!
//! Operations on one socket share its registration, which ends with the last of them: only then is the descriptor
//! known to be open.

use std::collections::HashMap;
use std::future::Future;
use std::os::fd::RawFd;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use covet_server::buffers::Buffer;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::descriptor::{Watched, receive_into};
use super::reading::is_temporary;
use super::writing::os_error;
use crate::runtime::task_end::EndCallback;
use crate::runtime::{Scheduler, attached, scheduler};

/// The registrations in use, by descriptor.
#[derive(Default)]
pub(in crate::runtime) struct Waits(Mutex<HashMap<RawFd, Weak<Watched>>>);

/// One operation that waits.
struct Waiting {
    watched: Arc<Watched>,
    writing: bool,
    future: Py<PyAny>,
    /// Done callback of the future: it may be cancelled.
    end: Py<EndCallback>,
}

/// An asyncio future that is done when `fd` is ready. The caller has just seen that it is not.
///
/// # Errors
///
/// `OSError` where the descriptor cannot be watched; what making a future raises.
pub(in crate::runtime) fn when_ready<'py>(
    scheduler: &Bound<'py, Scheduler>,
    fd: RawFd,
    writing: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let py = scheduler.py();
    let watched = scheduler::enter(scheduler.as_any(), || scheduler.get().waits().get(fd))?
        .map_err(|error| os_error(&error))?;
    forget_readiness(&watched, writing);
    let future = scheduler.call_method0(intern!(py, "create_future"))?;
    let end = Bound::new(py, EndCallback::new())?;
    future.call_method1(intern!(py, "add_done_callback"), (&end,))?;
    let task = Waiting {
        watched,
        writing,
        future: future.clone().unbind(),
        end: end.unbind(),
    };
    scheduler::spawn(scheduler.as_any(), tokio::task::unconstrained(task))?;
    Ok(future)
}

/// What `sock_recv` gets of `fd` now, at most `limit` bytes; None where it would wait.
///
/// # Errors
///
/// `OSError`.
pub(in crate::runtime) fn receive_now(
    py: Python<'_>,
    fd: RawFd,
    limit: usize,
) -> PyResult<Option<Bound<'_, PyBytes>>> {
    let mut bytes = Buffer::with_capacity(limit);
    match receive_into(fd, &mut bytes, limit) {
        Ok(_) => Ok(Some(PyBytes::new(py, &bytes))),
        Err(error) if is_temporary(&error) => Ok(None),
        Err(error) => Err(os_error(&error)),
    }
}

impl Waits {
    fn get(&self, fd: RawFd) -> std::io::Result<Arc<Watched>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watched) = known.get(&fd).and_then(Weak::upgrade)
            && watched.is_current()
        {
            return Ok(watched);
        }
        let watched = Arc::new(Watched::new(fd)?);
        known.insert(fd, Arc::downgrade(&watched));
        Ok(watched)
    }
}

/// An operation just failed for want of readiness, so what was reported before is over: the next edge counts.
fn forget_readiness(watched: &Watched, writing: bool) {
    let mut cx = Context::from_waker(Waker::noop());
    let ready = if writing {
        watched.poll_writable(&mut cx)
    } else {
        watched.poll_readable(&mut cx)
    };
    if let Poll::Ready(Ok(mut ready)) = ready {
        ready.clear_ready();
    }
}

impl Future for Waiting {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.end.get().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let ready = if self.writing {
            self.watched.poll_writable(cx)
        } else {
            self.watched.poll_readable(cx)
        };
        if ready.is_pending() {
            return Poll::Pending;
        }
        attached(|py| {
            let future = self.future.bind(py);
            let told = future.call_method1(intern!(py, "set_result"), (py.None(),));
            if let Err(error) = told {
                error.write_unraisable(py, Some(future));
            }
        });
        Poll::Ready(())
    }
}
