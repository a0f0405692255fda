//! The methods that asyncio calls most, as methods in C: called as it calls them, nothing of the call is parsed.
//!
//! Any other way of writing the arguments is left to the methods that parse them.

#![allow(unsafe_code)]

use std::ptr;
use std::slice::from_raw_parts;

use pyo3::ffi::{self, PyObject};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyString, PyTuple};

use super::Scheduler;
use crate::runtime::awaitables::{new_future, new_task};
use crate::runtime::definition::{Definition, returned};

static CALL_SOON: Definition = Definition::of_many(
    c"call_soon",
    call_soon,
    c"call_soon($self, callback, *args, context=None)\n--\n\nRuns `callback(*args)` in the next turn.",
);
static CREATE_TASK: Definition = Definition::of_many(
    c"create_task",
    create_task,
    c"create_task($self, coro, **kwargs)\n--\n\nA task of this loop that runs `coro`.",
);
static CREATE_FUTURE: Definition = Definition::of_none(
    c"create_future",
    create_future,
    c"create_future($self)\n--\n\nA future of this loop.",
);
static GET_DEBUG: Definition = Definition::of_none(
    c"get_debug",
    get_debug,
    c"get_debug($self)\n--\n\nWhether asyncio's debug mode is on.",
);

/// Gives the class these methods.
///
/// # Errors
///
/// What CPython raises where memory is short.
pub(crate) fn add_frequent(py: Python<'_>) -> PyResult<()> {
    let class = py.get_type::<Scheduler>();
    for method in [&CALL_SOON, &CREATE_TASK, &CREATE_FUTURE, &GET_DEBUG] {
        method.add_to(&class)?;
    }
    Ok(())
}

unsafe extern "C" fn call_soon(
    slf: *mut PyObject,
    args: *const *mut PyObject,
    count: ffi::Py_ssize_t,
    words: *mut PyObject,
) -> *mut PyObject {
    returned(|py| {
        // SAFETY: all as CPython passed it.
        let (slf, call) = unsafe { (itself(py, slf), Call::new(py, args, count, words)) };
        call.soon(&slf)
    })
}

unsafe extern "C" fn create_task(
    slf: *mut PyObject,
    args: *const *mut PyObject,
    count: ffi::Py_ssize_t,
    words: *mut PyObject,
) -> *mut PyObject {
    returned(|py| {
        // SAFETY: all as CPython passed it.
        let (slf, call) = unsafe { (itself(py, slf), Call::new(py, args, count, words)) };
        call.task(&slf)
    })
}

unsafe extern "C" fn create_future(slf: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
    returned(|py| {
        // SAFETY: as CPython passed it.
        let slf = unsafe { itself(py, slf) };
        new_future(&slf)
    })
}

unsafe extern "C" fn get_debug(slf: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
    returned(|py| {
        // SAFETY: as CPython passed it.
        let is_debug = unsafe { itself(py, slf) }.get().is_debug();
        Ok(PyBool::new(py, is_debug).to_owned().into_any())
    })
}

/// What a method was called of.
///
/// # Safety
///
/// `slf` must be what CPython passed to a method of [`Scheduler`], and be used during the call alone.
unsafe fn itself<'a>(py: Python<'_>, slf: *mut PyObject) -> Borrowed<'a, '_, Scheduler> {
    // SAFETY: the caller of the method keeps it, and the method's descriptor checked the class.
    unsafe { Borrowed::from_ptr(py, slf).cast_unchecked() }
}

/// The arguments as CPython passes them: `count` by position, then those that `words` names.
struct Call<'py> {
    args: *const *mut PyObject,
    count: usize,
    words: Option<Bound<'py, PyAny>>,
}

impl<'py> Call<'py> {
    /// # Safety
    ///
    /// These must be what CPython passed, and be used during the call alone.
    unsafe fn new(
        py: Python<'py>,
        args: *const *mut PyObject,
        count: ffi::Py_ssize_t,
        words: *mut PyObject,
    ) -> Self {
        Self {
            args,
            count: count.cast_unsigned(),
            // SAFETY: the words of keywords, or null.
            words: unsafe { Bound::from_borrowed_ptr_or_opt(py, words) },
        }
    }

    /// `call_soon`.
    fn soon(&self, scheduler: &Bound<'py, Scheduler>) -> PyResult<Bound<'py, PyAny>> {
        let py = scheduler.py();
        let named = match &self.words {
            None => 0,
            Some(words) if is_context_alone(words) => 1,
            Some(_) => return self.pass_on(scheduler, intern!(py, "_call_soon_parsed")),
        };
        if self.count == 0 {
            return self.pass_on(scheduler, intern!(py, "_call_soon_parsed"));
        }
        let given = self.given(self.count + named);
        let borrowed = |object: &*mut PyObject| Self::borrowed(py, object);
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

    /// `create_task`.
    fn task(&self, scheduler: &Bound<'py, Scheduler>) -> PyResult<Bound<'py, PyAny>> {
        let py = scheduler.py();
        if self.count != 1 || self.words.is_some() {
            return self.pass_on(scheduler, intern!(py, "_create_task_parsed"));
        }
        new_task(scheduler, &Self::borrowed(py, &self.given(1)[0]), None)
    }

    /// The first `count` of the arguments.
    fn given(&self, count: usize) -> &[*mut PyObject] {
        // SAFETY: CPython passes so many, or more.
        unsafe { from_raw_parts(self.args, count) }
    }

    fn borrowed(py: Python<'py>, object: &*mut PyObject) -> Bound<'py, PyAny> {
        // SAFETY: an argument, of which the caller keeps a reference through the call.
        unsafe { Bound::from_borrowed_ptr(py, *object) }
    }

    /// Asks the method that parses its arguments.
    fn pass_on(
        &self,
        scheduler: &Bound<'py, Scheduler>,
        method: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = scheduler.py();
        let method = scheduler.getattr(method)?;
        let words = self.words.as_ref().map_or(ptr::null_mut(), Bound::as_ptr);
        // SAFETY: the arguments are passed on as they came, without room before the first.
        let answer =
            unsafe { ffi::PyObject_Vectorcall(method.as_ptr(), self.args, self.count, words) };
        // SAFETY: a new reference, or null with an exception set.
        unsafe { Bound::from_owned_ptr_or_err(py, answer) }
    }
}

/// Whether `context` is all that is given by name. asyncio's own word for it is not interned, but its tuple of words
/// is always the same: the first such tuple, nearly always asyncio's, is remembered, and another is read.
fn is_context_alone(words: &Bound<'_, PyAny>) -> bool {
    static KNOWN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = words.py();
    if KNOWN.get(py).is_some_and(|known| words.is(known)) {
        return true;
    }
    let is_context = names_context_alone(words);
    if is_context {
        KNOWN.get_or_init(py, || words.clone().unbind());
    }
    is_context
}

fn names_context_alone(words: &Bound<'_, PyAny>) -> bool {
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
