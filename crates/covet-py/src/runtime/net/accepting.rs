//! A listening socket's task: takes those who wait, and gives each a protocol and a transport.
//!
//! What is done about failures of `accept` is `covet._connections`'s.

use std::future::Future;
use std::io;
use std::os::fd::RawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;

use super::bare_socket::BareSocket;
use super::descriptor::Watched;
use super::opening;
use super::reading::is_temporary;
use super::writing::os_error;
use crate::runtime::handle::{leaves_the_loop, panicked};
use crate::runtime::{Scheduler, attached, context, drive, scheduler};

/// A listening socket of the loop, of IPv4 or IPv6 and without TLS.
#[pyclass(frozen, module = "covet._native")]
pub struct Listener {
    scheduler: Py<Scheduler>,
    sock: Py<PyAny>,
    /// Of each connection: what makes the protocol, the transport's class, the server.
    making: Making,
    /// Of which each connection gets a copy.
    context: Py<PyAny>,
    fd: RawFd,
    /// What the accepted sockets take over: `socket.socket.proto`.
    protocol: i32,
    /// At most so many are taken in one go.
    backlog: usize,
    state: Mutex<Listening>,
}

type Making = (Py<PyAny>, Py<PyAny>, Py<PyAny>);

struct Listening {
    /// None once it was stopped.
    watched: Option<Watched>,
    waker: Option<Waker>,
}

#[pymethods]
impl Listener {
    /// Listens at `sock`. `making` is a protocol factory, the class of transports and the server.
    #[new]
    fn new(
        event_loop: &Bound<'_, Scheduler>,
        sock: &Bound<'_, PyAny>,
        making: Making,
        backlog: usize,
    ) -> PyResult<Self> {
        let py = event_loop.py();
        let fd = sock.call_method0(intern!(py, "fileno"))?.extract()?;
        let engine = event_loop.get().engine()?;
        let watched = engine.enter(|| Watched::for_owner(fd))?;
        Ok(Self {
            scheduler: event_loop.clone().unbind(),
            sock: sock.clone().unbind(),
            making,
            context: context::copy_current(py)?.unbind(),
            fd,
            protocol: sock.getattr(intern!(py, "proto"))?.extract()?,
            backlog: backlog.max(1),
            state: Mutex::new(Listening {
                watched: Some(watched.map_err(|error| os_error(&error))?),
                waker: None,
            }),
        })
    }

    /// Begins to accept.
    fn start(slf: &Bound<'_, Self>) -> PyResult<()> {
        let event_loop = slf.get().scheduler.bind(slf.py());
        let task = tokio::task::unconstrained(Accepting(slf.clone().unbind()));
        scheduler::spawn_own(event_loop, task)
    }

    /// Accepts no more. The socket is the caller's to close.
    fn stop(&self, py: Python<'_>) {
        let number = self.sock.bind(py).call_method0(intern!(py, "fileno"));
        let is_open = number.is_ok_and(|it| it.extract().is_ok_and(|fd: RawFd| fd == self.fd));
        let mut state = self.state();
        if is_open && let Some(watched) = &mut state.watched {
            watched.vouch();
        }
        let (watched, waker) = (state.watched.take(), state.waker.take());
        drop(state);
        drop(watched);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    #[allow(
        clippy::needless_pass_by_value,
        reason = "the signature of tp_traverse"
    )]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.scheduler)?;
        visit.call(&self.sock)?;
        let (factory, class, server) = &self.making;
        visit.call(factory)?;
        visit.call(class)?;
        visit.call(server)?;
        visit.call(&self.context)
    }
}

impl Listener {
    fn state(&self) -> MutexGuard<'_, Listening> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody may wait; None once it was stopped.
    fn poll_ready(&self, cx: &mut Context<'_>) -> Option<bool> {
        let mut state = self.state();
        let is_ready = state.watched.as_ref()?.poll_readable(cx).is_ready();
        let known = state.waker.as_ref();
        if known.is_none_or(|known| !known.will_wake(cx.waker())) {
            state.waker = Some(cx.waker().clone());
        }
        Some(is_ready)
    }

