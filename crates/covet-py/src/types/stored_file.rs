//! `StoredFile`: a file of a form as `covet.UploadFile` uses it. What is on the disk is read and saved on a
//! blocking thread, without the interpreter.

use std::path::PathBuf;
use std::sync::Arc;

use covet_server::multipart::PartHead;
use covet_server::spool::Stored;
use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pyclass::{PyTraverseError, PyVisit};
use pyo3::types::{PyBytes, PyString};

use super::fields::FieldBlock;
use super::headers::Headers;
use super::text::latin1_str;
use crate::runtime;

/// A file of a form.
#[pyclass(frozen, module = "covet._native")]
pub struct StoredFile {
    filename: Option<String>,
    block: Arc<FieldBlock>,
    stored: Arc<Stored>,
    event_loop: Py<PyAny>,
}

impl StoredFile {
    pub(crate) fn new(
        py: Python<'_>,
        head: &PartHead,
        stored: Arc<Stored>,
        event_loop: &Py<PyAny>,
    ) -> Self {
        Self {
            filename: head.base_name().map(str::to_owned),
            block: Arc::new(FieldBlock {
                bytes: head.bytes.clone(),
                fields: head.fields.clone(),
            }),
            stored,
            event_loop: event_loop.clone_ref(py),
        }
    }

    /// A future of asyncio that `work` completes on a blocking thread; `shown` makes its result.
    fn later<T: Send + 'static>(
        &self,
        py: Python<'_>,
        work: impl FnOnce() -> Result<T, PyErr> + Send + 'static,
        shown: impl FnOnce(Python<'_>, T) -> Py<PyAny> + 'static,
    ) -> PyResult<Py<PyAny>> {
        let event_loop = self.event_loop.bind(py);
        let future = event_loop.call_method0(intern!(py, "create_future"))?;
        let given = future.clone().unbind();
        runtime::spawn(event_loop, async move {
            let result = tokio::task::spawn_blocking(work).await;
            runtime::attached(|py| {
                let ended = match result {
                    Ok(Ok(value)) => Ok(shown(py, value)),
                    Ok(Err(error)) => Err(error),
                    Err(_) => Err(PyRuntimeError::new_err("reading or saving a file panicked")),
                };
                if let Err(error) = settle(given.bind(py), ended) {
                    error.write_unraisable(py, None);
                }
            });
        })?;
        Ok(future.unbind())
    }
}

fn settle(future: &Bound<'_, PyAny>, ended: PyResult<Py<PyAny>>) -> PyResult<()> {
    let py = future.py();
    if future.call_method0(intern!(py, "done"))?.is_truthy()? {
        return Ok(());
    }
    match ended {
        Ok(value) => future.call_method1(intern!(py, "set_result"), (value,))?,
        Err(error) => future.call_method1(intern!(py, "set_exception"), (error.into_value(py),))?,
    };
    Ok(())
}

#[pymethods]
impl StoredFile {
    /// The file name without folders.
    #[getter]
    fn filename(&self) -> Option<&str> {
        self.filename.as_deref()
    }

    /// As the client sent it.
    #[getter]
    fn content_type<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyString>> {
        let sent = self.block.all(b"content-type").next()?;
        Some(latin1_str(py, sent))
    }

    /// Fields of the part.
    #[getter]
    fn headers(&self) -> Headers {
        Headers::new(Arc::clone(&self.block))
    }

    /// Bytes.
    #[getter]
    fn size(&self) -> u64 {
        self.stored.size()
    }

    /// In hexadecimal digits, where it was asked for.
    #[getter]
    fn sha256(&self) -> Option<String> {
        use std::fmt::Write as _;
        let digest = self.stored.sha256()?;
        let mut text = String::with_capacity(64);
        for octet in digest {
            let _ = write!(text, "{octet:02x}"); // a String always grows
        }
        Some(text)
    }

    /// `bytes` where they are in memory, else a future of them.
    fn read(&self, py: Python<'_>, offset: u64, count: u64) -> PyResult<Py<PyAny>> {
        if let Some(bytes) = self.stored.memory() {
            let start = usize::try_from(offset).unwrap_or(usize::MAX);
            let from = bytes.get(start..).unwrap_or_default();
            let count = from.len().min(usize::try_from(count).unwrap_or(usize::MAX));
            return Ok(PyBytes::new(py, &from[..count]).into_any().unbind());
        }
        let stored = Arc::clone(&self.stored);
        let shown = |py: Python<'_>, bytes: Vec<u8>| PyBytes::new(py, &bytes).into_any().unbind();
        let work = move || {
            let read = stored.read(offset, count);
            read.map_err(|error| runtime::os_error(&error))
        };
        self.later(py, work, shown)
    }

    /// A future that is done once `path` is the file.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<Py<PyAny>> {
        let stored = Arc::clone(&self.stored);
        let work = move || {
            let saved = stored.save(&path);
            saved.map_err(|error| runtime::os_error_of_file(&error, path))
        };
        self.later(py, work, |py, ()| py.None())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)
    }
}
