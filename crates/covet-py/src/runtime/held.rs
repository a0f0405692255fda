//! A value that the interpreter's lock protects: where there is such a lock no other is taken, else a mutex is. And a
//! reference that is dropped under it.
//!
//! Atomic instructions and questions to the thread's storage were a fourth of what a callback costs. Knows nothing of what it holds.

#![allow(unsafe_code)]

#[cfg(not(Py_GIL_DISABLED))]
use std::cell::{RefCell as Cell, RefMut as Inner};
use std::mem::ManuallyDrop;
use std::ops::Deref;
#[cfg(Py_GIL_DISABLED)]
use std::sync::{Mutex as Cell, MutexGuard as Inner, PoisonError};

use pyo3::prelude::*;

/// A value that only attached threads touch, one at a time, and never across a call into Python.
pub(super) struct Held<T>(Cell<T>);

/// The value, until it is dropped.
pub(super) type Holding<'a, T> = Inner<'a, T>;

// SAFETY: the cell is reached through `hold` and `try_hold` alone. Who calls them has the interpreter's lock and keeps
// it while the value is held, because nothing that could give it up is called meanwhile.
#[cfg(not(Py_GIL_DISABLED))]
unsafe impl<T: Send> Sync for Held<T> {}

impl<T> Held<T> {
    /// Holds `value`.
    pub(super) const fn new(value: T) -> Self {
        Self(Cell::new(value))
    }

    /// The value, of which nobody else has hold.
    #[cfg(not(Py_GIL_DISABLED))]
    pub(super) fn hold<'a>(&'a self, _py: Python<'a>) -> Holding<'a, T> {
        self.0.borrow_mut()
    }

    /// The value, as soon as nobody else has hold of it.
    #[cfg(Py_GIL_DISABLED)]
    pub(super) fn hold<'a>(&'a self, _py: Python<'a>) -> Holding<'a, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value, unless somebody has hold of it: for the collector, which comes with the interpreter's lock and
    /// without a token.
    pub(super) fn try_hold(&self) -> Option<Holding<'_, T>> {
        #[cfg(not(Py_GIL_DISABLED))]
        return self.0.try_borrow_mut().ok();
        #[cfg(Py_GIL_DISABLED)]
        return self.0.try_lock().ok();
    }
}

/// A reference whose owner is dropped by attached threads alone: the drop asks nobody whether this one is.
pub(super) struct Owned<T>(ManuallyDrop<Py<T>>);

impl<T> Owned<T> {
    /// Takes `reference` over. Its owner must be a Python object, or become one.
    pub(super) fn new(reference: Bound<'_, T>) -> Self {
        Self(ManuallyDrop::new(reference.unbind()))
    }
}

impl<T> Deref for Owned<T> {
    type Target = Py<T>;

    fn deref(&self) -> &Py<T> {
        &self.0
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: dropped here and never used again.
        let reference = unsafe { ManuallyDrop::take(&mut self.0) };
        // SAFETY: Python objects are freed, and the values that become one are dropped, by attached threads.
        drop(reference.into_bound(unsafe { Python::assume_attached() }));
    }
}
