//! A transport's first moments: taking the socket over, telling who must know, and the first read.

use std::os::fd::{AsRawFd, RawFd};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;

use super::bare_socket::{BareSocket, send_at_once};
use super::describing::Described;
use super::descriptor::Watched;
use super::serving::Serving;
use super::state::Socket;
use super::transport::StreamTransport;
use super::writing::os_error;
use crate::runtime::handle::leaves_the_loop;
use crate::runtime::{Handle, Scheduler, scheduler};

/// What a transport is made of: the descriptor, its owner, what is known of the connection.
pub(super) fn take_over(sock: &Bound<'_, PyAny>) -> PyResult<(RawFd, Socket, Described)> {
    if let Ok(bare) = sock.cast_exact::<BareSocket>() {
        let opened = bare.get().take()?;
        send_at_once(&opened).map_err(|error| os_error(&error))?;
        let described = Described::of(&opened);
        let fd = opened.stream.as_raw_fd();
        return Ok((fd, Socket::Bare(opened.stream, opened.protocol), described));
    }
    let fd = sock.call_method0(intern!(sock.py(), "fileno"))?.extract()?;
    let socket = Socket::Python(sock.clone().unbind());
    Ok((fd, socket, Described::default()))
}

impl StreamTransport {
    /// Makes itself known to the server and the loop, and has the protocol told soon.
    pub(super) fn introduce(
        slf: &Bound<'_, Self>,
        protocol: &Bound<'_, PyAny>,
        server: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        static BEGIN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let (py, this) = (slf.py(), slf.get());
        if let Some(server) = server {
            server.call_method1(intern!(py, "_attach"), as_client(slf)?)?;
        }
        let event_loop = this.scheduler(py);
        let known = event_loop.get().transports(py)?;
        known.get().__setitem__(this.fd(), slf)?;
        if !event_loop.get().is_plain() {
            // Each by itself, as reports of debug mode name them.
            let made = protocol.getattr(intern!(py, "connection_made"))?;
            Scheduler::schedule_call(event_loop, made, PyTuple::new(py, [slf])?)?;
            return Self::schedule_start(slf);
        }
        let begin = Self::method(py, &BEGIN, "_begin")?;
        Scheduler::schedule_own(event_loop, begin, PyTuple::new(py, [slf])?)
    }

    /// The method of this name, not bound to a transport.
    pub(super) fn method<'py>(
        py: Python<'py>,
        slot: &PyOnceLock<Py<PyAny>>,
        name: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        let class = py.get_type::<Self>();
        let method = slot.get_or_try_init(py, || class.getattr(name).map(Bound::unbind))?;
        Ok(method.bind(py).clone())
    }

    /// After what was scheduled, `waiter` is done.
    pub(super) fn release(slf: &Bound<'_, Self>, waiter: Bound<'_, PyAny>) -> PyResult<()> {
        static TELL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let py = slf.py();
        let tell = TELL.import(py, "asyncio.futures", "_set_result_unless_cancelled")?;
        let args = (waiter, py.None()).into_pyobject(py)?;
        Scheduler::schedule_call(slf.get().scheduler(py), tell.clone(), args)
    }

    /// `connection_made`, and the first read. What the protocol raises is reported, and it is read all the same.
    pub(super) fn begin(slf: &Bound<'_, Self>) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        let Some(protocol) = this.protocol(py) else {
            return Ok(());
        };
        let method = intern!(py, "connection_made");
        if let Err(error) = protocol.call_method1(method, (slf,)) {
            if leaves_the_loop(py, &error) {
                Self::schedule_start(slf)?;
                return Err(error);
            }
            let event_loop = this.scheduler(py);
            let made = protocol.getattr(method)?;
            let args = PyTuple::new(py, [slf])?;
            let handle = Handle::make(event_loop, made, args, None)?;
            event_loop.call_method1(intern!(py, "_callback_failed"), (handle, error))?;
        }
        Self::start(slf)
    }

    fn schedule_start(slf: &Bound<'_, Self>) -> PyResult<()> {
        let start = slf.getattr(intern!(slf.py(), "_start"))?;
        Scheduler::schedule_call(
            slf.get().scheduler(slf.py()),
            start,
            PyTuple::empty(slf.py()),
        )
    }

    /// Reads from now on, unless the connection is over already.
    pub(super) fn start(slf: &Bound<'_, Self>) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        let state = this.state();
        if state.lost > 0 || (state.is_closing && state.output.is_empty()) {
            return Ok(());
        }
        drop(state);
        let event_loop = this.scheduler(py);
        let engine = event_loop.get().engine()?;
        let known = event_loop.get().waits().hand_over(py, &engine, this.fd());
        let watched = match known {
            Some(watched) => Ok(watched),
            None => engine.enter(|| Watched::for_owner(this.fd()))?,
        };
        match watched {
            Ok(watched) => this.state().watched = Some(watched),
            Err(error) => return Self::fail(slf, os_error(&error), "Fatal error on transport"),
        }
        let task = tokio::task::unconstrained(Serving::new(slf));
        scheduler::spawn_own(event_loop, task)
    }
}

/// How a server is told of a transport: since 3.13 it knows them, before it only counted them.
pub(super) fn as_client<'py>(
    transport: &Bound<'py, StreamTransport>,
) -> PyResult<Bound<'py, PyTuple>> {
    let known = cfg!(Py_3_13).then_some(transport);
    PyTuple::new(transport.py(), known)
}
