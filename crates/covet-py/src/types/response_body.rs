//! [`ResponseBody`]: the content of an answer as Python gave it, to be encoded by the engine.

use std::sync::Arc;
use std::time::Duration;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pyclass::{PyTraverseError, PyVisit};
use pyo3::types::{PyBytes, PyString};

use super::file_response::FileSource;
use crate::runtime;
use crate::typed::Schema;

/// What the items of a stream become.
#[derive(Clone, Copy, Debug)]
pub enum StreamForm {
    /// Bytes and text, as they are.
    Bytes,
    /// A line of JSON each.
    Lines,
    /// Server-sent events, and comments after so much silence.
    Events {
        /// Time without an event before a comment; none for no comments.
        ping: Option<Duration>,
    },
}

/// Content that comes in parts.
#[derive(Debug)]
pub struct StreamContent {
    /// An iterable or async iterable.
    pub iterable: Py<PyAny>,
    /// What its items become.
    pub form: StreamForm,
    /// What an item, or the data of an event, was declared to be; none: what it is decides.
    pub schema: Option<Arc<Schema>>,
    /// The context in which the iterator runs: a copy of the one that made the answer.
    pub context: Py<PyAny>,
    /// Bytes in total, where the application says so.
    pub length: Option<u64>,
    /// Called at the end: a mapping of the fields that follow the content.
    pub trailers: Option<Py<PyAny>>,
}

impl StreamContent {
    /// Content that `iterable` gives, its items of the type of `schema`, in a copy of the current context.
    ///
    /// # Errors
    /// There is no memory for the copy.
    pub fn new(
        iterable: &Bound<'_, PyAny>,
        form: StreamForm,
        schema: Option<Arc<Schema>>,
    ) -> PyResult<Self> {
        Ok(Self {
            iterable: iterable.clone().unbind(),
            form,
            schema,
            context: runtime::copy_current(iterable.py())?.unbind(),
            length: None,
            trailers: None,
        })
    }

    /// Another reference to the same content.
    #[must_use]
    pub fn clone_ref(&self, py: Python<'_>) -> Self {
        Self {
            iterable: self.iterable.clone_ref(py),
            form: self.form,
            schema: self.schema.clone(),
            context: self.context.clone_ref(py),
            length: self.length,
            trailers: self.trailers.as_ref().map(|it| it.clone_ref(py)),
        }
    }
}

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
    /// Sent as it comes.
    Stream(StreamContent),
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
            Self::Stream(content) => Self::Stream(content.clone_ref(py)),
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

    /// Length in bytes, None for what is looked at later.
    pub(super) fn length(&self, py: Python<'_>) -> PyResult<Option<usize>> {
        Ok(match self {
            Self::Empty => Some(0),
            Self::Bytes(bytes) => Some(bytes.as_bytes(py).len()),
            Self::Text(text) => Some(text.to_str(py)?.len()),
            Self::Json(_) | Self::File(_) | Self::Stream(_) => None,
        })
    }

    /// Shows the content to the garbage collector.
    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Self::Empty | Self::File(_) => Ok(()),
            Self::Bytes(bytes) => visit.call(bytes),
            Self::Text(text) => visit.call(text),
            Self::Json(object) => visit.call(object),
            Self::Stream(content) => {
                visit.call(&content.iterable)?;
                visit.call(&content.trailers)?;
                visit.call(&content.context)
            }
        }
    }
}
