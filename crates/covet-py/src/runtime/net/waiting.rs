//! What the `sock_*` operations of the loop wait for: that a socket is ready, or what it receives then.
//!
//! A socket stays registered after its first wait, so that the next one costs no system call of the reactor's. Nothing
//! says when Python closes it: the registration of a descriptor that is another file's by now is found out at the next
//! wait, and given up as [`Watched`] does. A transport takes the registration over. No task waits: the reactor rings
//! ([`super::bell`]), and the loop's turn sees to those who wait.

use std::collections::HashMap;
use std::os::fd::RawFd;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::bell::{Bell, Ring};
use super::descriptor::Watched;
use super::reading::is_temporary;
use super::room::receive;
use super::writing::os_error;
use crate::runtime::engine::Engine;
use crate::runtime::held::{Held, Holding};
use crate::runtime::{Scheduler, awaitables};

/// The sockets that were waited for.
pub(in crate::runtime) struct Waits {
    known: Held<Known>,
    bell: Arc<Bell>,
}

#[derive(Default)]
struct Known {
    sockets: HashMap<RawFd, Attended>,
    /// Whose reactor they are registered with.
    engine: Weak<Engine>,
    /// The waker of the loop's turn, as the bell knows it.
    turn: Option<Waker>,
}

/// A socket that is registered.
struct Attended {
    watched: Watched,
    ring: Arc<Ring>,
    waker: Waker,
    readers: Vec<Waiting>,
    writers: Vec<Waiting>,
}

/// One operation that waits.
pub(in crate::runtime) struct Waiting {
    future: Py<PyAny>,
    wanted: Wanted,
}

/// What the future of an operation is to be.
enum Wanted {
    /// Done when the socket is ready.
    Readiness,
    /// At most so many bytes that this socket received.
    Bytes { socket: Py<PyAny>, limit: usize },
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
    wait(scheduler, fd, writing, Wanted::Readiness)
}

/// An asyncio future of what `socket`, of which `fd` is the descriptor and of which the caller has just seen that it
/// has nothing, receives next: at most `limit` bytes.
///
/// # Errors
///
/// As for [`when_ready`].
pub(in crate::runtime) fn when_received<'py>(
    scheduler: &Bound<'py, Scheduler>,
    socket: &Bound<'py, PyAny>,
    fd: RawFd,
    limit: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let socket = socket.clone().unbind();
    wait(scheduler, fd, false, Wanted::Bytes { socket, limit })
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
    match receive(py, fd, limit, false) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if is_temporary(&error) => Ok(None),
        Err(error) => Err(os_error(&error)),
    }
}

/// An asyncio future that is done when `fd`, which nothing but Rust can close, is connected or has failed to be. Its
/// owner says [`Waits::forget`] before it closes it, unless a transport took the registration over.
///
/// # Errors
///
/// As for [`when_ready`].
pub(super) fn when_connected<'py>(
    scheduler: &Bound<'py, Scheduler>,
    fd: RawFd,
) -> PyResult<Bound<'py, PyAny>> {
    let (py, this) = (scheduler.py(), scheduler.get());
    let engine = this.engine()?;
    this.waits().forget_strangers(py, &engine);
    this.waits().forget(py, fd);
    let watched = engine.enter(|| Watched::for_owner(fd))?;
    let mut watched = watched.map_err(|error| os_error(&error))?;
    watched.vouch();
    this.waits().attend(py, fd, watched);
    begin_to_wait(scheduler, fd, true, Wanted::Readiness)
}

fn wait<'py>(
    scheduler: &Bound<'py, Scheduler>,
    fd: RawFd,
    writing: bool,
    wanted: Wanted,
) -> PyResult<Bound<'py, PyAny>> {
    let (py, this) = (scheduler.py(), scheduler.get());
    let engine = this.engine()?;
    this.waits().forget_strangers(py, &engine);
    if !this.waits().is_usable(py, fd, writing) {
        this.waits().forget(py, fd);
        let watched = engine.enter(|| Watched::new(fd))?;
        let watched = watched.map_err(|error| os_error(&error))?;
        this.waits().attend(py, fd, watched);
    }
    begin_to_wait(scheduler, fd, writing, wanted)
}

