//! What waits for its turn on a loop: handles, and calls that asyncio's own task and future ask for.
//!
//! The step of a task and the wake-up by its future are scheduled from C, which drops the handle that it is given at
//! once. Nobody can cancel such a call or ask for it, so it is queued as it is, without a handle; one is made where a
//! failure has to be reported. Knows nothing of the queue.

#![allow(unsafe_code)]

use std::ffi::{CStr, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyContext, PyTuple, PyType};
use pyo3::{ffi, intern};

use super::handle::{leaves_the_loop, panicked};
use super::{Handle, Scheduler, context};

/// Something that is ready to run.
pub(super) enum Ready {
    /// A handle of ours, or one that asyncio's own code made.
    Handle(Py<PyAny>),
    /// A call without one.
    Call(OwnCall),
}

/// A call that asyncio's C code scheduled.
pub(super) struct OwnCall {
    callback: Py<PyAny>,
    args: Py<PyTuple>,
    context: Py<PyAny>,
}

impl OwnCall {
    /// The call, where it is one that needs no handle.
    #[inline]
    pub(super) fn of<'py>(
        callback: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
        context: Option<&Bound<'py, PyAny>>,
    ) -> Option<Self> {
        let context = context?;
        if !(is_step(callback) || is_wakeup(callback))
            || !context.is_exact_instance_of::<PyContext>()
        {
            return None;
        }
        Some(Self {
            callback: callback.clone().unbind(),
            args: args.clone().unbind(),
            context: context.clone().unbind(),
        })
    }

    /// A call of the runtime's own, of which nobody has a handle.
    pub(super) fn new<'py>(
        callback: Bound<'py, PyAny>,
        args: Bound<'py, PyTuple>,
        context: Bound<'py, PyAny>,
    ) -> Self {
        Self {
            callback: callback.unbind(),
            args: args.unbind(),
            context: context.unbind(),
        }
    }

    /// Makes the call. What it raises goes to the exception handler, except what must end the loop.
    pub(super) fn run(self, scheduler: &Bound<'_, Scheduler>) -> PyResult<()> {
        let py = scheduler.py();
        let called = catch_unwind(AssertUnwindSafe(|| {
            let (callback, args) = (self.callback.bind(py), self.args.bind(py));
            context::call_in(self.context.bind(py), callback, args).map(drop)
        }));
        let Err(error) = called.unwrap_or_else(|panic| Err(panicked(&*panic))) else {
            return Ok(());
        };
        if leaves_the_loop(py, &error) {
            return Err(error);
        }
        let handle = self.into_handle(scheduler)?;
        let report = intern!(py, "_callback_failed");
        scheduler.call_method1(report, (handle, error)).map(drop)
    }

    fn into_handle<'py>(self, scheduler: &Bound<'py, Scheduler>) -> PyResult<Bound<'py, Handle>> {
        let py = scheduler.py();
        let (callback, args) = (self.callback.into_bound(py), self.args.into_bound(py));
        let context = Some(self.context.into_bound(py));
        Handle::make(scheduler, callback, args, context)
    }
}

impl Ready {
    /// As a handle, for a loop that takes over what is scheduled here.
    pub(super) fn into_handle(self, scheduler: &Bound<'_, Scheduler>) -> PyResult<Py<PyAny>> {
        match self {
            Self::Handle(handle) => Ok(handle),
            Self::Call(call) => Ok(call.into_handle(scheduler)?.into_any().unbind()),
        }
    }

    /// For the collector.
    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Self::Handle(handle) => visit.call(handle),
            Self::Call(call) => {
                visit.call(&call.callback)?;
                visit.call(&call.args)?;
                visit.call(&call.context)
            }
        }
    }
}

/// Whether it is the step of a C task.
#[inline]
fn is_step(callback: &Bound<'_, PyAny>) -> bool {
    static CLASS: AtomicPtr<ffi::PyTypeObject> = AtomicPtr::new(ptr::null_mut());
    let class = callback.get_type_ptr();
    let known = CLASS.load(Ordering::Relaxed);
    if !known.is_null() {
        return class == known;
    }
    let is_step = is_class_of_steps(&callback.get_type());
    if is_step {
        CLASS.store(class, Ordering::Relaxed);
    }
    is_step
}

/// The class is nowhere to be had by name. Classes made in Python have no dot in theirs; in 3.11 this one has none
/// either, and is not on the heap as they are.
fn is_class_of_steps(class: &Bound<'_, PyType>) -> bool {
    // SAFETY: a class that lives has a name, which ends with a nought.
    let name = unsafe { CStr::from_ptr((*class.as_type_ptr()).tp_name) };
    // SAFETY: as above; the flags say whether something can inherit from it, and who made it.
    let flags = unsafe { ffi::PyType_GetFlags(class.as_type_ptr()) };
    let is_heap = flags & ffi::Py_TPFLAGS_HEAPTYPE != 0;
    let is_named =
        name == c"_asyncio.TaskStepMethWrapper" || (name == c"TaskStepMethWrapper" && !is_heap);
    is_named && flags & ffi::Py_TPFLAGS_BASETYPE == 0
}

/// Whether it is what a C task leaves with the future that it waits for.
#[inline]
fn is_wakeup(callback: &Bound<'_, PyAny>) -> bool {
    static DEFINITION: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
    if !callback.is_exact_instance_of::<PyCFunction>() {
        return false;
    }
    // SAFETY: it is a function in C, whose definition outlives it.
    let definition = unsafe { (*callback.as_ptr().cast::<ffi::PyCFunctionObject>()).m_ml };
    let known = DEFINITION.load(Ordering::Relaxed);
    if !known.is_null() {
        return definition.cast() == known;
    }
    // SAFETY: as above, and it has a name.
    let name = unsafe { CStr::from_ptr((*definition).ml_name) };
    let owner = || callback.getattr(intern!(callback.py(), "__self__")).ok();
    let is_wakeup = name == c"task_wakeup" && owner().is_some_and(|owner| is_task(&owner));
    if is_wakeup {
        DEFINITION.store(definition.cast(), Ordering::Relaxed);
    }
    is_wakeup
}

fn is_task(object: &Bound<'_, PyAny>) -> bool {
    let py = object.py();
    let class = py
        .import(intern!(py, "_asyncio"))
        .and_then(|module| module.getattr(intern!(py, "Task")));
    class.is_ok_and(|class| object.is_instance(&class).unwrap_or(false))
}
