//! A request's body as `async for` reads it: piece by piece, at the reader's pace.
//!
//! The pieces are the server's ([`BodyStream`]); here each becomes `bytes`, and a wait for one an
//! asyncio future. Neighbours: `body_source.rs` hands the body over.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake};

use covet_server::body_stream::BodyStream;
use pyo3::exceptions::{PyStopAsyncIteration, PyStopIteration, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pyclass::{PyTraverseError, PyVisit};
use pyo3::types::PyBytes;

use super::awaited_body::thrown;
use super::body_source::{body_exception, wake};
use crate::runtime::{self, ThreadBound};

/// What `request.stream()` gives.
#[pyclass(frozen, module = "covet._native")]
pub struct BodyPieces {
    pieces: ThreadBound<RefCell<BodyStream>>,
    event_loop: Py<PyAny>,
}

impl BodyPieces {
    pub(super) fn new(py: Python<'_>, pieces: BodyStream, event_loop: &Py<PyAny>) -> Self {
        Self {
            pieces: ThreadBound::new(RefCell::new(pieces)),
            event_loop: event_loop.clone_ref(py),
        }
    }
}

#[pymethods]
impl BodyPieces {
    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __anext__(slf: Py<Self>) -> AwaitedPiece {
        AwaitedPiece {
            source: slf,
            inner: Mutex::new(None),
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)
    }
}

/// One wait for a piece.
#[pyclass(frozen, module = "covet._native")]
pub(super) struct AwaitedPiece {
    source: Py<BodyPieces>,
    /// The iterator of the future that is set when there is something to look at.
    inner: Mutex<Option<Py<PyAny>>>,
}

/// Sets a future, once.
struct SetsFuture(Mutex<Option<Py<PyAny>>>);

impl Wake for SetsFuture {
    fn wake(self: Arc<Self>) {
        let future = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(future) = future else {
            return;
        };
        runtime::attached(|py| {
            if let Err(error) = wake(future.bind(py)) {
                error.write_unraisable(py, None);
            }
        });
    }
}

impl AwaitedPiece {
    fn waits_for(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.as_ref().map(|inner| inner.clone_ref(py))
    }

    /// Look for a piece; the wait for one where there is none.
    fn look(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let source = self.source.get();
        let future = source
            .event_loop
            .call_method0(py, intern!(py, "create_future"))?;
        let waker = Arc::new(SetsFuture(Mutex::new(Some(future.clone_ref(py))))).into();
        let polled = source
            .pieces
            .get()?
            .borrow_mut()
            .poll_next(&mut Context::from_waker(&waker));
        match polled {
            Poll::Ready(Some(Ok(bytes))) => Err(PyStopIteration::new_err((PyBytes::new(
                py, &bytes,
            )
            .unbind(),))),
            Poll::Ready(Some(Err(why))) => Err(body_exception(py, why)),
            Poll::Ready(None) => Err(PyStopAsyncIteration::new_err(())),
            Poll::Pending => {
                let inner = future.call_method0(py, intern!(py, "__await__"))?;
                let waits = inner.call_method0(py, intern!(py, "__next__"))?;
                let mut slot = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
                let before = slot.replace(inner);
                drop(slot);
                drop(before);
                Ok(waits)
            }
        }
    }
}

#[pymethods]
impl AwaitedPiece {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        if let Some(inner) = self.waits_for(py) {
            match inner.call_method0(py, intern!(py, "__next__")) {
                Err(error) if error.is_instance_of::<PyStopIteration>(py) => {}
                other => return other,
            }
        }
        self.look(py)
    }

    /// Go on. Nothing waits for a value, so another than None is a `TypeError`.
    fn send(&self, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        if value.is_none() {
            return self.__next__(value.py());
        }
        Err(PyTypeError::new_err(
            "the wait for a piece of a body takes no value: send None",
        ))
    }

    /// Give up: the exception is raised here; the piece is for whoever asks next.
    #[pyo3(signature = (kind, value = None, traceback = None, /))]
    #[allow(
        clippy::unused_self,
        reason = "a method of coroutines, which every one of them has"
    )]
    fn throw(
        &self,
        kind: &Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        Err(thrown(kind, value, traceback)?)
    }

    /// Nothing is held that needs an end.
    #[allow(
        clippy::unused_self,
        reason = "a method of coroutines, which every one of them has"
    )]
    fn close(&self) {}

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.source)?;
        match self.inner.try_lock() {
            Ok(inner) => visit.call(&*inner),
            Err(_) => Ok(()), // in use, so nothing is lost by not showing it
        }
    }
}
