//! The last look at a transport before the interpreter frees it: one that was never closed is reported.
//!
//! `__del__` of the Python class would do, at the price of a call into Python for each connection that was closed.

#![allow(unsafe_code)]

use pyo3::prelude::*;
use pyo3::types::PyType;
use pyo3::{ffi, intern};

use super::transport::StreamTransport;

/// Has the interpreter come here before it frees a transport of `class`, which was just made and inherits from ours.
pub(super) fn install(class: &Bound<'_, PyType>) {
    // SAFETY: attached, and `class` has no instances yet. A class with a `__del__` of its own has the slot filled.
    unsafe { (*class.as_type_ptr()).tp_finalize.get_or_insert(finalize) };
}

/// # Safety
///
/// The interpreter's: the thread is attached, and `object` is a transport that lives still.
unsafe extern "C" fn finalize(object: *mut ffi::PyObject) {
    // SAFETY: the caller's word.
    let py = unsafe { Python::assume_attached() };
    // SAFETY: the caller's word.
    let object = unsafe { Bound::from_borrowed_ptr(py, object) };
    let Ok(transport) = object.cast::<StreamTransport>() else {
        return;
    };
    if transport.get().state().is_over {
        return;
    }
    // An error that is on its way goes on.
    let pending = PyErr::take(py);
    let warned = transport.call_method0(intern!(py, "_warn_unclosed"));
    let gone = StreamTransport::give_up(transport);
    if let Err(error) = warned.map(drop).and(gone) {
        error.write_unraisable(py, Some(&object));
    }
    if let Some(pending) = pending {
        pending.restore(py);
    }
}
