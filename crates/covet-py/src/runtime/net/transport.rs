//! The class that `covet._transports.SocketTransport` inherits: the frequent half of asyncio's stream transport.

use std::os::fd::RawFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyType};

use super::beginning;
use super::finalizing;
use super::state::{Socket, State};
use super::writing::exact_bytes;
use crate::runtime::{Scheduler, context};

/// A connected stream socket and its protocol.
#[pyclass(frozen, subclass, module = "covet._native")]
pub struct StreamTransport {
    scheduler: Py<Scheduler>,
    /// In which the protocol is called.
    context: Py<PyAny>,
    fd: RawFd,
    state: Mutex<State>,
}

impl StreamTransport {
    /// Free, or about to be: it is never held across a call into Python.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The socket's descriptor.
    pub(super) fn fd(&self) -> RawFd {
        self.fd
    }

    /// The loop.
    pub(super) fn scheduler<'a, 'py>(&'a self, py: Python<'py>) -> &'a Bound<'py, Scheduler> {
        self.scheduler.bind(py)
    }

    /// The context in which the protocol is called.
    pub(super) fn context<'a, 'py>(&'a self, py: Python<'py>) -> &'a Bound<'py, PyAny> {
        self.context.bind(py)
    }

    /// The protocol, until the connection's end.
    pub(super) fn protocol<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let state = self.state();
        state
            .protocol
            .as_ref()
            .map(|protocol| protocol.bind(py).clone())
    }
}

#[pymethods]
impl StreamTransport {
    #[new]
    #[pyo3(signature = (event_loop, sock, protocol, waiter=None, extra=None, server=None))]
    fn new(
        event_loop: &Bound<'_, Scheduler>,
        sock: &Bound<'_, PyAny>,
        protocol: &Bound<'_, PyAny>,
        waiter: Option<&Bound<'_, PyAny>>,
        extra: Option<Bound<'_, PyDict>>,
        server: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let _ = waiter;
        let py = event_loop.py();
        let is_buffered = is_buffered(protocol)?;
        let (fd, socket, mut described) = beginning::take_over(sock)?;
        described.keep(extra, server);
        let mut state = State::new(protocol.clone().unbind(), is_buffered, socket);
        state.described = described;
        Ok(Self {
            scheduler: event_loop.clone().unbind(),
            context: context::copy_current(py)?.unbind(),
            fd,
            state: Mutex::new(state),
        })
    }

    #[pyo3(signature = (event_loop, sock, protocol, waiter=None, extra=None, server=None))]
    fn __init__(
        slf: &Bound<'_, Self>,
        event_loop: &Bound<'_, Scheduler>,
        sock: &Bound<'_, PyAny>,
        protocol: &Bound<'_, PyAny>,
        waiter: Option<Bound<'_, PyAny>>,
        extra: Option<&Bound<'_, PyDict>>,
        server: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let _ = (event_loop, sock, extra);
        Self::introduce(slf, protocol, server)?;
        waiter.map_or(Ok(()), |waiter| Self::release(slf, waiter))
    }

    #[classmethod]
    fn __init_subclass__(class: &Bound<'_, PyType>) {
        finalizing::install(class);
    }

    /// Tells the protocol that it has a connection, then reads.
    fn _begin(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::begin(slf)
    }

    /// Begins to read: `connection_made` was called.
    fn _start(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::start(slf)
    }

    /// The connection is over: tells the protocol and gives the socket up.
    fn _call_connection_lost(slf: &Bound<'_, Self>, exc: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        Self::lose(slf, exc)
    }

