//! What an iterator has given and the connection has not taken: bounded, with a wake each way.
//!
//! Filled by a task on the loop's thread or by a job of the pool; emptied by the connection. No
//! lock is held across Python.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pyclass::{PyTraverseError, PyVisit};

use super::items::Chunk;
use crate::runtime;
use crate::typed::Schema;
use crate::types::{StreamContent, StreamForm};

/// Bytes above which the iterator waits.
const BYTES: usize = 64 * 1024;
/// Items from which on it waits.
const ITEMS: usize = 64;

#[derive(Default)]
pub(super) struct Queue(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    chunks: VecDeque<Chunk>,
    bytes: usize,
    end: Option<PyResult<()>>,
    waker: Option<Waker>,
    /// Set when there is room again.
    room: Option<Py<PyAny>>,
}

impl Inner {
    fn is_full(&self) -> bool {
        self.bytes > BYTES || self.chunks.len() >= ITEMS
    }
}

impl Queue {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Add what was given; whether there is room for more.
    pub(super) fn put(&self, chunk: Chunk) -> bool {
        let mut inner = self.inner();
        if chunk.len() > 0 {
            inner.bytes += chunk.len();
            inner.chunks.push_back(chunk);
        }
        let waker = inner.waker.take();
        let has_room = !inner.is_full();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
        has_room
    }

    /// The iterator has ended.
    pub(super) fn end(&self, result: PyResult<()>) {
        self.inner().end = Some(result);
    }

    pub(super) fn take_end(&self) -> Option<PyResult<()>> {
        self.inner().end.take()
    }

    /// The next chunk. On the loop's thread: whoever waits for room is told.
    pub(super) fn take(&self) -> Option<Chunk> {
        let mut inner = self.inner();
        let chunk = inner.chunks.pop_front()?;
        inner.bytes -= chunk.len();
        let room = if inner.is_full() {
            None
        } else {
            inner.room.take()
        };
        drop(inner);
        if let Some(room) = room {
            runtime::attached(|py| {
                if let Err(error) = release(room.bind(py)) {
                    error.write_unraisable(py, None);
                }
            });
        }
        Some(chunk)
    }

    /// Remember whom to wake when something is put.
    pub(super) fn watch(&self, waker: &Waker) {
        self.inner().waker = Some(waker.clone());
    }
}

fn release(room: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = room.py();
    if !room.call_method0(intern!(py, "done"))?.is_truthy()? {
        room.call_method1(intern!(py, "set_result"), (py.None(),))?;
    }
    Ok(())
}

/// What the task that advances an async iterator gives its items to.
#[pyclass(frozen, module = "covet._native")]
pub(super) struct StreamSender {
    queue: Arc<Queue>,
    form: StreamForm,
    schema: Option<Arc<Schema>>,
    event_loop: Py<PyAny>,
}

impl StreamSender {
    pub(super) fn new(
        queue: Arc<Queue>,
        content: &StreamContent,
        event_loop: &Bound<'_, PyAny>,
    ) -> Self {
        Self {
            queue,
            form: content.form,
            schema: content.schema.clone(),
            event_loop: event_loop.clone().unbind(),
        }
    }
}

#[pymethods]
impl StreamSender {
    /// Give `item`; what is returned, if anything, is to be awaited before the next.
    fn __call__<'py>(&self, item: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = item.py();
        let chunk = Chunk::of(item, self.form, self.schema.as_deref())?;
        if self.queue.put(chunk) {
            return Ok(None);
        }
        let event_loop = self.event_loop.bind(py);
        let room = event_loop.call_method0(intern!(py, "create_future"))?;
        let before = self.queue.inner().room.replace(room.clone().unbind());
        drop(before);
        Ok(Some(room))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)
    }
}
