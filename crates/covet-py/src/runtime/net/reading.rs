//! A transport's way in: what arrived goes to the protocol at once, in the transport's context.

use std::io;
use std::task::{Context, Poll};

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};

use super::descriptor::receive_buffer;
use super::room::{MOST_AT_ONCE, MUCH, receive};
use super::state::State;
use super::transport::StreamTransport;
use super::writing::os_error;
use crate::runtime::context::enter_context;
use crate::runtime::handle::leaves_the_loop;
use crate::runtime::{Handle, clock};

/// What one look at the socket gave.
enum Look<'py> {
    /// Nothing, or nothing is wanted: the task is polled when that changes.
    Nothing,
    /// There is something for a `BufferedProtocol`, which must say where it goes.
    Room,
    /// Bytes for a `Protocol`.
    Bytes(Bound<'py, PyBytes>),
    /// The peer ended its side.
    End,
    /// The connection broke.
    Failed(io::Error),
}

impl StreamTransport {
    /// Reads once, as asyncio does in one turn; arranges to be polled again when there is more.
    pub(super) fn poll_reading(slf: &Bound<'_, Self>, cx: &mut Context<'_>) -> PyResult<()> {
        match slf.get().look(slf.py(), cx) {
            Look::Nothing => return Ok(()),
            Look::Room => Self::fill(slf, cx)?,
            Look::Bytes(bytes) => {
                Self::tell(slf, intern!(slf.py(), "data_received"), (bytes,))?;
            }
            Look::End => Self::end_of_input(slf)?,
            Look::Failed(error) => {
                let error = os_error(&error);
                Self::fail(slf, error, "Fatal read error on socket transport")?;
            }
        }
        slf.get().look_again(cx);
        Ok(())
    }

    /// Runs the task again after the others if there is more, else when there is.
    fn look_again(&self, cx: &mut Context<'_>) {
        let state = self.state();
        let watched = state.watched.as_ref().filter(|_| state.wants_input());
        if watched.is_some_and(|watched| watched.poll_readable(cx).is_ready()) {
            cx.waker().wake_by_ref();
        }
    }

    fn look<'py>(&self, py: Python<'py>, cx: &mut Context<'_>) -> Look<'py> {
        let mut state = self.state();
        let wanted = state.wants_input();
        let State {
            watched,
            expects_much,
            is_buffered,
            ..
        } = &mut *state;
        let Some(watched) = watched.as_ref().filter(|_| wanted) else {
            return Look::Nothing;
        };
        let mut ready = match watched.poll_readable(cx) {
            Poll::Pending => return Look::Nothing,
            Poll::Ready(Err(error)) => return Look::Failed(error),
            Poll::Ready(Ok(ready)) => ready,
        };
        if *is_buffered {
            return Look::Room;
        }
        // Under the lock, but no call into Python: making a `bytes` runs nothing.
        let received = receive(py, self.fd(), MOST_AT_ONCE, *expects_much);
        let count = received.as_ref().map(|bytes| bytes.as_bytes().len());
        if is_exhausted(count, MOST_AT_ONCE) {
            ready.clear_ready();
        }
        *expects_much = count.is_ok_and(|count| count >= MUCH);
        drop(state);
        match received {
            Ok(bytes) if bytes.as_bytes().is_empty() => Look::End,
            Ok(bytes) => Look::Bytes(bytes),
            Err(error) if is_temporary(&error) => {
                cx.waker().wake_by_ref();
                Look::Nothing
            }
            Err(error) => Look::Failed(error),
        }
    }

    /// Reads into the buffer that a `BufferedProtocol` gives.
    fn fill(slf: &Bound<'_, Self>, cx: &mut Context<'_>) -> PyResult<()> {
        let py = slf.py();
        let given = Self::ask(slf, intern!(py, "get_buffer"), (-1,)).and_then(|given| {
            let buffer = PyBuffer::<u8>::get(&given)?;
            if buffer.len_bytes() == 0 {
                let text = "get_buffer() returned an empty buffer";
                return Err(PyRuntimeError::new_err(text));
            }
            Ok(buffer)
        });
        let buffer = match given {
            Ok(buffer) => buffer,
            Err(error) => return Self::protocol_failed(slf, error, "get_buffer"),
        };
        let received = slf.get().receive_ready(&buffer, cx);
        drop(buffer);
        match received {
            Some(Ok(0)) => Self::end_of_input(slf),
            Some(Ok(count)) => Self::tell(slf, intern!(py, "buffer_updated"), (count,)),
            Some(Err(error)) => {
                let error = os_error(&error);
                Self::fail(slf, error, "Fatal read error on socket transport")
            }
            None => Ok(()),
        }
    }

