//! `create_future` and `create_task` of the loop without a Python frame, where nothing special is asked for.
//!
//! A task factory, debug mode and a closed loop are the standard library's own code.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use super::Scheduler;

/// A future of the loop: `asyncio.futures.Future`, whatever that is by now.
///
/// # Errors
///
/// What the class raises.
pub(super) fn new_future<'py>(scheduler: &Bound<'py, Scheduler>) -> PyResult<Bound<'py, PyAny>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let py = scheduler.py();
    let module = imported(&MODULE, py, "asyncio.futures")?;
    let words = PyDict::new(py);
    words.set_item(intern!(py, "loop"), scheduler)?;
    module
        .getattr(intern!(py, "Future"))?
        .call((), Some(&words))
}

/// A task of the loop: `asyncio.tasks.Task`, or what the factory makes.
///
/// # Errors
///
/// What the class or the factory raises; `RuntimeError` if the loop is closed.
pub(super) fn new_task<'py>(
    scheduler: &Bound<'py, Scheduler>,
    coroutine: &Bound<'py, PyAny>,
    words: Option<Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    static TASKS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    static LOOPS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let py = scheduler.py();
    let words = words.unwrap_or_else(|| PyDict::new(py));
    let factory = scheduler.getattr(intern!(py, "_task_factory"))?;
    if !factory.is_none() || !scheduler.get().is_plain() {
        return imported(&LOOPS, py, "asyncio.base_events")?
            .getattr(intern!(py, "BaseEventLoop"))?
            .getattr(intern!(py, "create_task"))?
            .call((scheduler, coroutine), Some(&words));
    }
    words.set_item(intern!(py, "loop"), scheduler)?;
    imported(&TASKS, py, "asyncio.tasks")?
        .getattr(intern!(py, "Task"))?
        .call((coroutine,), Some(&words))
}

fn imported<'a, 'py>(
    slot: &'a PyOnceLock<Py<PyModule>>,
    py: Python<'py>,
    name: &str,
) -> PyResult<&'a Bound<'py, PyModule>> {
    let module = slot.get_or_try_init(py, || py.import(name).map(Bound::unbind))?;
    Ok(module.bind(py))
}
