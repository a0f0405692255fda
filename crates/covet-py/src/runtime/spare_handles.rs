//! Handles that were run and that nobody has, kept for a loop's next calls.
//!
//! To make an instance and to free it was a third of what a call costs. A handle is an object of Python, so this may
//! only be done where nobody can tell: no reference is left but the loop's, and no weak one. Where there is no
//! interpreter lock that cannot be known, and none is kept.

#![allow(unsafe_code)]

use pyo3::ffi;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use super::Handle;
use super::held::Held;

/// As many as the queue keeps room for.
const MOST: usize = 1024;

/// The spare handles of one loop.
pub(super) struct SpareHandles(Held<Vec<Py<Handle>>>);

impl SpareHandles {
    pub(super) const fn new() -> Self {
        Self(Held::new(Vec::new()))
    }

    /// One to use again. The collector may have given it away since it was kept.
    #[inline]
    pub(super) fn take<'py>(&self, py: Python<'py>) -> Option<Bound<'py, Handle>> {
        let handle = self.0.hold(py).pop()?.into_bound(py);
        is_unshared(&handle).then_some(handle)
    }

    /// Keeps `handle` if nobody else has it and it holds nothing.
    #[inline]
    pub(super) fn keep(&self, handle: Bound<'_, Handle>) {
        let py = handle.py();
        let mut kept = self.0.hold(py);
        if kept.len() < MOST && is_unshared(&handle) && handle.get().is_empty(py) {
            kept.push(handle.unbind());
        }
    }

    /// Drops them.
    pub(super) fn clear(&self, py: Python<'_>) {
        let dropped = std::mem::take(&mut *self.0.hold(py));
        drop(dropped);
    }

    /// For the collector: they hold their loop.
    pub(super) fn clear_collected(&self) {
        let dropped = self.0.try_hold().map(|mut kept| std::mem::take(&mut *kept));
        drop(dropped);
    }

    /// For the collector.
    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        let Some(kept) = self.0.try_hold() else {
            return Ok(());
        };
        kept.iter().try_for_each(|handle| visit.call(handle))
    }
}

/// Whether `handle` is the only reference to its object, and nobody has a weak one.
#[cfg(not(Py_GIL_DISABLED))]
#[inline]
pub(super) fn is_unshared(handle: &Bound<'_, Handle>) -> bool {
    let object = handle.as_ptr();
    // SAFETY: the object lives, and this thread is attached.
    if unsafe { ffi::Py_REFCNT(object) } != 1 {
        return false;
    }
    // SAFETY: an object that lives has a class that does.
    let place = unsafe { (*ffi::Py_TYPE(object)).tp_weaklistoffset };
    if place <= 0 {
        return false;
    }
    // SAFETY: the class says that its instances have a pointer there, to the first of their weak references.
    let first = unsafe {
        object
            .byte_offset(place)
            .cast::<*mut ffi::PyObject>()
            .read()
    };
    first.is_null()
}

/// Other threads may look at the object any time.
#[cfg(Py_GIL_DISABLED)]
pub(super) fn is_unshared(_handle: &Bound<'_, Handle>) -> bool {
    false
}
