//! What `call_later` and `call_at` return: asyncio's `TimerHandle`, with its contract.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::basic::CompareOp;
use pyo3::prelude::*;
use pyo3::types::PyFloat;

use super::Handle;

/// A callback that was scheduled for a time on the loop's clock.
#[pyclass(frozen, extends = Handle, module = "covet._native")]
pub struct TimerHandle {
    when: f64,
    scheduled: AtomicBool,
}

impl TimerHandle {
    /// A timer for `handle` at `when`; it counts as scheduled.
    pub(super) fn create(py: Python<'_>, when: f64, handle: Handle) -> PyResult<Bound<'_, Self>> {
        let timer = Self {
            when,
            scheduled: AtomicBool::new(true),
        };
        Bound::new(py, PyClassInitializer::from(handle).add_subclass(timer))
    }

    /// Whether the loop still has it among its timers.
    pub(super) fn is_scheduled(&self) -> bool {
        self.scheduled.load(Ordering::Relaxed)
    }

    /// The loop took it out of its timers.
    pub(super) fn unschedule(&self) {
        self.scheduled.store(false, Ordering::Relaxed);
    }
}

#[pymethods]
impl TimerHandle {
    /// The time on the loop's clock at which it is due.
    fn when(&self) -> f64 {
        self.when
    }

    #[getter]
    fn _when(&self) -> f64 {
        self.when
    }

    #[getter]
    fn _scheduled(&self) -> bool {
        self.is_scheduled()
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        PyFloat::new(py, self.when).hash()
    }

    #[allow(clippy::float_cmp, reason = "asyncio compares the very numbers")]
    fn __richcmp__(
        slf: &Bound<'_, Self>,
        other: &Bound<'_, PyAny>,
        op: CompareOp,
    ) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let Ok(other) = other.cast::<Self>() else {
            return Ok(py.NotImplemented());
        };
        let (mine, theirs) = (slf.get().when, other.get().when);
        let answer = match op {
            CompareOp::Lt => mine < theirs,
            CompareOp::Gt => mine > theirs,
            CompareOp::Le => mine < theirs || same(slf, other)?,
            CompareOp::Ge => mine > theirs || same(slf, other)?,
            CompareOp::Eq => same(slf, other)?,
            CompareOp::Ne => !same(slf, other)?,
        };
        Ok(answer.into_pyobject(py)?.to_owned().into_any().unbind())
    }
}

#[allow(clippy::float_cmp, reason = "asyncio compares the very numbers")]
fn same(left: &Bound<'_, TimerHandle>, right: &Bound<'_, TimerHandle>) -> PyResult<bool> {
    let py = left.py();
    let (mine, theirs) = (left.as_super().get(), right.as_super().get());
    if left.get().when != right.get().when || mine.is_cancelled() != theirs.is_cancelled() {
        return Ok(false);
    }
    match (mine.callback(py), theirs.callback(py)) {
        (Some(mine), Some(theirs)) => Ok(mine.0.eq(theirs.0)? && mine.1.eq(theirs.1)?),
        (None, None) => Ok(true),
        _ => Ok(false),
    }
}