    fn receive_ready(
        &self,
        buffer: &PyBuffer<u8>,
        cx: &mut Context<'_>,
    ) -> Option<io::Result<usize>> {
        let state = self.state();
        let State { watched, lost, .. } = &*state;
        let Some(Poll::Ready(Ok(mut ready))) = watched
            .as_ref()
            .filter(|_| *lost == 0)
            .map(|watched| watched.poll_readable(cx))
        else {
            return None;
        };
        let received = receive_buffer(self.fd(), buffer);
        if is_exhausted(received.as_ref().copied(), buffer.len_bytes()) {
            ready.clear_ready();
        }
        match received {
            Err(error) if is_temporary(&error) => None,
            other => Some(other),
        }
    }

    fn end_of_input(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        if slf.get().scheduler(py).get().is_debug() {
            slf.call_method1(intern!(py, "_say"), ("%r received EOF",))?;
        }
        let kept = Self::ask(slf, intern!(py, "eof_received"), ()).and_then(|it| it.is_truthy());
        match kept {
            Ok(true) => {
                slf.get().state().has_ended = true;
                Ok(())
            }
            Ok(false) => slf.call_method0(intern!(py, "close")).map(drop),
            Err(error) => Self::protocol_failed(slf, error, "eof_received"),
        }
    }

    /// Calls a method of the protocol; what it raises ends the connection.
    fn tell<'py>(
        slf: &Bound<'py, Self>,
        method: &Bound<'py, PyString>,
        args: impl pyo3::call::PyCallArgs<'py>,
    ) -> PyResult<()> {
        match Self::ask(slf, method, args) {
            Ok(_) => Ok(()),
            Err(error) => Self::protocol_failed(slf, error, method.to_str()?),
        }
    }

    /// Calls a method of the protocol in the transport's context.
    fn ask<'py>(
        slf: &Bound<'py, Self>,
        method: &Bound<'py, PyString>,
        args: impl pyo3::call::PyCallArgs<'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, this) = (slf.py(), slf.get());
        let Some(protocol) = this.protocol(py) else {
            return Ok(py.None().into_bound(py));
        };
        let is_debug = this.scheduler(py).get().is_debug();
        let began = is_debug.then(clock::monotonic);
        let answer = {
            let _entered = enter_context(this.context(py))?;
            protocol.call_method1(method, args)
        };
        if let Some(began) = began {
            Self::report_slowness(slf, clock::monotonic() - began)?;
        }
        answer
    }

    /// In debug mode, a protocol that takes long is reported as a callback that does.
    fn report_slowness(slf: &Bound<'_, Self>, took: f64) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        let scheduler = this.scheduler(py);
        let bound: f64 = scheduler
            .getattr(intern!(py, "slow_callback_duration"))?
            .extract()?;
        if took < bound {
            return Ok(());
        }
        let callback = slf.getattr(intern!(py, "_read_ready"))?;
        let context = Some(this.context(py).clone());
        let handle = Handle::make(scheduler, callback, PyTuple::empty(py), context)?;
        let report = intern!(py, "_callback_was_slow");
        scheduler.call_method1(report, (handle, took))?;
        Ok(())
    }

    /// What `method` raised ends the connection, or the loop.
    fn protocol_failed(slf: &Bound<'_, Self>, error: PyErr, method: &str) -> PyResult<()> {
        if leaves_the_loop(slf.py(), &error) {
            return Err(error);
        }
        let message = format!("Fatal error: protocol.{method}() call failed.");
        Self::fail(slf, error, &message)
    }
}

/// Whether the socket had less than there was room for: the next bytes are a new edge. An end is not forgotten.
fn is_exhausted(received: Result<usize, &io::Error>, room: usize) -> bool {
    match received {
        Ok(count) => count < room,
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    }
}

/// Whether a system call has only to be made again, now or later.
pub(super) fn is_temporary(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
