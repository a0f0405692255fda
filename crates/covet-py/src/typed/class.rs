//! A compiled type as a class of Python, and the error that its methods raise.

use covet_server::buffers::Buffer;
use pyo3::create_exception;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use super::problems::{Problem, Refused};
use super::schema::Schema;
use crate::json::{malformed_error, raise_encode_error, with_bytes};

create_exception!(
    covet.json,
    ValidationError,
    PyValueError,
    "A value is not of the type. `errors` are all its problems."
);

/// A type, compiled from its tree.
#[pyclass(name = "Schema", module = "covet._native", frozen)]
#[derive(Debug)]
pub struct PySchema {
    schema: Schema,
    forbid_unknown: bool,
}

impl PySchema {
    /// What it compiled.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }
}

#[pymethods]
#[allow(
    clippy::needless_pass_by_value,
    reason = "arguments are made for the call"
)]
impl PySchema {
    #[new]
    #[pyo3(signature = (root, *, forbid_unknown = false))]
    fn new(root: &Bound<'_, PyAny>, forbid_unknown: bool) -> PyResult<Self> {
        Ok(Self {
            schema: Schema::compile(root)?,
            forbid_unknown,
        })
    }

    #[pyo3(signature = (data, /))]
    fn decode<'py>(&self, data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = data.py();
        with_bytes(data, |bytes| {
            self.schema.decode(py, bytes, self.forbid_unknown)
        })?
        .map_err(|refused| raised(py, refused, "body"))
    }

    #[pyo3(signature = (value, /, *, by_attribute = false))]
    fn encode<'py>(
        &self,
        value: &Bound<'py, PyAny>,
        by_attribute: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let mut out = Buffer::take();
        let written = self.schema.encode(value, by_attribute, &mut out);
        written.map_err(|error| raise_encode_error(value.py(), error))?;
        Ok(PyBytes::new(value.py(), &out))
    }

    #[pyo3(signature = (text, /))]
    fn convert<'py>(&self, py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
        let made = self.schema.convert(py, self.schema.root, text);
        made.map_err(|refused| raised(py, refused, "text"))
    }

    #[pyo3(signature = (texts, /))]
    fn convert_many<'py>(
        &self,
        py: Python<'py>,
        texts: Vec<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let made = self.schema.convert_many(py, self.schema.root, &texts);
        made.map_err(|refused| raised(py, refused, "text"))
    }

    #[pyo3(signature = (pairs, /))]
    fn convert_fields<'py>(
        &self,
        py: Python<'py>,
        pairs: Vec<(String, String)>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let pairs: Vec<(&str, &str)> = pairs
            .iter()
            .map(|(name, text)| (&**name, &**text))
            .collect();
        let (root, forbidden) = (self.schema.root, self.forbid_unknown);
        let made = self.schema.convert_object(py, root, &pairs, forbidden);
        made.map_err(|refused| raised(py, refused, "text"))
    }
}

/// What Python sees of a refusal.
fn raised(py: Python<'_>, refused: Refused, source: &str) -> PyErr {
    match refused {
        Refused::Raised(error) => error,
        Refused::Problems(problems) => match problems.as_slice() {
            [
                Problem {
                    offset: Some(offset),
                    message,
                    ..
                },
            ] => malformed_error(py, format!("{message} at byte {offset}"), *offset),
            several => typed_error(py, several, source).unwrap_or_else(|error| error),
        },
    }
}

fn typed_error(py: Python<'_>, problems: &[Problem], source: &str) -> PyResult<PyErr> {
    let errors = PyList::empty(py);
    for problem in problems {
        let entry = PyDict::new(py);
        entry.set_item("source", source)?;
        entry.set_item("pointer", &problem.pointer)?;
        entry.set_item("code", problem.code.name())?;
        entry.set_item("message", &problem.message)?;
        entry.set_item("input", problem.input)?;
        errors.append(entry)?;
    }
    let summary = match problems {
        [problem] => format!("{} {}", shown(&problem.pointer), problem.message),
        [first, ..] => {
            let (count, place) = (problems.len(), shown(&first.pointer));
            format!("{count} errors, the first: {place} {}", first.message)
        }
        [] => String::new(),
    };
    let error = ValidationError::new_err(summary);
    error.value(py).setattr("errors", errors)?;
    Ok(error)
}

fn shown(pointer: &str) -> &str {
    if pointer.is_empty() {
        "the value"
    } else {
        pointer
    }
}
