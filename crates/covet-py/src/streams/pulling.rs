//! A sync iterator, advanced by jobs of the pool, one job at a time.
//!
//! A job ends when enough waits for the client, or after a moment, so that other jobs get a turn.
//! An iterator whose client has left is closed by the job that runs, or by one of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::items::Chunk;
use super::queue::Queue;
use crate::runtime;
use crate::types::StreamContent;

/// How long a job goes on while the iterator has more.
const MOMENT: Duration = Duration::from_millis(5);

/// What a job came to.
pub(super) enum Pulled {
    /// There may be more.
    More,
    Ended,
    Failed(PyErr),
}

/// An iterator and what it needs.
pub(super) struct Pulling {
    content: StreamContent,
    queue: Arc<Queue>,
    /// Made by the first job.
    iterator: Mutex<Option<Py<PyAny>>>,
    busy: AtomicBool,
    gone: AtomicBool,
    closed: AtomicBool,
}

impl Pulling {
    pub(super) fn new(content: StreamContent, queue: Arc<Queue>) -> Self {
        Self {
            content,
            queue,
            iterator: Mutex::default(),
            busy: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        }
    }

    /// One job: items until there are enough.
    pub(super) fn pull(&self, py: Python<'_>) -> Pulled {
        self.busy.store(true, Ordering::SeqCst);
        let pulled = self.items(py).unwrap_or_else(Pulled::Failed);
        if matches!(pulled, Pulled::Failed(_)) {
            self.close(py);
        }
        self.busy.store(false, Ordering::SeqCst);
        if self.gone.load(Ordering::SeqCst) {
            self.close(py);
        }
        pulled
    }

    fn items(&self, py: Python<'_>) -> PyResult<Pulled> {
        let builtins = py.import(intern!(py, "builtins"))?;
        let iterator = self.iterator(py, &builtins)?;
        let next = builtins.getattr(intern!(py, "next"))?;
        // No iterator gives this one.
        let none = builtins.getattr(intern!(py, "object"))?.call0()?;
        let args = PyTuple::new(py, [iterator, none.clone()])?;
        let until = Instant::now() + MOMENT;
        while !self.gone.load(Ordering::SeqCst) {
            let item = runtime::call_in(self.content.context.bind(py), &next, &args)?;
            if item.is(&none) {
                return Ok(Pulled::Ended);
            }
            let chunk = Chunk::of(&item, self.content.form, self.content.schema.as_deref())?;
            let has_room = self.queue.put(chunk);
            if !has_room || Instant::now() >= until {
                break;
            }
        }
        Ok(Pulled::More)
    }

    fn iterator<'py>(
        &self,
        py: Python<'py>,
        builtins: &Bound<'py, PyModule>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let known = self.kept(py);
        if let Some(iterator) = known {
            return Ok(iterator);
        }
        let iter = builtins.getattr(intern!(py, "iter"))?;
        let args = PyTuple::new(py, [self.content.iterable.bind(py)])?;
        let made = runtime::call_in(self.content.context.bind(py), &iter, &args)?;
        let mut slot = self.iterator.lock().unwrap_or_else(PoisonError::into_inner);
        *slot = Some(made.clone().unbind());
        Ok(made)
    }

    fn kept<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let slot = self.iterator.lock().unwrap_or_else(PoisonError::into_inner);
        slot.as_ref().map(|iterator| iterator.bind(py).clone())
    }

    /// Nobody wants more. Whether a job is needed to close the iterator: none runs that would.
    pub(super) fn leave(&self) -> bool {
        self.gone.store(true, Ordering::SeqCst);
        !self.busy.load(Ordering::SeqCst)
    }

    /// Close the iterator, where it has a `close`; once.
    pub(super) fn close(&self, py: Python<'_>) {
        if self.closed.swap(true, Ordering::SeqCst) {
            return;
        }
        let Some(iterator) = self.kept(py) else {
            return;
        };
        let closed = (|| {
            if let Some(close) = iterator.getattr_opt(intern!(py, "close"))? {
                runtime::call_in(self.content.context.bind(py), &close, &PyTuple::empty(py))?;
            }
            PyResult::Ok(())
        })();
        if let Err(error) = closed {
            error.write_unraisable(py, Some(&iterator));
        }
    }
}
