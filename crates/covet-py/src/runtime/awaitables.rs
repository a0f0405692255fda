//! `create_future` and `create_task` of the loop without a Python frame, where nothing special is asked for.
//!
//! A task factory, debug mode and a closed loop are the standard library's own code.

use pyo3::exceptions::PyAttributeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};

use super::Scheduler;
use super::held::Held;

/// What a loop makes its futures and tasks with.
pub(super) struct Awaitables(Held<Parts>);

#[derive(Default)]
struct Parts {
    /// `{"loop": loop}`, made when it is first wanted.
    words: Option<Py<PyDict>>,
    /// asyncio's `_task_factory`.
    factory: Option<Py<PyAny>>,
}

impl Awaitables {
    /// The standard library's classes.
    pub(super) fn new() -> Self {
        Self(Held::new(Parts::default()))
    }

    /// What `set_task_factory` was given.
    pub(super) fn factory<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let parts = self.0.hold(py);
        parts
            .factory
            .as_ref()
            .map(|factory| factory.bind(py).clone())
    }

    /// Sets what makes tasks.
    pub(super) fn set_factory(&self, py: Python<'_>, factory: Option<Py<PyAny>>) {
        let before = std::mem::replace(&mut self.0.hold(py).factory, factory);
        drop(before);
    }

    /// Forgets the loop. Its factory stays, as asyncio's does.
    pub(super) fn clear(&self, py: Python<'_>) {
        let words = self.0.hold(py).words.take();
        drop(words);
    }

    /// Forgets everything, for the collector.
    pub(super) fn clear_collected(&self) {
        let parts = self
            .0
            .try_hold()
            .map(|mut parts| std::mem::take(&mut *parts));
        drop(parts);
    }

    /// For the collector.
    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        let Some(parts) = self.0.try_hold() else {
            return Ok(());
        };
        visit.call(&parts.words)?;
        visit.call(&parts.factory)
    }

    /// The words of a future or of a task of which nothing is asked. Nobody writes to them.
    fn words<'py>(scheduler: &Bound<'py, Scheduler>) -> PyResult<Bound<'py, PyDict>> {
        let (py, this) = (scheduler.py(), scheduler.get().awaitables());
        if let Some(words) = &this.0.hold(py).words {
            return Ok(words.bind(py).clone());
        }
        let words = PyDict::new(py);
        words.set_item(intern!(py, "loop"), scheduler)?;
        if scheduler.get().is_plain() {
            this.0.hold(py).words = Some(words.clone().unbind());
        }
        Ok(words)
    }
}

/// A future of the loop: `asyncio.futures.Future`, whatever that is by now.
///
/// # Errors
///
/// What the class raises.
pub(super) fn new_future<'py>(scheduler: &Bound<'py, Scheduler>) -> PyResult<Bound<'py, PyAny>> {
    static MODULE: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    let py = scheduler.py();
    let words = Awaitables::words(scheduler)?;
    named(&MODULE, "asyncio.futures", intern!(py, "Future"))?.call((), Some(&words))
}

/// A task of the loop: `asyncio.tasks.Task`, or what the factory makes.
///
/// # Errors
///
/// What the class or the factory raises; `RuntimeError` if the loop is closed.
pub(super) fn new_task<'py>(
    scheduler: &Bound<'py, Scheduler>,
    coroutine: &Bound<'py, PyAny>,
    words: Option<Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    static TASKS: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    static LOOPS: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    let (py, this) = (scheduler.py(), scheduler.get());
    if !this.is_plain() || this.awaitables().factory(py).is_some() {
        return named(&LOOPS, "asyncio.base_events", intern!(py, "BaseEventLoop"))?
            .getattr(intern!(py, "create_task"))?
            .call((scheduler, coroutine), words.as_ref());
    }
    let words = match words {
        Some(words) => {
            words.set_item(intern!(py, "loop"), scheduler)?;
            words
        }
        None => Awaitables::words(scheduler)?,
    };
    named(&TASKS, "asyncio.tasks", intern!(py, "Task"))?.call((coroutine,), Some(&words))
}

/// What a module has under a name now.
fn named<'py>(
    slot: &PyOnceLock<Py<PyDict>>,
    module: &str,
    name: &Bound<'py, PyString>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = name.py();
    let names = slot.get_or_try_init(py, || py.import(module).map(|it| it.dict().unbind()))?;
    let found = names.bind(py).get_item(name)?;
    found.ok_or_else(|| PyAttributeError::new_err(format!("module '{module}' has no '{name}'")))
}