    /// `socket`, `sockname`, `peername`, or what a layer above added.
    #[pyo3(signature = (name, default=None))]
    fn get_extra_info<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(Self::extra_info(slf, name)?.or(default))
    }

    /// The Python socket, made when it is first asked for; None after the end.
    #[getter]
    fn _sock<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
        Self::socket(slf)
    }

    /// Of a bare socket: whether it was of IPv4, and its `socket.socket.proto`.
    fn _kind(&self) -> (bool, i32) {
        self.kind()
    }

    /// The socket was given up.
    #[getter]
    fn _is_over(&self) -> bool {
        self.state().is_over
    }

    /// Sends `data`, or keeps it until the socket takes it.
    fn write(slf: &Bound<'_, Self>, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let bytes = exact_bytes(data)?;
        slf.get().check_writable("write")?;
        Self::write_bytes(slf, &bytes)
    }

    /// Sends the pieces of an iterable, together.
    fn writelines(slf: &Bound<'_, Self>, list_of_data: &Bound<'_, PyAny>) -> PyResult<()> {
        slf.get().check_writable("writelines")?;
        let empty = PyBytes::new(slf.py(), b"");
        let joined = empty.call_method1(intern!(slf.py(), "join"), (list_of_data,))?;
        Self::write_bytes(slf, &joined.cast_into::<PyBytes>()?)
    }

    /// Ends the stream to the peer after what was written.
    fn write_eof(slf: &Bound<'_, Self>) -> PyResult<()> {
        let this = slf.get();
        let mut state = this.state();
        if state.is_closing || state.is_eof_written {
            return Ok(());
        }
        if state.output.is_empty() {
            state.is_eof_written = true;
            drop(state);
            return this.shut_down();
        }
        drop(state);
        // What is kept for the end of the turn goes first, and the end with it or after it.
        this.state().is_eof_written = true;
        Self::flush(slf)
    }

    #[allow(clippy::unused_self, reason = "a method of the transport")]
    fn can_write_eof(&self) -> bool {
        true
    }

    /// Sends what was written, then ends the connection.
    fn close(slf: &Bound<'_, Self>) -> PyResult<()> {
        let this = slf.get();
        if this.state().is_closing {
            return Ok(());
        }
        Self::flush(slf)?;
        let mut state = this.state();
        if state.is_closing {
            return Ok(());
        }
        state.is_closing = true;
        if !state.output.is_empty() {
            state.wake();
            return Ok(());
        }
        state.lost += 1;
        drop(state);
        Self::schedule_end(slf, None)
    }

    /// Ends the connection at once.
    fn abort(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::flush(slf)?;
        Self::_force_close(slf, None)
    }

    /// Ends the connection at once because of `exc`.
    fn _force_close(slf: &Bound<'_, Self>, exc: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        let mut state = slf.get().state();
        if state.lost > 0 {
            return Ok(());
        }
        state.is_closing = true;
        state.lost += 1;
        let dropped = state.output.take();
        drop(state);
        drop(dropped);
        Self::schedule_end(slf, exc)
    }

    fn is_closing(&self) -> bool {
        self.state().is_closing
    }

    fn is_reading(&self) -> bool {
        let state = self.state();
        !(state.is_closing || state.is_paused)
    }

    /// Stops reading: nothing more reaches the protocol.
    fn pause_reading(slf: &Bound<'_, Self>) -> PyResult<()> {
        let mut state = slf.get().state();
        if state.is_closing || state.is_paused {
            return Ok(());
        }
        state.is_paused = true;
        drop(state);
        Self::say(slf, "%r pauses reading")
    }

    /// Reads again.
    fn resume_reading(slf: &Bound<'_, Self>) -> PyResult<()> {
        let mut state = slf.get().state();
        if state.is_closing || !state.is_paused {
            return Ok(());
        }
        state.is_paused = false;
        state.has_ended = false;
        state.wake();
        drop(state);
        Self::say(slf, "%r resumes reading")
    }

    /// Hands what arrives to another protocol from now on.
    fn set_protocol(&self, protocol: &Bound<'_, PyAny>) -> PyResult<()> {
        let is_buffered = is_buffered(protocol)?;
        let mut state = self.state();
        let before = state.protocol.replace(protocol.clone().unbind());
        state.is_buffered = is_buffered;
        drop(state);
        drop(before);
        Ok(())
    }

    fn get_protocol<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.protocol(py)
    }

    fn get_write_buffer_size(&self) -> usize {
        self.state().output.size()
    }

    /// The low and the high water mark.
    fn get_write_buffer_limits(&self) -> (usize, usize) {
        let state = self.state();
        (state.output.low, state.output.high)
    }

    /// Sets the high and the low water mark, in bytes.
    #[pyo3(signature = (high=None, low=None))]
    fn set_write_buffer_limits(
        slf: &Bound<'_, Self>,
        high: Option<i64>,
        low: Option<i64>,
    ) -> PyResult<()> {
        let mut state = slf.get().state();
        state.output.set_limits(high, low)?;
        Self::pause_if_full(slf, state)
    }

    /// Refuses writes while a file is sent, or takes them again; returns whether everything is sent.
    fn _seal(slf: &Bound<'_, Self>, sealed: bool) -> PyResult<bool> {
        Self::flush(slf)?;
        let mut state = slf.get().state();
        state.is_sealed = sealed;
        Ok(state.output.is_empty())
    }

    #[getter]
    fn _loop<'py>(&self, py: Python<'py>) -> Option<Bound<'py, Scheduler>> {
        let is_over = self.state().is_over;
        (!is_over).then(|| self.scheduler.bind(py).clone())
    }

    #[getter]
    fn _protocol<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.protocol(py)
    }

    #[getter]
    fn _sock_fd(&self) -> RawFd {
        self.fd
    }

    #[getter]
    fn _closing(&self) -> bool {
        self.state().is_closing
    }

    #[getter]
    fn _paused(&self) -> bool {
        self.state().is_paused
    }

    #[getter]
    fn _eof(&self) -> bool {
        self.state().is_eof_written
    }

    #[getter]
    fn _conn_lost(&self) -> u32 {
        self.state().lost
    }

    #[getter]
    fn _protocol_paused(&self) -> bool {
        self.state().output.is_paused
    }

    #[allow(
        clippy::needless_pass_by_value,
        reason = "the signature of tp_traverse"
    )]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.scheduler)?;
        visit.call(&self.context)?;
        let Ok(state) = self.state.try_lock() else {
            return Ok(());
        };
        if let Socket::Python(socket) = &state.socket {
            visit.call(socket)?;
        }
        state.described.traverse(&visit)?;
        visit.call(&state.protocol)
    }

    fn __clear__(&self) {
        let mut state = self.state();
        let gone = (state.protocol.take(), std::mem::take(&mut state.described));
        drop(state);
        drop(gone);
    }
}

impl StreamTransport {
    fn schedule_end(slf: &Bound<'_, Self>, exc: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        static LOST: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let py = slf.py();
        let lost = Self::method(py, &LOST, "_call_connection_lost")?;
        let args = (slf, exc).into_pyobject(py)?;
        Scheduler::schedule_own(slf.get().scheduler(py), lost, args)
    }

    /// In debug mode, a line in asyncio's log.
    fn say(slf: &Bound<'_, Self>, line: &str) -> PyResult<()> {
        if slf.get().scheduler(slf.py()).get().is_debug() {
            slf.call_method1(intern!(slf.py(), "_say"), (line,))?;
        }
        Ok(())
    }
}

fn is_buffered(protocol: &Bound<'_, PyAny>) -> PyResult<bool> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let class = CLASS.import(protocol.py(), "asyncio", "BufferedProtocol")?;
    protocol.is_instance(class)
}
