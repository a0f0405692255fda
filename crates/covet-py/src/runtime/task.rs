//! Starting a coroutine as an `asyncio.Task` from outside any task, and taking its result if it ends at once.
//!
//! Knows the eager start of `CPython` 3.12 and its faults; knows nothing of requests.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use super::task_end::TaskEnd;

/// What a coroutine became.
pub(crate) enum Started<'py> {
    /// It ended in its first step, with this. Nothing of it is left on the loop.
    Ended(PyResult<Bound<'py, PyAny>>),
    /// The task goes on: its end, which may be awaited.
    Running(TaskEnd),
}

/// Starts `coroutine` as a task of the loop that runs: its first step now (Python >= 3.12), or with the next turn.
/// The caller is no task's step. `context` must not be entered; without one the task copies the current context.
///
/// # Errors
///
/// What making the task or watching it raises. No task is current afterwards.
pub(crate) fn start<'py>(
    event_loop: &Bound<'py, PyAny>,
    coroutine: &Bound<'py, PyAny>,
    context: Option<&Bound<'py, PyAny>>,
) -> PyResult<Started<'py>> {
    let py = event_loop.py();
    let words = words(py)?;
    words.set_item(intern!(py, "loop"), event_loop)?;
    words.set_item(intern!(py, "context"), context)?;
    let methods = TaskMethods::get(py)?;
    let made = methods.class.bind(py).call((coroutine,), Some(&words));
    let task = match made {
        Ok(task) => task,
        Err(error) => {
            leave_failed_start(event_loop)?;
            return Err(error);
        }
    };
    if !methods.done.bind(py).call1((&task,))?.is_truthy()? {
        return TaskEnd::of(&task).map(Started::Running);
    }
    // Asking for the result also tells asyncio that a failure was seen.
    Ok(Started::Ended(methods.result.bind(py).call1((task,))))
}

/// A failed eager start (its context was entered already) leaves its task current in 3.12 and 3.13.0, and every later
/// step of the loop would fail.
fn leave_failed_start(event_loop: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = event_loop.py();
    if !starts_eagerly(py) {
        return Ok(());
    }
    let tasks = py.import(intern!(py, "asyncio.tasks"))?;
    let current = tasks.call_method1(intern!(py, "current_task"), (event_loop,))?;
    if !current.is_none() {
        // Where there is none, 3.12 raises.
        let swap = intern!(py, "_swap_current_task");
        tasks.call_method1(swap, (event_loop, py.None()))?;
    }
    Ok(())
}

/// The keywords of a call of `asyncio.Task`, its loop and context still to be set: copying a dict costs less than
/// making one. Each call has its own, because the call borrows from it while Python code may run.
fn words(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    static TEMPLATE: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    let make = || {
        let words = PyDict::new(py);
        words.set_item(intern!(py, "loop"), py.None())?;
        words.set_item(intern!(py, "context"), py.None())?;
        if starts_eagerly(py) {
            words.set_item(intern!(py, "eager_start"), true)?;
        }
        Ok::<_, PyErr>(words.unbind())
    };
    TEMPLATE.get_or_try_init(py, make)?.bind(py).copy()
}

fn starts_eagerly(py: Python<'_>) -> bool {
    static STARTS_EAGERLY: PyOnceLock<bool> = PyOnceLock::new();
    *STARTS_EAGERLY.get_or_init(py, || py.version_info() >= (3, 12))
}

/// `asyncio.Task` and its methods, found once: a request with a task calls three of them.
pub(super) struct TaskMethods {
    class: Py<PyAny>,
    pub(super) add_done_callback: Py<PyAny>,
    pub(super) cancel: Py<PyAny>,
    done: Py<PyAny>,
    pub(super) result: Py<PyAny>,
}

impl TaskMethods {
    /// Those of the class that `asyncio.Task` was at the first call.
    pub(super) fn get(py: Python<'_>) -> PyResult<&Self> {
        static METHODS: PyOnceLock<TaskMethods> = PyOnceLock::new();
        METHODS.get_or_try_init(py, || {
            let class = py.import("asyncio")?.getattr("Task")?;
            let method = |name| class.getattr(name).map(Bound::unbind);
            Ok(Self {
                add_done_callback: method("add_done_callback")?,
                cancel: method("cancel")?,
                done: method("done")?,
                result: method("result")?,
                class: class.clone().unbind(),
            })
        })
    }
}
