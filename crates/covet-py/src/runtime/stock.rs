//! Drives the engine inside the `select` of an asyncio loop that is not covet's.
//!
//! The loop's scheduling methods are replaced by a scheduler's of ours, so that nearly everything runs inside one
//! drive; what the loop schedules past them ends it. Which loops, and how they are given back, is `covet._drivers`'.

use std::os::fd::RawFd;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::drive::{Rest, finish};
use super::schedule::{Schedule, Taken};
use super::{Scheduler, clock};

/// What a stock loop is lent: a scheduler that runs while the loop believes that it waits for its selector.
#[pyclass(frozen, subclass, extends = Scheduler, module = "covet._native")]
pub struct StockDriver;

#[pymethods]
impl StockDriver {
    #[new]
    #[pyo3(signature = (*args, **kwargs))]
    fn new(
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyClassInitializer<Self> {
        PyClassInitializer::from(Scheduler::new(args, kwargs)).add_subclass(Self)
    }

    /// Drives for `timeout` seconds, or until there is something for the loop itself: in its `_ready`, or more in its
    /// `_scheduled`. `selector` is the descriptor of the loop's own selector.
    #[pyo3(signature = (selector, timeout, ready, scheduled))]
    fn _drive_within(
        slf: &Bound<'_, Self>,
        selector: RawFd,
        timeout: Option<f64>,
        ready: Py<PyAny>,
        scheduled: Py<PyAny>,
    ) -> PyResult<()> {
        let timers = scheduled.bind(slf.py()).len()?;
        let deadline = timeout.map_or(f64::INFINITY, |seconds| clock::monotonic() + seconds);
        let watch = Rest::Watch {
            ready,
            scheduled,
            timers,
        };
        Scheduler::drive(slf.as_super(), selector, deadline, watch)
    }

    /// Ends the drive: the loop gets the next turn.
    #[allow(clippy::unused_self, reason = "a method of the driver")]
    fn _finish(&self) {
        finish();
    }

    /// Makes these handles ready before those that are.
    fn _put_first(slf: &Bound<'_, Self>, handles: Vec<Py<PyAny>>) {
        slf.as_super()
            .get()
            .schedule()
            .push_first(slf.py(), handles);
    }

    /// From now on what is scheduled here is passed on: `_pass_on` is called each time.
    fn _leave(slf: &Bound<'_, Self>) {
        slf.as_super().get().leave();
    }

    /// Takes out what is scheduled: handles that are ready, timers that are not.
    fn _take_all(slf: &Bound<'_, Self>) -> PyResult<Taken> {
        Schedule::take_all(slf.as_super())
    }
}
