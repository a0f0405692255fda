//! `call_soon` as a method in C: called as asyncio calls it, nothing of the call is parsed.
//!
//! Any other way of writing the arguments is left to the method that parses them.

#![allow(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::slice::from_raw_parts;

use pyo3::ffi::{self, PyCFunctionFastWithKeywords, PyMethodDef, PyMethodDefPointer, PyObject};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use super::Scheduler;
use crate::runtime::handle::panicked;

const TAKES: PyCFunctionFastWithKeywords = call_soon;

/// Where CPython finds the method; it lives as long as the class.
struct Definition(PyMethodDef);

// SAFETY: nobody writes to it.
unsafe impl Sync for Definition {}

static DEFINITION: Definition = Definition(PyMethodDef {
    ml_name: c"call_soon".as_ptr(),
    ml_meth: PyMethodDefPointer {
        PyCFunctionFastWithKeywords: TAKES,
    },
    ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
    ml_doc: c"call_soon($self, callback, *args, context=None)\n--\n\nRuns `callback(*args)` in the next turn."
        .as_ptr(),
});

/// Gives the class its `call_soon`.
///
/// # Errors
///
/// What CPython raises where memory is short.
pub(crate) fn add_call_soon(py: Python<'_>) -> PyResult<()> {
    let class = py.get_type::<Scheduler>();
    let definition = (&raw const DEFINITION.0).cast_mut();
    // SAFETY: attached; the class and the definition live for ever, and the definition is only read.
    let method = unsafe { ffi::PyDescr_NewMethod(class.as_type_ptr(), definition) };
    // SAFETY: a new reference, or null with an exception set.
    let method = unsafe { Bound::from_owned_ptr_or_err(py, method) }?;
    class.setattr(intern!(py, "call_soon"), method)
}

unsafe extern "C" fn call_soon(
    slf: *mut PyObject,
    args: *const *mut PyObject,
    count: ffi::Py_ssize_t,
    words: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: CPython calls methods attached.
    let py = unsafe { Python::assume_attached() };
    // SAFETY: the descriptor checked that `slf` is an instance of the class.
    let slf = unsafe { Bound::from_borrowed_ptr(py, slf).cast_into_unchecked::<Scheduler>() };
    let count = count.cast_unsigned();
    // SAFETY: the words of keywords, or null.
    let words = unsafe { Bound::from_borrowed_ptr_or_opt(py, words) };
    let call = Call { args, count, words };
    let called = catch_unwind(AssertUnwindSafe(|| call.make(&slf)));
    match called.unwrap_or_else(|panic| Err(panicked(&*panic))) {
        Ok(handle) => handle.into_ptr(),
        Err(error) => {
            error.restore(py);
            ptr::null_mut()
        }
    }
}

/// The arguments as CPython passes them: `count` by position, then those that `words` names.
struct Call<'py> {
    args: *const *mut PyObject,
    count: usize,
    words: Option<Bound<'py, PyAny>>,
}

impl<'py> Call<'py> {
    fn make(&self, scheduler: &Bound<'py, Scheduler>) -> PyResult<Bound<'py, PyAny>> {
        let py = scheduler.py();
        let named = match &self.words {
            None => 0,
            Some(words) if is_context_alone(words) => 1,
            Some(_) => return self.pass_on(scheduler),
        };
        if self.count == 0 {
            return self.pass_on(scheduler);
        }
        // SAFETY: CPython passes so many arguments.
        let given = unsafe { from_raw_parts(self.args, self.count + named) };
        // SAFETY: the caller keeps a reference to each through the call.
        let borrowed = |object: &*mut PyObject| unsafe { Bound::from_borrowed_ptr(py, *object) };
        let args = match &given[1..self.count] {
            [] => PyTuple::empty(py),
            rest => PyTuple::new(py, rest.iter().map(borrowed))?,
        };
        let context = given.get(self.count).map(borrowed);
        let context = context.filter(|context| !context.is_none());
        let handle = Scheduler::_call_soon_parsed(scheduler, borrowed(&given[0]), args, context)?;
        Ok(match handle {
            Some(handle) => handle.into_any(),
            None => py.None().into_bound(py),
        })
    }

    /// Asks the method that parses its arguments.
    fn pass_on(&self, scheduler: &Bound<'py, Scheduler>) -> PyResult<Bound<'py, PyAny>> {
        let py = scheduler.py();
        let method = scheduler.getattr(intern!(py, "_call_soon_parsed"))?;
        let words = self.words.as_ref().map_or(ptr::null_mut(), Bound::as_ptr);
        // SAFETY: the arguments are passed on as they came, without room before the first.
        let answer =
            unsafe { ffi::PyObject_Vectorcall(method.as_ptr(), self.args, self.count, words) };
        // SAFETY: a new reference, or null with an exception set.
        unsafe { Bound::from_owned_ptr_or_err(py, answer) }
    }
}

/// Whether `context` is all that is given by name. asyncio's own word for it is not interned.
fn is_context_alone(words: &Bound<'_, PyAny>) -> bool {
    // SAFETY: CPython passes the words of keywords as a tuple.
    let words = unsafe { words.cast_unchecked::<PyTuple>() };
    let word = words.get_borrowed_item(0);
    let is_context = |word: &Bound<'_, PyAny>| {
        let text = word
            .cast::<PyString>()
            .ok()
            .and_then(|word| word.to_str().ok());
        text == Some("context")
    };
    words.len() == 1 && word.is_ok_and(|word| is_context(&word))
}