/// An operation more waits for `fd`, which is registered.
fn begin_to_wait<'py>(
    scheduler: &Bound<'py, Scheduler>,
    fd: RawFd,
    writing: bool,
    wanted: Wanted,
) -> PyResult<Bound<'py, PyAny>> {
    let (py, waits) = (scheduler.py(), scheduler.get().waits());
    let future = awaitables::new_future(scheduler)?;
    let operation = Waiting {
        future: future.clone().unbind(),
        wanted,
    };
    if let Some(attended) = waits.known(py).sockets.get_mut(&fd) {
        attended.side(writing).push(operation);
        attended.listen(writing);
    }
    Ok(future)
}

/// Sees to the operations whose sockets became ready.
///
/// # Errors
///
/// What a future raises that is told.
pub(in crate::runtime) fn serve_waits(scheduler: &Bound<'_, Scheduler>) -> PyResult<()> {
    let (py, waits) = (scheduler.py(), scheduler.get().waits());
    for fd in waits.bell.take_rung() {
        for writing in [false, true] {
            let ready = waits.take_ready(py, fd, writing);
            for waiting in ready {
                if let Some(again) = waiting.tell(py, fd)? {
                    waits.put_back(py, fd, again);
                }
            }
        }
    }
    Ok(())
}

impl Waits {
    /// Nobody waits.
    pub(in crate::runtime) fn new() -> Self {
        Self {
            known: Held::new(Known::default()),
            bell: Arc::default(),
        }
    }

    /// Whether a socket that is waited for has become ready.
    pub(in crate::runtime) fn is_rung(&self) -> bool {
        self.bell.is_rung()
    }

    /// The loop's turn runs; `waker` brings the next one.
    pub(in crate::runtime) fn begin_turn(&self, py: Python<'_>, waker: &Waker) {
        let mut known = self.known(py);
        if known.turn.as_ref().is_none_or(|it| !it.will_wake(waker)) {
            known.turn = Some(waker.clone());
            self.bell.wakes(waker.clone());
        }
    }

    /// The registration of `fd` with `engine`, if there is one, for a transport. Who still waits waits for ever, as
    /// where a transport takes the place of a reader in asyncio's selector.
    pub(super) fn hand_over(
        &self,
        py: Python<'_>,
        engine: &Arc<Engine>,
        fd: RawFd,
    ) -> Option<Watched> {
        self.forget_strangers(py, engine);
        let attended = self.known(py).sockets.remove(&fd)?;
        let is_current = attended.watched.is_current();
        is_current.then(|| attended.watched.given_to_owner())
    }

    /// Keeps the registration of `fd`.
    fn attend(&self, py: Python<'_>, fd: RawFd, watched: Watched) {
        let attended = Attended::new(watched, fd, &self.bell);
        let before = self.known(py).sockets.insert(fd, attended);
        drop(before);
    }

    /// Gives the registration of `fd` up, which is about to be closed, and those who wait.
    pub(super) fn forget(&self, py: Python<'_>, fd: RawFd) {
        let gone = self.known(py).sockets.remove(&fd);
        drop(gone);
    }

    /// Drops every registration, and those who wait.
    pub(in crate::runtime) fn clear(&self, py: Python<'_>) {
        let known = std::mem::take(&mut *self.known(py));
        self.bell.forget();
        drop(known);
    }

