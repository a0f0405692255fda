//! A transport's way out: sent at once where nothing waits, gathered for the end of the turn where more follows.

use std::io;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::sync::MutexGuard;
use std::task::{Context, Poll};

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView};

use super::descriptor::{send, shut_down_sending};
use super::reading::is_temporary;
use super::state::State;
use super::transport::StreamTransport;
use crate::runtime::Scheduler;

/// Up to so many bytes wait for the end of a turn.
const GATHERED: usize = 64 * 1024;
/// After so many writes to a lost connection asyncio says something.
const WRITES_UNHEARD: u32 = 5;

impl StreamTransport {
    /// `write` and `writelines`.
    pub(super) fn write_bytes(slf: &Bound<'_, Self>, bytes: &Bound<'_, PyBytes>) -> PyResult<()> {
        let this = slf.get();
        let length = bytes.as_bytes().len();
        let mut state = this.state();
        if length == 0 {
            return Ok(());
        }
        if state.lost > 0 {
            let unheard = state.lost >= WRITES_UNHEARD;
            state.lost += 1;
            drop(state);
            if unheard {
                slf.call_method0(intern!(slf.py(), "_warn_of_lost_writes"))?;
            }
            return Ok(());
        }
        let turn = this.scheduler(slf.py()).get().turn();
        if state.output.is_empty() && state.wrote_in != turn {
            state.wrote_in = turn;
            match state.output.send_now(this.fd(), bytes.as_bytes()) {
                Ok(sent) if sent == length => return Ok(()),
                Ok(sent) => state.output.push(bytes, sent),
                Err(error) => {
                    drop(state);
                    return Self::write_failed(slf, &error);
                }
            }
        } else {
            state.output.push(bytes, 0);
        }
        Self::see_to_output(slf, state)
    }

    /// Refuses to write after `write_eof` and while a file is sent.
    pub(super) fn check_writable(&self, method: &str) -> PyResult<()> {
        let state = self.state();
        if state.is_eof_written {
            let text = format!("Cannot call {method}() after write_eof()");
            return Err(PyRuntimeError::new_err(text));
        }
        if state.is_sealed {
            let text = format!("unable to {method}; sendfile is in progress");
            return Err(PyRuntimeError::new_err(text));
        }
        Ok(())
    }

    /// Decides when what waits is sent, and whether the protocol must pause.
    fn see_to_output(slf: &Bound<'_, Self>, mut state: MutexGuard<'_, State>) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        let patience = state.output.high.min(GATHERED);
        let is_served = state.is_served || state.waker.is_some();
        let scheduler = this.scheduler(py).get();
        let waits_well = state.output.size() <= patience && (is_served || scheduler.is_in_turn());
        let must_go = !state.output.is_blocked && !waits_well;
        if must_go && let Err(error) = state.output.send_all(py, this.fd()) {
            drop(state);
            return Self::write_failed(slf, &error);
        }
        if state.output.is_blocked || (!state.output.is_empty() && !scheduler.is_in_turn()) {
            state.wake();
        } else if !state.output.is_empty() && !state.is_deferred {
            state.is_deferred = true;
            scheduler.defer(slf.clone().unbind());
        }
        Self::pause_if_full(slf, state)
    }

    /// Tells the protocol to pause where more waits than the high-water mark.
    pub(super) fn pause_if_full(
        slf: &Bound<'_, Self>,
        mut state: MutexGuard<'_, State>,
    ) -> PyResult<()> {
        let output = &mut state.output;
        let pause = !output.is_paused && output.size() > output.high;
        output.is_paused |= pause;
        drop(state);
        if pause {
            slf.call_method0(intern!(slf.py(), "_pause_protocol"))?;
        }
        Ok(())
    }

    /// Sends what waits, as far as the socket takes it now.
    pub(super) fn flush(slf: &Bound<'_, Self>) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        let mut state = this.state();
        state.is_deferred = false;
        if state.lost > 0 || state.output.is_empty() || state.output.is_blocked {
            return Ok(());
        }
        let sent = state.output.send_all(py, this.fd());
        if state.output.is_blocked {
            state.wake();
        }
        drop(state);
        match sent {
            Ok(()) => Self::after_sending(slf),
            Err(error) => Self::write_failed(slf, &error),
        }
    }

    /// Sends what waits as the socket becomes writable; arranges to be polled again where it does not.
    pub(super) fn poll_sending(slf: &Bound<'_, Self>, cx: &mut Context<'_>) -> PyResult<()> {
        loop {
            let mut state = slf.get().state();
            if state.output.is_empty() || state.lost > 0 {
                return Ok(());
            }
            if state.output.is_blocked {
                let State {
                    watched, output, ..
                } = &mut *state;
                let Some(Poll::Ready(Ok(mut ready))) =
                    watched.as_ref().map(|watched| watched.poll_writable(cx))
                else {
                    return Ok(());
                };
                output.is_blocked = false;
                let sent = output.send_all(slf.py(), slf.get().fd());
                if output.is_blocked {
                    ready.clear_ready();
                }
                drop(state);
                match sent {
                    Ok(()) => Self::after_sending(slf)?,
                    Err(error) => return Self::write_failed(slf, &error),
                }
            } else {
                drop(state);
                Self::flush(slf)?;
            }
        }
    }

    /// What asyncio does after it sent: go on with the protocol, the waiter, the close or the end of the stream.
    fn after_sending(slf: &Bound<'_, Self>) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        let mut state = this.state();
        let output = &mut state.output;
        let resume = output.is_paused && output.size() <= output.low;
        output.is_paused &= !resume;
        drop(state);
        if resume {
            slf.call_method0(intern!(py, "_resume_protocol"))?;
        }
        let mut state = this.state();
        if !state.output.is_empty() || state.lost > 0 {
            return Ok(());
        }
        let (sealed, closing, eof) = (state.is_sealed, state.is_closing, state.is_eof_written);
        if closing {
            state.lost += 1;
        }
        drop(state);
        if sealed {
            slf.call_method0(intern!(py, "_tell_sent"))?;
        }
        if closing {
            slf.call_method1(intern!(py, "_call_connection_lost"), (py.None(),))?;
        } else if eof {
            this.shut_down()?;
        }
        Ok(())
    }

    /// `write_eof`, once everything is sent.
    pub(super) fn shut_down(&self) -> PyResult<()> {
        shut_down_sending(self.fd()).map_err(|error| os_error(&error))
    }

    /// The connection ends with `error`.
    fn write_failed(slf: &Bound<'_, Self>, error: &io::Error) -> PyResult<()> {
        Self::fail(
            slf,
            os_error(error),
            "Fatal write error on socket transport",
        )
    }

    /// The connection ends with `error`, of which `message` says where it arose.
    pub(super) fn fail(slf: &Bound<'_, Self>, error: PyErr, message: &str) -> PyResult<()> {
        slf.call_method1(intern!(slf.py(), "_fatal_error"), (error, message))
            .map(drop)
    }
}