    /// Nobody waited: the next one is a new edge.
    fn forget_readiness(&self, cx: &mut Context<'_>) {
        let state = self.state();
        let ready = state.watched.as_ref().map(|it| it.poll_readable(cx));
        if let Some(Poll::Ready(Ok(mut ready))) = ready {
            ready.clear_ready();
        }
    }

    /// Takes those who wait; returns whether to go on, and arranges to be polled for the next ones.
    fn poll_accepting(slf: &Bound<'_, Self>, cx: &mut Context<'_>) -> PyResult<bool> {
        let (py, this) = (slf.py(), slf.get());
        for _ in 0..this.backlog {
            match this.poll_ready(cx) {
                None => return Ok(false),
                Some(false) => return Ok(true),
                Some(true) => {}
            }
            match opening::accept(this.fd) {
                Ok((socket, peer)) => {
                    let bare = BareSocket::accepted(socket, peer, this.protocol);
                    this.begin_in_copy(&Bound::new(py, bare)?)?;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    this.forget_readiness(cx);
                }
                // It went away while it waited.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) if is_temporary(&error) => {}
                Err(error) => {
                    let event_loop = this.scheduler.bind(py);
                    let report = intern!(py, "_accept_failed");
                    event_loop.call_method1(report, (this.fd, os_error(&error)))?;
                    break;
                }
            }
        }
        cx.waker().wake_by_ref();
        Ok(true)
    }

    /// What the protocol's factory sets in its context is this connection's alone.
    fn begin_in_copy(&self, bare: &Bound<'_, BareSocket>) -> PyResult<()> {
        let py = bare.py();
        let copy = self.context.bind(py).call_method0(intern!(py, "copy"))?;
        let begun = {
            let _entered = context::enter_context(&copy)?;
            self.begin(bare)
        };
        match begun {
            Err(error) if leaves_the_loop(py, &error) => Err(error),
            // As asyncio: there is nobody to tell.
            Err(_) => {
                bare.get().close(self.scheduler.bind(py));
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    fn begin(&self, bare: &Bound<'_, BareSocket>) -> PyResult<()> {
        let py = bare.py();
        let (factory, class, server) = &self.making;
        let protocol = factory.bind(py).call0()?;
        let none = py.None();
        let words = (&self.scheduler, bare, protocol, &none, &none, server);
        let transport = class.bind(py).call1(words)?;
        if self.scheduler.get().is_debug() {
            let event_loop = self.scheduler.bind(py);
            event_loop.call_method1(intern!(py, "_say_accepted"), (server, transport))?;
        }
        Ok(())
    }
}

/// The task of one listening socket.
struct Accepting(Py<Listener>);

impl Future for Accepting {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        attached(|py| {
            let listener = self.0.bind(py);
            if drive::is_finished() {
                // The loop has stopped; who waits is accepted when it runs again.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let polled = catch_unwind(AssertUnwindSafe(|| Listener::poll_accepting(listener, cx)));
            match polled.unwrap_or_else(|panic| Err(panicked(&*panic))) {
                Ok(true) => Poll::Pending,
                Ok(false) => Poll::Ready(()),
                Err(error) => {
                    cx.waker().wake_by_ref();
                    report(listener, error);
                    Poll::Pending
                }
            }
        })
    }
}

/// What reached nobody goes to the loop's exception handler, or ends the loop.
fn report(listener: &Bound<'_, Listener>, error: PyErr) {
    let (py, event_loop) = (listener.py(), &listener.get().scheduler);
    let reported = if leaves_the_loop(py, &error) {
        Err(error)
    } else {
        let method = intern!(py, "_accepting_failed");
        event_loop.bind(py).call_method1(method, (error,)).map(drop)
    };
    if let Err(error) = reported {
        drive::carry_out(error);
    }
}
