//! [`ResponseBody`]: the content of an answer as Python gave it, to be encoded by the engine.

use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pyclass::{PyTraverseError, PyVisit};
use pyo3::types::{PyBytes, PyString};

use super::file_response::FileSource;

/// The body of an answer, not encoded yet.
#[derive(Debug, Default)]
pub enum ResponseBody {
    /// No body.
    #[default]
    Empty,
    /// Sent as it is.
    Bytes(Py<PyBytes>),
    /// Sent as UTF-8; was checked to have no lone surrogates.
    Text(Py<PyString>),
    /// Sent as JSON.
    Json(Py<PyAny>),
    /// Opened and sent.
    File(Arc<FileSource>),
}

impl ResponseBody {
    /// Another reference to the same content.
    #[must_use]
    pub fn clone_ref(&self, py: Python<'_>) -> Self {
        match self {
            Self::Empty => Self::Empty,
            Self::Bytes(bytes) => Self::Bytes(bytes.clone_ref(py)),
            Self::Text(text) => Self::Text(text.clone_ref(py)),
            Self::Json(object) => Self::Json(object.clone_ref(py)),
            Self::File(source) => Self::File(Arc::clone(source)),
        }
    }

    /// The body of `content`: bytes, str or None.
    pub(super) fn of_content(content: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let Some(content) = content else {
            return Ok(Self::Empty);
        };
        if let Ok(text) = content.cast::<PyString>() {
            text.to_str()?;
            return Ok(Self::Text(text.clone().unbind()));
        }
        if let Ok(bytes) = content.cast::<PyBytes>() {
            return Ok(Self::Bytes(bytes.clone().unbind()));
        }
        Err(PyTypeError::new_err(format!(
            "content must be bytes, str or None, not {}; JSONResponse encodes other objects",
            content.get_type().name()?
        )))
    }

    /// Length in bytes, None for JSON and a file, which are looked at later.
    pub(super) fn length(&self, py: Python<'_>) -> PyResult<Option<usize>> {
        Ok(match self {
            Self::Empty => Some(0),
            Self::Bytes(bytes) => Some(bytes.as_bytes(py).len()),
            Self::Text(text) => Some(text.to_str(py)?.len()),
            Self::Json(_) | Self::File(_) => None,
        })
    }

    /// Shows the content to the garbage collector.
    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Self::Empty | Self::File(_) => Ok(()),
            Self::Bytes(bytes) => visit.call(bytes),
            Self::Text(text) => visit.call(text),
            Self::Json(object) => visit.call(object),
        }
    }
}
