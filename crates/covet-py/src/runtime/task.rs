//! Starting a coroutine as an `asyncio.Task` from outside any task, and taking its result if it ends at once.
//!
//! Knows the eager start of `CPython` 3.12 and its faults; knows nothing of requests.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};

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
    let words = PyDict::new(py);
    words.set_item(intern!(py, "loop"), event_loop)?;
    if let Some(context) = context {
        words.set_item(intern!(py, "context"), context)?;
    }
    if starts_eagerly(py) {
        words.set_item(intern!(py, "eager_start"), true)?;
    }
    let task = match task_type(py)?.call((coroutine,), Some(&words)) {
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

fn starts_eagerly(py: Python<'_>) -> bool {
    static STARTS_EAGERLY: PyOnceLock<bool> = PyOnceLock::new();
    *STARTS_EAGERLY.get_or_init(py, || py.version_info() >= (3, 12))
}

fn task_type(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static TASK: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    TASK.import(py, "asyncio", "Task")
}
