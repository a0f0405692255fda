//! asyncio's set of the tasks that live, without a Python frame for each task that comes and for each that goes.
//!
//! Up to 3.13 that set is a `weakref.WeakSet`, and a sixth of what a task costs is its `add` and the callback of the
//! weak reference (see decision 0015). This one set gets an `add` of its own that does the same, with a callback that
//! does the same; whatever else is asked of it is the class's. 3.14 has a list in C instead.

#![allow(unsafe_code)]

use pyo3::ffi::{self, PyObject};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyFunction, PyList, PySet};

use super::definition::{Definition, returned};

/// What [`shorten`] gives its functions.
#[pyclass(frozen, module = "covet._native")]
struct TaskRegistry {
    tasks: Py<PyAny>,
    /// The references that the set holds.
    data: Py<PySet>,
    /// Who iterates over it now.
    iterating: Py<PySet>,
    /// References that died meanwhile.
    pending: Py<PyList>,
    /// The function that references call when they die.
    remove: PyOnceLock<Py<PyAny>>,
}

static ADD: Definition = Definition::of_one(c"add", add, c"WeakSet.add, of tasks.");
static REMOVE: Definition = Definition::of_one(c"_remove", remove, c"Forgets a task that died.");

/// Gives asyncio's set of tasks the short `add`, once and where it is as it was when this was written.
pub(super) fn shorten(py: Python<'_>) {
    static DONE: PyOnceLock<()> = PyOnceLock::new();
    DONE.get_or_init(py, || {
        // Without it everything works as before.
        drop(try_to_shorten(py));
    });
}

fn try_to_shorten(py: Python<'_>) -> PyResult<()> {
    let native = py.import(intern!(py, "_asyncio"))?;
    let tasks = native
        .getattr("_scheduled_tasks")
        .or_else(|_| native.getattr("_all_tasks"))?;
    let own = tasks.getattr("__dict__")?.cast_into::<PyDict>()?;
    let class = py.import("_weakrefset")?.getattr("WeakSet")?;
    if !tasks.get_type().is(&class) || own.contains("add")? || !is_untouched(&class)? {
        return Ok(());
    }
    let registry = TaskRegistry {
        data: tasks.getattr("data")?.cast_into_exact()?.unbind(),
        iterating: tasks.getattr("_iterating")?.cast_into_exact()?.unbind(),
        pending: tasks
            .getattr("_pending_removals")?
            .cast_into_exact()?
            .unbind(),
        tasks: tasks.clone().unbind(),
        remove: PyOnceLock::new(),
    };
    let registry = Bound::new(py, registry)?;
    let remove = REMOVE.function(&registry)?.unbind();
    registry.get().remove.get_or_init(py, || remove);
    tasks.setattr("add", ADD.function(&registry)?)
}

/// Whether the methods of the class are the standard library's.
fn is_untouched(class: &Bound<'_, PyAny>) -> PyResult<bool> {
    for name in ["add", "_commit_removals", "__init__"] {
        let method = class.getattr(name)?.cast_into::<PyFunction>()?;
        let names = method.getattr("__globals__")?;
        if names.get_item("__name__")?.ne("_weakrefset")? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// `WeakSet.add`.
unsafe extern "C" fn add(slf: *mut PyObject, task: *mut PyObject) -> *mut PyObject {
    returned(|py| {
        // SAFETY: the function was made with a registry, which it keeps.
        let slf = unsafe { Borrowed::from_ptr(py, slf).cast_unchecked::<TaskRegistry>() };
        let this = slf.get();
        if !this.pending.bind(py).is_empty() {
            let commit = intern!(py, "_commit_removals");
            this.tasks.bind(py).call_method0(commit)?;
        }
        let remove = this.remove.get(py).map_or(std::ptr::null_mut(), Py::as_ptr);
        // SAFETY: attached, and the caller keeps the task meanwhile.
        let weak = unsafe { ffi::PyWeakref_NewRef(task, remove) };
        // SAFETY: a new reference, or null with an exception set.
        let weak = unsafe { Bound::from_owned_ptr_or_err(py, weak) }?;
        this.data.bind(py).add(weak)?;
        Ok(py.None().into_bound(py))
    })
}

/// What `WeakSet` does about a reference that died.
unsafe extern "C" fn remove(slf: *mut PyObject, weak: *mut PyObject) -> *mut PyObject {
    returned(|py| {
        // SAFETY: the function was made with a registry, which it keeps.
        let slf = unsafe { Borrowed::from_ptr(py, slf).cast_unchecked::<TaskRegistry>() };
        // SAFETY: the caller keeps the reference meanwhile.
        let weak = unsafe { Bound::from_borrowed_ptr(py, weak) };
        let this = slf.get();
        if this.iterating.bind(py).is_empty() {
            this.data.bind(py).discard(weak)?;
        } else {
            this.pending.bind(py).append(weak)?;
        }
        Ok(py.None().into_bound(py))
    })
}
