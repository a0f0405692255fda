//! Making handles and timers, and queueing them: what asyncio's scheduling methods and the runtime's own calls share.

use std::sync::atomic::Ordering;

use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::Scheduler;
use crate::runtime::ready::OwnCall;
use crate::runtime::{Handle, TimerHandle, context};

impl Scheduler {
    /// Passes on what was just scheduled, where the loop went on without this scheduler.
    pub(super) fn pass_on(slf: &Bound<'_, Self>) -> PyResult<()> {
        if slf.get().is_left.load(Ordering::Relaxed) {
            slf.call_method0(intern!(slf.py(), "_pass_on"))?;
        }
        Ok(())
    }

    fn check_open(&self) -> PyResult<()> {
        if self.is_closed.load(Ordering::Relaxed) {
            Err(closed())
        } else {
            Ok(())
        }
    }

    pub(super) fn check<'py>(
        slf: &Bound<'py, Self>,
        callback: &Bound<'py, PyAny>,
        method: &str,
        from_any_thread: bool,
    ) -> PyResult<()> {
        let this = slf.get();
        this.check_open()?;
        if this.is_debug() {
            if !from_any_thread {
                slf.call_method0(intern!(slf.py(), "_check_thread"))?;
            }
            slf.call_method1(intern!(slf.py(), "_check_callback"), (callback, method))?;
        }
        Ok(())
    }

    pub(super) fn call<'py>(
        slf: &Bound<'py, Self>,
        callback: Bound<'py, PyAny>,
        args: Bound<'py, PyTuple>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, Handle>> {
        let handle = Handle::make(slf, callback, args, context)?;
        slf.get().schedule.push(handle.as_any());
        Self::pass_on(slf)?;
        Ok(handle)
    }

    /// `call_soon` from Rust.
    pub(in crate::runtime) fn schedule_call<'py>(
        slf: &Bound<'py, Self>,
        callback: Bound<'py, PyAny>,
        args: Bound<'py, PyTuple>,
    ) -> PyResult<()> {
        Self::check(slf, &callback, "call_soon", false)?;
        Self::call(slf, callback, args, None).map(drop)
    }

    /// `call_soon` from Rust, of what nobody will cancel or ask for.
    pub(in crate::runtime) fn schedule_own<'py>(
        slf: &Bound<'py, Self>,
        callback: Bound<'py, PyAny>,
        args: Bound<'py, PyTuple>,
    ) -> PyResult<()> {
        if !slf.get().is_plain() {
            return Self::schedule_call(slf, callback, args);
        }
        let call = OwnCall::new(callback, args, context::copy_current(slf.py())?);
        slf.get().schedule.push_call(slf.py(), call);
        Self::pass_on(slf)
    }

    pub(super) fn call_timed<'py>(
        slf: &Bound<'py, Self>,
        when: f64,
        callback: Bound<'py, PyAny>,
        args: Bound<'py, PyTuple>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, TimerHandle>> {
        Self::check(slf, &callback, "call_at", false)?;
        let timer = TimerHandle::create(
            slf.py(),
            when,
            Handle::create(slf, callback, args, context)?,
        )?;
        slf.get().schedule.push_timer(when, &timer);
        Self::pass_on(slf)?;
        Ok(timer)
    }
}

fn closed() -> PyErr {
    PyRuntimeError::new_err("Event loop is closed")
}
