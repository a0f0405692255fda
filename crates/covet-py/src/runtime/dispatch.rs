//! Handing events to the queue and running what is in it: handles of ours, and those that asyncio's own code made.

use std::collections::VecDeque;
use std::os::fd::RawFd;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyNone, PyString};

use super::ready::Ready;
use super::{Handle, Scheduler, TimerHandle, clock, drive};

/// The bits that `selectors` calls `EVENT_READ` and `EVENT_WRITE`.
const EVENT_READ: u32 = 1;
const EVENT_WRITE: u32 = 2;

/// `selectors.SelectorKey` as asyncio fills it: file, descriptor, events, (reader, writer).
type SelectorKey<'py> = (
    Bound<'py, PyAny>,
    RawFd,
    u32,
    (Bound<'py, PyAny>, Bound<'py, PyAny>),
);

/// Makes the handles of the selector's events ready.
pub(super) fn process_events(
    scheduler: &Bound<'_, Scheduler>,
    events: &Bound<'_, PyAny>,
) -> PyResult<()> {
    for event in events.try_iter()? {
        let (key, mask): (Bound<'_, PyAny>, u32) = event?.extract()?;
        let (file, _, _, (reader, writer)): SelectorKey<'_> = key.extract()?;
        if mask & EVENT_READ != 0 && !reader.is_none() {
            deliver(
                scheduler,
                &file,
                &reader,
                intern!(scheduler.py(), "_remove_reader"),
            )?;
        }
        if mask & EVENT_WRITE != 0 && !writer.is_none() {
            deliver(
                scheduler,
                &file,
                &writer,
                intern!(scheduler.py(), "_remove_writer"),
            )?;
        }
    }
    Ok(())
}

/// Queues the handle of an event, or stops watching for it if it was cancelled.
fn deliver<'py>(
    scheduler: &Bound<'py, Scheduler>,
    file: &Bound<'py, PyAny>,
    handle: &Bound<'py, PyAny>,
    remove: &Bound<'py, PyString>,
) -> PyResult<()> {
    if is_cancelled(handle)? {
        return scheduler.call_method1(remove, (file,)).map(drop);
    }
    scheduler.get().schedule().push(handle);
    Ok(())
}

/// Runs what is ready now, not what becomes ready meanwhile; returns how much there was.
pub(super) fn run_ready(scheduler: &Bound<'_, Scheduler>) -> PyResult<usize> {
    let schedule = scheduler.get().schedule();
    let mut ready = schedule.take_ready(scheduler.py());
    let count = ready.len();
    let ran = run_all(scheduler, &mut ready);
    schedule.give_back(scheduler.py(), ready);
    ran.map(|()| count)
}

fn run_all(scheduler: &Bound<'_, Scheduler>, ready: &mut VecDeque<Ready>) -> PyResult<()> {
    while let Some(next) = ready.pop_front() {
        match next {
            Ready::Call(call) if !scheduler.get().is_debug() => call.run(scheduler)?,
            Ready::Handle(handle) if !scheduler.get().is_debug() => {
                match handle.into_bound(scheduler.py()).cast_into_exact() {
                    Ok(handle) => Handle::call_last(scheduler, handle)?,
                    Err(other) => run(&other.into_inner())?,
                }
            }
            // Debug mode may have begun since a call was scheduled.
            watched => {
                let handle = watched.into_handle(scheduler)?;
                run_watched(scheduler, handle.bind(scheduler.py()))?;
            }
        }
        if drive::is_finished() {
            break;
        }
    }
    Ok(())
}

/// Whether a handle of either kind was cancelled.
pub(super) fn is_cancelled(handle: &Bound<'_, PyAny>) -> PyResult<bool> {
    handle
        .getattr(intern!(handle.py(), "_cancelled"))?
        .is_truthy()
}

fn run(handle: &Bound<'_, PyAny>) -> PyResult<()> {
    if let Ok(handle) = handle.cast_exact::<Handle>() {
        return Handle::call(handle);
    }
    if let Ok(timer) = handle.cast_exact::<TimerHandle>() {
        return Handle::call(timer.as_super());
    }
    if is_cancelled(handle)? {
        return Ok(());
    }
    handle.call_method0(intern!(handle.py(), "_run")).map(drop)
}

/// Runs a handle in debug mode: one that takes long is reported.
fn run_watched(scheduler: &Bound<'_, Scheduler>, handle: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = scheduler.py();
    let current = intern!(py, "_current_handle");
    scheduler.setattr(current, handle)?;
    let began = clock::monotonic();
    let outcome = run(handle);
    let took = clock::monotonic() - began;
    scheduler.setattr(current, PyNone::get(py))?;
    outcome?;
    if took
        >= scheduler
            .getattr(intern!(py, "slow_callback_duration"))?
            .extract()?
    {
        scheduler.call_method1(intern!(py, "_callback_was_slow"), (handle, took))?;
    }
    Ok(())
}
