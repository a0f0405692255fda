//! `State`: values of one request, by attribute, for middleware, dependencies and handlers to
//! share. A dict with another face; it knows no request.

use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::pyclass::{PyTraverseError, PyVisit};
use pyo3::types::{PyDict, PyList, PyString};

/// Values of one request, by attribute. Unset: `AttributeError`.
#[pyclass(frozen, weakref, module = "covet.requests")]
pub struct State {
    values: Py<PyDict>,
}

impl State {
    /// A state without values.
    #[must_use]
    pub fn new(py: Python<'_>) -> Self {
        Self {
            values: PyDict::new(py).unbind(),
        }
    }
}

fn unset(name: &Bound<'_, PyString>) -> PyErr {
    PyAttributeError::new_err(format!(
        "the state has no value {:?}; set it before it is read, or use getattr with a default",
        name.to_string_lossy()
    ))
}

#[pymethods]
impl State {
    fn __getattr__<'py>(&self, name: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
        self.values
            .bind(name.py())
            .get_item(name)?
            .ok_or_else(|| unset(name))
    }

    fn __setattr__(&self, name: &Bound<'_, PyString>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.values.bind(name.py()).set_item(name, value)
    }

    fn __delattr__(&self, name: &Bound<'_, PyString>) -> PyResult<()> {
        let values = self.values.bind(name.py());
        if !values.contains(name)? {
            return Err(unset(name));
        }
        values.del_item(name)
    }

    fn __dir__<'py>(&self, py: Python<'py>) -> Bound<'py, PyList> {
        self.values.bind(py).keys()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("State({})", self.values.bind(py).repr()?))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.values)
    }
}