/// Sends what transports kept for the end of the turn.
pub(in crate::runtime) fn send_deferred(scheduler: &Bound<'_, Scheduler>) -> PyResult<()> {
    for transport in scheduler.get().take_deferred() {
        StreamTransport::flush(transport.bind(scheduler.py()))?;
    }
    Ok(())
}

/// How many bytes of `data` the socket `fd` takes now: none where it is full.
///
/// # Errors
///
/// `OSError`.
pub(in crate::runtime) fn send_now(fd: RawFd, data: &Bound<'_, PyBytes>) -> PyResult<usize> {
    match send(fd, data.as_bytes()) {
        Err(error) if is_temporary(&error) => Ok(0),
        sent => sent.map_err(|error| os_error(&error)),
    }
}

/// What may be written, as exact `bytes`: asyncio's types and words.
pub(super) fn exact_bytes<'py>(data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    if let Ok(bytes) = data.cast_exact::<PyBytes>() {
        return Ok(bytes.clone());
    }
    if data.is_instance_of::<PyBytes>()
        || data.is_instance_of::<PyByteArray>()
        || data.is_instance_of::<PyMemoryView>()
    {
        let py = data.py();
        if let Ok(buffer) = PyBuffer::<u8>::get(data) {
            let fill = |room: &mut [u8]| buffer.copy_to_slice(py, room);
            return PyBytes::new_with(py, buffer.len_bytes(), fill);
        }
        // A memoryview of other items than bytes.
        let made = py.get_type::<PyBytes>().call1((data,))?;
        return made.cast_into::<PyBytes>().map_err(PyErr::from);
    }
    Err(PyTypeError::new_err(format!(
        "data argument must be a bytes-like object, not '{}'",
        data.get_type().name()?
    )))
}

/// The exception of a system call: Python chooses its class by the number.
pub(crate) fn os_error(error: &io::Error) -> PyErr {
    match error.raw_os_error() {
        Some(number) => PyOSError::new_err((number, text_of(error))),
        None => PyOSError::new_err(error.to_string()),
    }
}

/// The same of one about the file at `path`.
pub(crate) fn os_error_of_file(error: &io::Error, path: PathBuf) -> PyErr {
    match error.raw_os_error() {
        Some(number) => PyOSError::new_err((number, text_of(error), path.into_os_string())),
        None => PyOSError::new_err(error.to_string()),
    }
}

/// The system's text, without the number that the standard library puts behind it.
fn text_of(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" (os error").unwrap_or(text.len());
    text[..end].to_owned()
}
