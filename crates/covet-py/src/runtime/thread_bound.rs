//! A value that only its own thread may touch, inside an object that Python may pass around.

#![allow(unsafe_code)]

use std::mem::ManuallyDrop;
use std::thread::{self, ThreadId};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// A value and the only thread that may use it. Dropped elsewhere, it is leaked on purpose.
#[derive(Debug)]
pub(crate) struct ThreadBound<T> {
    value: ManuallyDrop<T>,
    thread: ThreadId,
}

// SAFETY: the value is reached through `get` and dropped by `Drop` alone, and both refuse every
// thread but the one that made it.
unsafe impl<T> Send for ThreadBound<T> {}
// SAFETY: as for `Send`.
unsafe impl<T> Sync for ThreadBound<T> {}

impl<T> ThreadBound<T> {
    /// Bind `value` to the calling thread.
    pub(crate) fn new(value: T) -> Self {
        Self {
            value: ManuallyDrop::new(value),
            thread: thread::current().id(),
        }
    }

    /// The value.
    ///
    /// # Errors
    /// `RuntimeError` on another thread.
    pub(crate) fn get(&self) -> PyResult<&T> {
        if thread::current().id() == self.thread {
            return Ok(&self.value);
        }
        Err(PyRuntimeError::new_err(
            "this belongs to the thread of its event loop; use loop.call_soon_threadsafe",
        ))
    }
}

impl<T> Drop for ThreadBound<T> {
    fn drop(&mut self) {
        if thread::current().id() == self.thread {
            // SAFETY: on the value's own thread, once.
            unsafe { ManuallyDrop::drop(&mut self.value) };
        }
    }
}
