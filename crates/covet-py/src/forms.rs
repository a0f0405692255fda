//! A form with files as Python has it: texts, `UploadFile` objects, `FormData`.
//!
//! Also what Python and the client are told where there is no form. How it arrives is the server's matter.

use std::sync::Arc;

use covet_server::response::Response;
use covet_server::spool::{Content, Form, SpoolError, Stored};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::types::{StoredFile, body_exception};
use crate::{failure, imports, runtime};

/// What a client is told where its files do not fit on the disk.
const FULL: &str = "There is no room for the files of the form.";

/// The parts of a form, in order; an empty file input of a page is none.
#[derive(Default)]
pub(crate) struct ReceivedForm(Vec<(String, Value)>);

/// What a part holds.
enum Value {
    Text(String),
    File(ReceivedFile),
}

/// A file, and the `UploadFile` that shows it.
pub(crate) struct ReceivedFile {
    upload: Py<PyAny>,
    stored: Arc<Stored>,
}

impl ReceivedFile {
    /// The `UploadFile`, or the bytes of a file that is kept in memory.
    pub(crate) fn value(&self, py: Python<'_>, as_bytes: bool) -> PyResult<Py<PyAny>> {
        if !as_bytes {
            return Ok(self.upload.clone_ref(py));
        }
        Ok(match self.stored.memory() {
            Some(bytes) => PyBytes::new(py, bytes),
            None => PyBytes::new(py, &self.stored.read(0, u64::MAX)?),
        }
        .into_any()
        .unbind())
    }
}

impl ReceivedForm {
    /// `form` with Python objects for its files, which are read and saved on `event_loop`.
    ///
    /// # Errors
    /// What making them raises.
    pub(crate) fn new(py: Python<'_>, form: Form, event_loop: &Py<PyAny>) -> PyResult<Self> {
        let mut parts = Vec::with_capacity(form.parts.len());
        for part in form.parts {
            let value = match part.content {
                Content::Text(text) => Value::Text(text),
                Content::File(stored) => {
                    let unchosen = part.head.filename.as_deref() == Some("");
                    if unchosen && stored.size() == 0 {
                        continue;
                    }
                    let stored = Arc::new(stored);
                    let shown = StoredFile::new(py, &part.head, Arc::clone(&stored), event_loop);
                    let upload = imports::upload_file(py)?.call1((Bound::new(py, shown)?,))?;
                    Value::File(ReceivedFile {
                        upload: upload.unbind(),
                        stored,
                    })
                }
            };
            parts.push((part.head.name, value));
        }
        Ok(Self(parts))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Name and text of each field that is no file.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(name, value)| match value {
            Value::Text(text) => Some((&**name, &**text)),
            Value::File(_) => None,
        })
    }

    /// The files with the name `alias`.
    pub(crate) fn files<'a>(&'a self, alias: &'a str) -> impl Iterator<Item = &'a ReceivedFile> {
        self.0.iter().filter_map(move |(name, value)| match value {
            Value::File(file) if name == alias => Some(file),
            _ => None,
        })
    }

    /// A `FormData` with everything.
    ///
    /// # Errors
    /// What making it raises.
    pub(crate) fn to_python(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let pairs = PyList::empty(py);
        for (name, value) in &self.0 {
            match value {
                Value::Text(text) => pairs.append((name, text))?,
                Value::File(file) => pairs.append((name, &file.upload))?,
            }
        }
        Ok(imports::form_data(py)?.call1((pairs,))?.unbind())
    }
}

/// The answer where there is no form.
pub(crate) fn refused(py: Python<'_>, label: &str, error: SpoolError) -> Response {
    match error {
        SpoolError::Refused(error) => Response::problem(error.status(), error.as_str()),
        SpoolError::Full => Response::problem(507, FULL),
        SpoolError::Storage(error) => {
            let what = "a file of a form cannot be stored";
            failure::internal(py, label, what, Some(&runtime::os_error(&error)))
        }
        SpoolError::Body(error) => failure::unread(error),
    }
}

/// What `await request.form()` raises where there is no form.
pub(crate) fn exception(py: Python<'_>, error: &SpoolError) -> PyErr {
    let (status, detail) = match error {
        SpoolError::Refused(error) => (error.status(), error.as_str()),
        SpoolError::Full => (507, FULL),
        SpoolError::Storage(error) => return runtime::os_error(error),
        SpoolError::Body(error) => return body_exception(py, *error),
    };
    let made = match status {
        400 => imports::bad_request(py).and_then(|class| class.call1((detail,))),
        413 => imports::content_too_large(py).and_then(|class| class.call1((detail,))),
        _ => imports::http_exception(py).and_then(|class| class.call1((status, detail))),
    };
    made.map_or_else(|error| error, PyErr::from_value)
}
