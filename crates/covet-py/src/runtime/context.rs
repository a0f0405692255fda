//! Running Python in a `contextvars.Context`.
//!
//! Knows nothing of handles: a context, a callable, its arguments.

#![allow(unsafe_code)]

use pyo3::prelude::*;
use pyo3::types::{PyContext, PyTuple};
use pyo3::{ffi, intern};

/// A copy of the current context.
pub(crate) fn copy_current(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: attached (`py`); the call returns a new reference, or null with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyContext_CopyCurrent()) }
}

/// Calls `callback(*args)` in `context`; what has a `run` of its own is asked to run it.
pub(crate) fn call_in<'py>(
    context: &Bound<'py, PyAny>,
    callback: &Bound<'py, PyAny>,
    args: &Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyAny>> {
    let Ok(context) = context.cast_exact::<PyContext>() else {
        let run = context.getattr(intern!(context.py(), "run"))?;
        let mut words = vec![callback.clone()];
        words.extend(args.iter());
        return run.call1(PyTuple::new(run.py(), words)?);
    };
    let _entered = Entered::new(context)?;
    if args.is_empty() {
        callback.call0()
    } else {
        callback.call1(args)
    }
}

/// Enters `context`, a `contextvars.Context`, until what is returned is dropped.
///
/// # Errors
///
/// It is no context, or it is entered already.
pub(super) fn enter_context<'a>(context: &'a Bound<'_, PyAny>) -> PyResult<impl Sized + use<'a>> {
    Entered::new(context.cast_exact::<PyContext>()?)
}

/// The current context while it lives; left again on drop, on a panic too.
struct Entered<'a, 'py>(&'a Bound<'py, PyContext>);

impl<'a, 'py> Entered<'a, 'py> {
    fn new(context: &'a Bound<'py, PyContext>) -> PyResult<Self> {
        // SAFETY: attached (`context` is bound) and the pointer is a context.
        match unsafe { ffi::PyContext_Enter(context.as_ptr()) } {
            0 => Ok(Self(context)),
            _ => Err(PyErr::fetch(context.py())),
        }
    }
}

impl Drop for Entered<'_, '_> {
    fn drop(&mut self) {
        // A result is computed by now and its error, if any, was fetched: no exception is pending here.
        // SAFETY: attached (`self.0` is bound); `new` entered this context.
        if unsafe { ffi::PyContext_Exit(self.0.as_ptr()) } != 0 {
            PyErr::fetch(self.0.py()).write_unraisable(self.0.py(), Some(self.0));
        }
    }
}
