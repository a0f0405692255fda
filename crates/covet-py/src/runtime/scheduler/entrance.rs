//! What the server asks of whatever drives its engine: a task, or a moment inside the runtime.

use std::future::Future;

use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;

use super::Scheduler;
use crate::runtime::attachment::Attached;

/// Spawns a task on the loop's thread, which must be the calling one. The loop may run or not; it is driven by
/// `run_forever`, and dropped by `close()`, with the thread attached each time.
///
/// # Errors
///
/// `RuntimeError` if no engine runs on the loop, or if the loop is closed or belongs to another thread.
pub(crate) fn spawn(
    event_loop: &Bound<'_, PyAny>,
    future: impl Future<Output = ()> + 'static,
) -> PyResult<()> {
    let _attached = Attached::new(event_loop.py());
    let driver = of(event_loop)?;
    driver.get().share();
    spawn_own(&driver, future)
}

/// The same for a task of asyncio's own, a transport's: what the loop's turns leave it is asyncio's business.
///
/// # Errors
///
/// As for [`spawn`].
pub(in crate::runtime) fn spawn_own(
    scheduler: &Bound<'_, Scheduler>,
    future: impl Future<Output = ()> + 'static,
) -> PyResult<()> {
    let _in_force = scheduler.get().in_force();
    scheduler.get().engine()?.spawn(future)
}

/// Calls `f` with the loop's runtime entered, so that it can make sockets and timers outside a task.
///
/// # Errors
///
/// As for [`spawn`].
pub(crate) fn enter<R>(event_loop: &Bound<'_, PyAny>, f: impl FnOnce() -> R) -> PyResult<R> {
    let _attached = Attached::new(event_loop.py());
    let driver = of(event_loop)?;
    driver.get().share();
    let _in_force = driver.get().in_force();
    driver.get().engine()?.enter(f)
}

/// What drives the engine on a loop: a loop of covet's itself, else what was attached to it.
fn of<'py>(event_loop: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Scheduler>> {
    if let Ok(scheduler) = event_loop.cast::<Scheduler>() {
        return Ok(scheduler.clone());
    }
    let attached = event_loop.getattr_opt(intern!(event_loop.py(), "_covet_driver"))?;
    match attached {
        Some(driver) => Ok(driver.cast_into::<Scheduler>()?),
        None => Err(PyRuntimeError::new_err(
            "no server runs on this event loop any more",
        )),
    }
}
