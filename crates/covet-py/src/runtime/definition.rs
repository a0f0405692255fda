//! Functions and methods as CPython calls them: PyO3 parses nothing of a call and checks nothing before it.
//!
//! For the few that asyncio's C code calls for each task, future and callback.

#![allow(unsafe_code)]

use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use pyo3::ffi::{self, PyMethodDef, PyMethodDefPointer, PyObject};
use pyo3::prelude::*;
use pyo3::types::PyType;

use super::handle::panicked;

/// Where CPython finds a function: it must live as long as the program.
pub(super) struct Definition(PyMethodDef);

// SAFETY: nobody writes to it.
unsafe impl Sync for Definition {}

impl Definition {
    /// Of a function that takes itself and one argument.
    pub(super) const fn of_one(
        name: &'static CStr,
        call: ffi::PyCFunction,
        doc: &'static CStr,
    ) -> Self {
        let pointer = PyMethodDefPointer { PyCFunction: call };
        Self::new(name, pointer, ffi::METH_O, doc)
    }

    /// Of a method that takes nothing.
    pub(super) const fn of_none(
        name: &'static CStr,
        call: ffi::PyCFunction,
        doc: &'static CStr,
    ) -> Self {
        let pointer = PyMethodDefPointer { PyCFunction: call };
        Self::new(name, pointer, ffi::METH_NOARGS, doc)
    }

    /// Of a method that takes arguments by position and by keyword.
    pub(super) const fn of_many(
        name: &'static CStr,
        call: ffi::PyCFunctionFastWithKeywords,
        doc: &'static CStr,
    ) -> Self {
        let pointer = PyMethodDefPointer {
            PyCFunctionFastWithKeywords: call,
        };
        Self::new(name, pointer, ffi::METH_FASTCALL | ffi::METH_KEYWORDS, doc)
    }

    const fn new(
        name: &'static CStr,
        ml_meth: PyMethodDefPointer,
        ml_flags: std::ffi::c_int,
        doc: &'static CStr,
    ) -> Self {
        Self(PyMethodDef {
            ml_name: name.as_ptr(),
            ml_meth,
            ml_flags,
            ml_doc: doc.as_ptr(),
        })
    }

    /// Gives `class`, which lives for ever, the method.
    ///
    /// # Errors
    ///
    /// What CPython raises where memory is short.
    pub(super) fn add_to(&'static self, class: &Bound<'_, PyType>) -> PyResult<()> {
        let definition = (&raw const self.0).cast_mut();
        // SAFETY: attached; the class and the definition live for ever, and the definition is only read.
        let method = unsafe { ffi::PyDescr_NewMethod(class.as_type_ptr(), definition) };
        // SAFETY: a new reference, or null with an exception set.
        let method = unsafe { Bound::from_owned_ptr_or_err(class.py(), method) }?;
        // SAFETY: the name of a definition is text that ends with a nought.
        let name = unsafe { CStr::from_ptr(self.0.ml_name) };
        class.setattr(&*name.to_string_lossy(), method)
    }

    /// The function, whose first argument is `owner`.
    ///
    /// # Errors
    ///
    /// As [`Self::add_to`].
    pub(super) fn function<'py>(
        &'static self,
        owner: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let definition = (&raw const self.0).cast_mut();
        // SAFETY: attached; the definition lives for ever and is only read.
        let made = unsafe { ffi::PyCFunction_New(definition, owner.as_ptr()) };
        // SAFETY: a new reference, or null with an exception set.
        unsafe { Bound::from_owned_ptr_or_err(owner.py(), made) }
    }
}

/// What such a function returns to CPython: the answer of `work`, or null with its exception set, for a panic too.
/// CPython calls functions attached.
#[inline]
pub(super) fn returned<'py>(
    work: impl FnOnce(Python<'py>) -> PyResult<Bound<'py, PyAny>>,
) -> *mut PyObject {
    // SAFETY: it is called by functions that CPython calls, alone.
    let py = unsafe { Python::assume_attached() };
    let answer = catch_unwind(AssertUnwindSafe(|| work(py)));
    match answer.unwrap_or_else(|panic| Err(panicked(&*panic))) {
        Ok(answer) => answer.into_ptr(),
        Err(error) => {
            error.restore(py);
            ptr::null_mut()
        }
    }
}
