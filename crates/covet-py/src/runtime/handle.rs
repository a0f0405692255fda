//! What `call_soon` returns: asyncio's `Handle`, with its contract. What timers add to it is `timer_handle`'s.
//!
//! They know how to run and cancel themselves; the loop decides when. Words (reprs, reports) are `covet.loop`'s.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::{PyKeyboardInterrupt, PySystemExit};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::panic::PanicException;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use super::held::{Held, Holding, Owned};
use super::{Scheduler, TimerHandle, context, spare_handles};

/// A callback that was scheduled: `cancel()` it, ask whether it was `cancelled()`.
#[pyclass(frozen, subclass, weakref, module = "covet._native")]
pub struct Handle {
    scheduler: Owned<Scheduler>,
    cancelled: AtomicBool,
    work: Held<Work>,
}

/// What is called, with what.
type Callback = (Owned<PyAny>, Owned<PyTuple>);

/// What a handle is there for.
struct Work {
    /// None in a spare handle alone.
    context: Option<Owned<PyAny>>,
    /// Given up when the handle is cancelled.
    callback: Option<Callback>,
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
        Ok(Self {
            scheduler: Owned::new(scheduler.clone()),
            cancelled: AtomicBool::new(false),
            work: Held::new(Work::new(scheduler, callback, args, context)?),
        })
    }

    /// The same as an object, which may have been another call's.
    #[inline]
    pub(super) fn make<'py>(
        scheduler: &Bound<'py, Scheduler>,
        callback: Bound<'py, PyAny>,
        args: Bound<'py, PyTuple>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, Self>> {
        let py = scheduler.py();
        let Some(spare) = scheduler.get().spare_handles().take(py) else {
            return Bound::new(py, Self::create(scheduler, callback, args, context)?);
        };
        let work = Work::new(scheduler, callback, args, context)?;
        spare.get().cancelled.store(false, Ordering::Relaxed);
        // A spare handle has nothing that could be dropped here.
        *spare.get().work.hold(py) = work;
        Ok(spare)
    }

    /// Whether it was cancelled.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Calls the callback. What it raises goes to the exception handler, except what must end the loop.
    pub(super) fn call(slf: &Bound<'_, Self>) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        let (Some((callback, args)), Some(context)) = (this.callback(py), this.context(py)) else {
            return Ok(());
        };
        call(&context, &callback, &args).or_else(|error| Self::report(slf, error))
    }

    /// [`Self::call`] of a handle that the queue gave up. Where nobody else has it, it is kept for another call.
    pub(super) fn call_last<'py>(
        scheduler: &Bound<'py, Scheduler>,
        slf: Bound<'py, Self>,
    ) -> PyResult<()> {
        if !slf.get().scheduler.is(scheduler) || !spare_handles::is_unshared(&slf) {
            return Self::call(&slf);
        }
        let (py, this) = (slf.py(), slf.get());
        let (context, callback) = {
            let mut work = this.work(py);
            (work.context.take(), work.callback.take())
        };
        let called = match (&context, &callback) {
            (Some(context), Some((callback, args))) => {
                call(context.bind(py), callback.bind(py), args.bind(py))
            }
            _ => Ok(()),
        };
        // A weak reference or the collector may have given it away meanwhile.
        if called.is_err() || !spare_handles::is_unshared(&slf) {
            let mut work = this.work(py);
            work.context = context;
            if !this.is_cancelled() {
                work.callback = callback;
            }
            drop(work);
            return called.or_else(|error| Self::report(&slf, error));
        }
        drop((context, callback));
        scheduler.get().spare_handles().keep(slf);
        Ok(())
    }

    /// Whether it holds nothing that belongs to a call.
    pub(super) fn is_empty(&self, py: Python<'_>) -> bool {
        let work = self.work(py);
        work.context.is_none() && work.callback.is_none() && work.debug.is_none()
    }

    /// What the callback raised goes to the exception handler, except what must end the loop.
    fn report(slf: &Bound<'_, Self>, error: PyErr) -> PyResult<()> {
        let py = slf.py();
        if leaves_the_loop(py, &error) {
            return Err(error);
        }
        let report = intern!(py, "_callback_failed");
        let scheduler = slf.get().scheduler.bind(py);
        scheduler.call_method1(report, (slf, error)).map(drop)
    }

    pub(super) fn callback<'py>(
        &self,
        py: Python<'py>,
    ) -> Option<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let work = self.work(py);
        work.callback
            .as_ref()
            .map(|(callback, args)| (callback.bind(py).clone(), args.bind(py).clone()))
    }

    fn context<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let work = self.work(py);
        work.context
            .as_ref()
            .map(|context| context.bind(py).clone())
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
    fn get_context<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.context(py)
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
    fn _context<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.context(py)
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
        let Some(work) = self.work.try_hold() else {
            return Ok(());
        };
        if let Some(context) = &work.context {
            visit.call(&**context)?;
        }
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

impl Work {
    #[inline]
    fn new<'py>(
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
            context: Some(Owned::new(context)),
            callback: Some((Owned::new(callback), Owned::new(args))),
            debug,
        })
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

/// Calls `callback(*args)` in `context`; a panic is an exception.
fn call(
    context: &Bound<'_, PyAny>,
    callback: &Bound<'_, PyAny>,
    args: &Bound<'_, PyTuple>,
) -> PyResult<()> {
    let called = catch_unwind(AssertUnwindSafe(|| {
        context::call_in(context, callback, args).map(drop)
    }));
    called.unwrap_or_else(|panic| Err(panicked(&*panic)))
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
