//! Starting a coroutine as an `asyncio.Task` from outside any task, and taking its result if it ends at once.
//!
//! Knows the eager start of `CPython` 3.12 and its faults; knows nothing of requests.

#![allow(unsafe_code)]

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyString, PyTuple, PyType};

/// What a coroutine became.
#[allow(dead_code, reason = "the server reads it")]
pub(crate) enum Started<'py> {
    /// It ended in its first step, with this. Nothing of it is left on the loop.
    Ended(PyResult<Bound<'py, PyAny>>),
    /// The task goes on.
    Running(Bound<'py, PyAny>),
}

/// Starts `coroutine` as a task of the loop that runs: its first step now (Python >= 3.12), or with the next turn.
/// The caller is no task's step. `context` must not be entered; without one the task copies the current context.
///
/// # Errors
///
/// What making the task raises. No task is current afterwards.
#[allow(dead_code, reason = "the server calls handlers with it")]
pub(crate) fn start<'py>(
    event_loop: &Bound<'py, PyAny>,
    coroutine: &Bound<'py, PyAny>,
    context: Option<&Bound<'py, PyAny>>,
) -> PyResult<Started<'py>> {
    let py = event_loop.py();
    let context = match context {
        Some(context) => context.clone(),
        None => py.None().into_bound(py),
    };
    let made = if starts_eagerly(py) {
        let yes = PyBool::new(py, true);
        let words = keywords(py, &EAGER, &["loop", "context", "eager_start"])?;
        let arguments = [
            coroutine.as_ptr(),
            event_loop.as_ptr(),
            context.as_ptr(),
            yes.as_ptr(),
        ];
        vectorcall(task_type(py)?, &arguments, 1, words)
    } else {
        let words = keywords(py, &LATER, &["loop", "context"])?;
        let arguments = [coroutine.as_ptr(), event_loop.as_ptr(), context.as_ptr()];
        vectorcall(task_type(py)?, &arguments, 1, words)
    };
    let task = match made {
        Ok(task) => task,
        Err(error) => {
            leave_failed_start(event_loop)?;
            return Err(error);
        }
    };
    if !task.call_method0(intern!(py, "done"))?.is_truthy()? {
        return Ok(Started::Running(task));
    }
    // Asking for the result also tells asyncio that a failure was seen.
    Ok(Started::Ended(task.call_method0(intern!(py, "result"))))
}

/// A failed eager start (its context was entered already) leaves its task current in 3.12 and 3.13.0, and every later
/// step of the loop would fail.
fn leave_failed_start(event_loop: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = event_loop.py();
    if starts_eagerly(py) {
        py.import(intern!(py, "asyncio.tasks"))?
            .call_method1(intern!(py, "_swap_current_task"), (event_loop, py.None()))?;
    }
    Ok(())
}

static EAGER: PyOnceLock<Py<PyTuple>> = PyOnceLock::new();
static LATER: PyOnceLock<Py<PyTuple>> = PyOnceLock::new();

/// A tuple of keyword names, made once.
fn keywords<'a, 'py>(
    py: Python<'py>,
    kept: &'a PyOnceLock<Py<PyTuple>>,
    names: &[&str],
) -> PyResult<&'a Bound<'py, PyTuple>> {
    let interned = || {
        let words = names.iter().map(|name| PyString::intern(py, name));
        Ok::<_, PyErr>(PyTuple::new(py, words)?.unbind())
    };
    Ok(kept.get_or_try_init(py, interned)?.bind(py))
}

/// Calls `class` with borrowed arguments, the last of them by keyword: no tuple, no dict.
fn vectorcall<'py>(
    class: &Bound<'py, PyType>,
    arguments: &[*mut ffi::PyObject],
    positional: usize,
    words: &Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = class.py();
    let (call, words) = (ffi::PyObject_Vectorcall, words.as_ptr());
    // SAFETY: attached; every pointer is borrowed from a live object, and there is one name for
    // each argument after the positional ones.
    let result = unsafe { call(class.as_ptr(), arguments.as_ptr(), positional, words) };
    // SAFETY: a new reference, or null with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(py, result) }
}

fn starts_eagerly(py: Python<'_>) -> bool {
    static STARTS_EAGERLY: PyOnceLock<bool> = PyOnceLock::new();
    *STARTS_EAGERLY.get_or_init(py, || py.version_info() >= (3, 12))
}

fn task_type(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static TASK: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    TASK.import(py, "asyncio", "Task")
}