    /// For the collector.
    pub(in crate::runtime) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        let Some(known) = self.known.try_hold() else {
            return Ok(());
        };
        for attended in known.sockets.values() {
            for waiting in attended.readers.iter().chain(&attended.writers) {
                visit.call(&waiting.future)?;
                if let Wanted::Bytes { socket, .. } = &waiting.wanted {
                    visit.call(socket)?;
                }
            }
        }
        Ok(())
    }

    fn known<'a>(&'a self, py: Python<'a>) -> Holding<'a, Known> {
        self.known.hold(py)
    }

    /// Drops the registrations of an engine that the loop had on another thread.
    fn forget_strangers(&self, py: Python<'_>, engine: &Arc<Engine>) {
        let mut known = self.known(py);
        if std::ptr::eq(known.engine.as_ptr(), Arc::as_ptr(engine)) {
            return;
        }
        let before = std::mem::replace(&mut known.engine, Arc::downgrade(engine));
        let sockets = std::mem::take(&mut known.sockets);
        drop(known);
        drop((sockets, before));
    }

    /// Whether `fd` is registered and its next edge is still to come.
    fn is_usable(&self, py: Python<'_>, fd: RawFd, writing: bool) -> bool {
        let mut known = self.known(py);
        let Some(attended) = known.sockets.get_mut(&fd) else {
            return false;
        };
        attended.watched.is_current() && attended.forget_readiness(writing)
    }

    /// Those who waited for `fd`, if it is ready.
    fn take_ready(&self, py: Python<'_>, fd: RawFd, writing: bool) -> Vec<Waiting> {
        let mut known = self.known(py);
        let Some(attended) = known.sockets.get_mut(&fd) else {
            return Vec::new();
        };
        attended.ring.answer();
        if attended.side(writing).is_empty() || !attended.is_ready(writing) {
            return Vec::new();
        }
        std::mem::take(attended.side(writing))
    }

    /// A reader found nothing after all.
    fn put_back(&self, py: Python<'_>, fd: RawFd, waiting: Waiting) {
        let mut known = self.known(py);
        let Some(attended) = known.sockets.get_mut(&fd) else {
            drop(known);
            drop(waiting);
            return;
        };
        attended.forget_readiness(false);
        attended.readers.push(waiting);
        attended.listen(false);
    }
}

impl Attended {
    fn new(watched: Watched, fd: RawFd, bell: &Arc<Bell>) -> Self {
        let ring = Ring::new(fd, bell);
        Self {
            watched,
            waker: Waker::from(Arc::clone(&ring)),
            ring,
            readers: Vec::new(),
            writers: Vec::new(),
        }
    }

    fn side(&mut self, writing: bool) -> &mut Vec<Waiting> {
        if writing {
            &mut self.writers
        } else {
            &mut self.readers
        }
    }

    /// Whether the socket is ready; where it is not, it rings when it is.
    fn is_ready(&self, writing: bool) -> bool {
        let mut cx = Context::from_waker(&self.waker);
        let polled = if writing {
            self.watched.poll_writable(&mut cx).map(drop)
        } else {
            self.watched.poll_readable(&mut cx).map(drop)
        };
        polled.is_ready()
    }

    /// Rings when the socket is ready, or at once.
    fn listen(&self, writing: bool) {
        if self.is_ready(writing) {
            self.waker.wake_by_ref();
        }
    }

    /// An operation just failed for want of readiness, so what was reported before is over: the next edge counts.
    /// False where the reactor will not forget, as it does not after the connection's end.
    fn forget_readiness(&self, writing: bool) -> bool {
        let mut cx = Context::from_waker(&self.waker);
        let ready = if writing {
            self.watched.poll_writable(&mut cx)
        } else {
            self.watched.poll_readable(&mut cx)
        };
        match ready {
            Poll::Pending => true,
            Poll::Ready(Err(_)) => false,
            Poll::Ready(Ok(mut ready)) => {
                ready.clear_ready();
                !self.is_ready(writing)
            }
        }
    }
}

impl Waiting {
    /// Gives the future what it waits for, unless it was cancelled; returns itself where there is nothing yet.
    fn tell(self, py: Python<'_>, fd: RawFd) -> PyResult<Option<Self>> {
        let future = self.future.bind(py);
        if future.call_method0(intern!(py, "done"))?.is_truthy()? {
            return Ok(None);
        }
        let set_result = intern!(py, "set_result");
        let Wanted::Bytes { socket, limit } = &self.wanted else {
            future.call_method1(set_result, (py.None(),))?;
            return Ok(None);
        };
        // Closed meanwhile, its number may be another's.
        let now: RawFd = socket
            .bind(py)
            .call_method0(intern!(py, "fileno"))?
            .extract()?;
        if now != fd {
            return Ok(Some(self));
        }
        match receive_now(py, fd, *limit) {
            Ok(Some(bytes)) => future.call_method1(set_result, (bytes,))?,
            Ok(None) => return Ok(Some(self)),
            Err(error) => future.call_method1(intern!(py, "set_exception"), (error,))?,
        };
        Ok(None)
    }
}
