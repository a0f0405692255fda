//! One `await` of a body: an iterator that waits for it, and all that asyncio asks of a coroutine.
//!
//! `await` steps it as an iterator; a task sends and throws, because it is registered as a
//! `collections.abc.Coroutine`. Where the body is and what it becomes is `body_source.rs`'s.

use pyo3::exceptions::{PyBaseException, PyStopIteration, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pyclass::{PyTraverseError, PyVisit};
use pyo3::types::PyType;

use super::body_source::{BodyForm, BodySource};

/// What `request.body()`, `.json()` and `.text()` give.
#[pyclass(frozen, module = "covet._native")]
pub struct AwaitedBody {
    source: Py<BodySource>,
    /// The iterator of the future that is set when the body is here; none where it is here.
    inner: Option<Py<PyAny>>,
    form: BodyForm,
}

impl AwaitedBody {
    /// One that waits for `inner`, then takes the body of `source` in `form`.
    pub(super) fn new(source: Py<BodySource>, inner: Option<Py<PyAny>>, form: BodyForm) -> Self {
        Self {
            source,
            inner,
            form,
        }
    }
}

/// The exception that the arguments of a coroutine's `throw` mean.
pub(super) fn thrown<'py>(
    kind: &Bound<'py, PyAny>,
    value: Option<Bound<'py, PyAny>>,
    traceback: Option<Bound<'py, PyAny>>,
) -> PyResult<PyErr> {
    let value = value.filter(|value| !value.is_none());
    let error = match (kind.cast::<PyType>(), value) {
        (Ok(_), Some(value)) if value.is_instance_of::<PyBaseException>() => value,
        (Ok(class), Some(value)) => class.call1((value,))?,
        (Ok(class), None) => class.call0()?,
        (Err(_), _) => kind.clone(),
    };
    if let Some(traceback) = traceback.filter(|traceback| !traceback.is_none()) {
        error.setattr(intern!(kind.py(), "__traceback__"), traceback)?;
    }
    Ok(PyErr::from_value(error))
}

#[pymethods]
impl AwaitedBody {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        if let Some(inner) = &self.inner {
            match inner.call_method0(py, intern!(py, "__next__")) {
                Err(error) if error.is_instance_of::<PyStopIteration>(py) => {}
                other => return other,
            }
        }
        let value = self.source.get().take(py, &self.form)?;
        Err(PyStopIteration::new_err((value,)))
    }

    /// Go on. Nothing waits for a value, so another than None is a `TypeError`.
    fn send(&self, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        if value.is_none() {
            return self.__next__(value.py());
        }
        Err(PyTypeError::new_err(
            "the wait for a request's body takes no value: send None",
        ))
    }

    /// Give up: the exception is raised here. The body is still read for whoever else waits.
    #[pyo3(signature = (kind, value = None, traceback = None, /))]
    #[allow(
        clippy::unused_self,
        reason = "a method of coroutines, which every one of them has"
    )]
    fn throw(
        &self,
        kind: &Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        Err(thrown(kind, value, traceback)?)
    }

    /// Nothing is held that needs an end.
    #[allow(
        clippy::unused_self,
        reason = "a method of coroutines, which every one of them has"
    )]
    fn close(&self) {}

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.source)?;
        visit.call(&self.inner)
    }
}
