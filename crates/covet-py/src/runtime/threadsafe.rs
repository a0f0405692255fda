//! The handles of `call_soon_threadsafe`, which other threads cancel.
//!
//! Since 3.14 asyncio has a class for them, whose `cancel()` waits for a callback that runs: what it returned from does
//! not run any more. It is used where it is there; the loop runs its instances as it runs any handle that is not its own.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;

use super::{Handle, Scheduler};

/// A handle for `callback(*args)` in `context`, or in a copy of the current one, not yet queued.
///
/// # Errors
///
/// What asyncio's class raises.
pub(super) fn handle<'py>(
    scheduler: &Bound<'py, Scheduler>,
    callback: Bound<'py, PyAny>,
    args: Bound<'py, PyTuple>,
    context: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = scheduler.py();
    let Some(class) = class(py)? else {
        return Ok(Handle::make(scheduler, callback, args, context)?.into_any());
    };
    let handle = class.call1((callback, args, scheduler, context))?;
    if scheduler.get().is_debug() {
        // The innermost frame is that of the class's constructor; the next one called the loop.
        handle
            .getattr(intern!(py, "_source_traceback"))?
            .del_item(-1)?;
    }
    Ok(handle)
}

/// asyncio's class, where it has one.
fn class(py: Python<'_>) -> PyResult<Option<&Bound<'_, PyAny>>> {
    static CLASS: PyOnceLock<Option<Py<PyAny>>> = PyOnceLock::new();
    let class = CLASS.get_or_try_init(py, || {
        let events = py.import("asyncio.events")?;
        let class = events.getattr_opt(intern!(py, "_ThreadSafeHandle"))?;
        PyResult::Ok(class.map(Bound::unbind))
    })?;
    Ok(class.as_ref().map(|class| class.bind(py)))
}
