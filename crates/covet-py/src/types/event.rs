//! `Event`: one server-sent event, and how it is written (HTML, section 9.2).
//!
//! What a line break would smuggle in is refused when the event is made, or split over lines.

use covet_server::buffers::Buffer;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pyclass::{PyTraverseError, PyVisit};
use pyo3::types::PyString;

use crate::typed::Schema;

/// One server-sent event.
#[allow(
    clippy::struct_field_names,
    reason = "the names of the format's fields"
)]
#[pyclass(frozen, generic, module = "covet.responses")]
pub struct Event {
    #[pyo3(get)]
    data: Py<PyAny>,
    #[pyo3(get)]
    event: Option<String>,
    #[pyo3(get)]
    id: Option<String>,
    #[pyo3(get)]
    retry: Option<u64>,
    #[pyo3(get)]
    comment: Option<String>,
}

#[pymethods]
impl Event {
    #[new]
    #[pyo3(signature = (data, *, event = None, id = None, retry = None, comment = None))]
    fn __new__(
        data: Py<PyAny>,
        event: Option<String>,
        id: Option<String>,
        retry: Option<i64>,
        comment: Option<String>,
    ) -> PyResult<Self> {
        one_line("event", event.as_deref())?;
        one_line("id", id.as_deref())?;
        if id.as_deref().is_some_and(|id| id.contains('\0')) {
            return Err(PyValueError::new_err(
                "id has a NUL, and clients would ignore it: leave it out",
            ));
        }
        let retry = retry.map(u64::try_from).transpose().map_err(|_| {
            PyValueError::new_err("retry is negative: it is a number of milliseconds")
        })?;
        Ok(Self {
            data,
            event,
            id,
            retry,
            comment,
        })
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let data = self.data.bind(py).repr()?;
        Ok(format!("Event({data})"))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.data)
    }
}

fn one_line(name: &str, value: Option<&str>) -> PyResult<()> {
    match value {
        Some(value) if value.contains(['\r', '\n']) => Err(PyValueError::new_err(format!(
            "{name} has a line break, which would end it: use one line"
        ))),
        _ => Ok(()),
    }
}

impl Event {
    /// The event's lines, its data of the type of `schema`; the empty line that ends it is the caller's.
    ///
    /// # Errors
    /// What encoding the data raises.
    pub fn write(&self, py: Python<'_>, schema: Option<&Schema>, out: &mut Buffer) -> PyResult<()> {
        if let Some(comment) = &self.comment {
            write_lines(out, b": ", comment);
        }
        for (name, value) in [(&b"event: "[..], &self.event), (b"id: ", &self.id)] {
            if let Some(value) = value {
                write_lines(out, name, value);
            }
        }
        if let Some(retry) = self.retry {
            out.extend_from_slice(format!("retry: {retry}\n").as_bytes());
        }
        Self::write_data(self.data.bind(py), schema, out)
    }

    /// The lines of an event's data: text as it is, anything else as JSON.
    ///
    /// # Errors
    /// What encoding it raises.
    pub fn write_data(
        data: &Bound<'_, PyAny>,
        schema: Option<&Schema>,
        out: &mut Buffer,
    ) -> PyResult<()> {
        if let Ok(text) = data.cast::<PyString>() {
            if let Some(schema) = schema {
                let before = out.len();
                Schema::encode_or_value(Some(schema), data, out)?; // whether it is of the type
                out.truncate(before);
            }
            write_lines(out, b"data: ", text.to_str()?);
            return Ok(());
        }
        // JSON has no line break that is not escaped.
        out.extend_from_slice(b"data: ");
        Schema::encode_or_value(schema, data, out)?;
        out.push(b'\n');
        Ok(())
    }
}

/// `text` as lines of the field `name`: CR, LF and both end a line, as they do for the client.
fn write_lines(out: &mut Buffer, name: &[u8], text: &str) {
    let mut rest = text;
    loop {
        let (line, after) = match rest.find(['\r', '\n']) {
            Some(at) if rest[at..].starts_with("\r\n") => (&rest[..at], Some(&rest[at + 2..])),
            Some(at) => (&rest[..at], Some(&rest[at + 1..])),
            None => (rest, None),
        };
        out.extend_from_slice(name);
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
        match after {
            Some(after) => rest = after,
            None => return,
        }
    }
}
