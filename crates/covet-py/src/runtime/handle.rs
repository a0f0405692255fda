//! What the scheduling methods return: asyncio's `Handle` and `TimerHandle`, with its contract.
//!
//! They know how to run and cancel themselves; the loop decides when. Words (reprs, reports) are `covet.loop`'s.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::basic::CompareOp;
use pyo3::exceptions::{PyKeyboardInterrupt, PySystemExit};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::panic::PanicException;
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyString, PyTuple};

use super::held::{Held, Holding, Owned};
use super::{Scheduler, context};

/// A callback that was scheduled: `cancel()` it, ask whether it was `cancelled()`.
#[pyclass(frozen, subclass, weakref, module = "covet._native")]
pub struct Handle {
    scheduler: Owned<Scheduler>,
    context: Owned<PyAny>,
    cancelled: AtomicBool,
    work: Held<Work>,
}

/// What a handle gives up when it is cancelled.
struct Work {
    callback: Option<(Owned<PyAny>, Owned<PyTuple>)>,
    debug: Option<Box<Debug>>,
}

/// What a handle knows only in debug mode.
struct Debug {
    source_traceback: Py<PyAny>,
    /// The repr from before `cancel()`, so that a report can still name the callback.
    repr: Option<Py<PyString>>,
}

impl Handle {
    /// A handle for `callback(*args)` in `context`, or in a copy of the current one.
    #[inline]
    pub(super) fn create<'py>(
        scheduler: &Bound<'py, Scheduler>,
        callback: Bound<'py, PyAny>,
        args: Bound<'py, PyTuple>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Self> {
        let py = scheduler.py();
        let context = match context {
            Some(context) => context,
            None => context::copy_current(py)?,
        };
        let debug = if scheduler.get().is_debug() {
            Some(Box::new(Debug::new(py)?))
        } else {
            None
        };
        Ok(Self {
            scheduler: Owned::new(scheduler.clone()),
            context: Owned::new(context),
            cancelled: AtomicBool::new(false),
            work: Held::new(Work {
                callback: Some((Owned::new(callback), Owned::new(args))),
                debug,
            }),
        })
    }

    /// Whether it was cancelled.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Calls the callback. What it raises goes to the exception handler, except what must end the loop.
    pub(super) fn call(slf: &Bound<'_, Self>) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        let Some((callback, args)) = this.callback(py) else {
            return Ok(());
        };
        let called = catch_unwind(AssertUnwindSafe(|| {
            context::call_in(this.context.bind(py), &callback, &args).map(drop)
        }));
        let Err(error) = called.unwrap_or_else(|panic| Err(panicked(&*panic))) else {
            return Ok(());
        };
        if leaves_the_loop(py, &error) {
            return Err(error);
        }
        let report = intern!(py, "_callback_failed");
        this.scheduler
            .bind(py)
            .call_method1(report, (slf, error))
            .map(drop)
    }

    fn callback<'py>(&self, py: Python<'py>) -> Option<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let work = self.work(py);
        work.callback
            .as_ref()
            .map(|(callback, args)| (callback.bind(py).clone(), args.bind(py).clone()))
    }

    fn work<'a>(&'a self, py: Python<'a>) -> Holding<'a, Work> {
        self.work.hold(py)
    }
}

#[pymethods]
impl Handle {
    /// Cancels the callback: it will not run.
    fn cancel(slf: &Bound<'_, Self>) -> PyResult<()> {
        let this = slf.get();
        if this.is_cancelled() {
            return Ok(());
        }
        if let Ok(timer) = slf.cast::<TimerHandle>()
            && timer.get().is_scheduled()
        {
            this.scheduler.get().schedule().count_cancelled(slf.py());
        }
        this.cancelled.store(true, Ordering::Relaxed);
        if this.scheduler.get().is_debug() {
            let text = slf.repr()?.unbind();
            if let Some(debug) = &mut this.work(slf.py()).debug {
                debug.repr = Some(text);
            }
        }
        let callback = this.work(slf.py()).callback.take();
        drop(callback);
        Ok(())
    }

    /// Whether it was cancelled.
    fn cancelled(&self) -> bool {
        self.is_cancelled()
    }

    /// The context in which the callback runs.
    fn get_context(&self, py: Python<'_>) -> Py<PyAny> {
        self.context.clone_ref(py)
    }

    /// Runs the callback, as the loop does.
    fn _run(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::call(slf)
    }

    #[getter]
    fn _callback<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.callback(py).map(|(callback, _)| callback)
    }

    #[getter]
    fn _args<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyTuple>> {
        self.callback(py).map(|(_, args)| args)
    }

    #[getter]
    fn _context(&self, py: Python<'_>) -> Py<PyAny> {
        self.context.clone_ref(py)
    }

    #[getter]
    fn _loop(&self, py: Python<'_>) -> Py<Scheduler> {
        self.scheduler.clone_ref(py)
    }

    #[getter]
    fn _cancelled(&self) -> bool {
        self.is_cancelled()
    }

    #[getter]
    fn _source_traceback(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.work(py)
            .debug
            .as_ref()
            .map(|debug| debug.source_traceback.clone_ref(py))
    }

    fn __repr__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let (py, this) = (slf.py(), slf.get());
        let known = this
            .work(py)
            .debug
            .as_ref()
            .and_then(|debug| debug.repr.as_ref().map(|text| text.clone_ref(py)));
        match known {
            Some(text) => Ok(text.into_bound(py).into_any()),
            None => this
                .scheduler
                .bind(py)
                .call_method1(intern!(py, "_describe_handle"), (slf,)),
        }
    }

    #[allow(
        clippy::needless_pass_by_value,
        reason = "the signature of tp_traverse"
    )]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&*self.scheduler)?;
        visit.call(&*self.context)?;
        let Some(work) = self.work.try_hold() else {
            return Ok(());
        };
        if let Some((callback, args)) = &work.callback {
            visit.call(&**callback)?;
            visit.call(&**args)?;
        }
        work.debug
            .iter()
            .try_for_each(|debug| visit.call(&debug.source_traceback))
    }

    fn __clear__(&self) {
        let taken = self
            .work
            .try_hold()
            .map(|mut work| (work.callback.take(), work.debug.take()));
        drop(taken);
    }
}

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

impl Debug {
    fn new(py: Python<'_>) -> PyResult<Self> {
        let extract = py
            .import(intern!(py, "asyncio.format_helpers"))?
            .getattr(intern!(py, "extract_stack"))?;
        // Seen from here the innermost Python frame is the caller of `call_soon`; its own `f_back` would be one too far.
        let frame = py
            .import(intern!(py, "sys"))?
            .call_method1(intern!(py, "_getframe"), (0,))?;
        Ok(Self {
            source_traceback: extract.call1((frame,))?.unbind(),
            repr: None,
        })
    }
}

/// Whether `error` ends `run_forever` instead of going to the exception handler.
pub(super) fn leaves_the_loop(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<PyKeyboardInterrupt>(py) || error.is_instance_of::<PySystemExit>(py)
}

/// The exception for a panic that was caught.
pub(super) fn panicked(payload: &(dyn std::any::Any + Send)) -> PyErr {
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("panic with no message");
    PanicException::new_err(text.to_owned())
}
