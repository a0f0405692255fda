//! `FileResponse`: a file as an answer. It keeps paths alone; the file is opened when it is answered.

use std::path::{Path, PathBuf};

use covet_server::files::{content_disposition, media};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::response::{Contents, Response};
use super::response_body::ResponseBody;

/// Which file is sent.
#[derive(Debug)]
pub struct FileSource {
    /// As given: below `root` where there is one.
    pub path: PathBuf,
    /// What the path may not leave.
    pub root: Option<PathBuf>,
}

/// A file, with ranges, validators and sendfile where it pays.
#[pyclass(extends = Response, frozen, subclass, module = "covet.responses")]
pub struct FileResponse;

#[pymethods]
impl FileResponse {
    #[new]
    #[pyo3(
        signature = (*_args, **_kwargs),
        text_signature = "(path, status_code=200, headers=None, media_type=None, *, root=None, filename=None, content_disposition_type='attachment')"
    )]
    fn __new__(
        _args: &Bound<'_, PyTuple>,
        _kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyClassInitializer<Self> {
        PyClassInitializer::from(Response::empty()).add_subclass(Self)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of Starlette's class, in its order"
    )]
    #[pyo3(signature = (
        path, status_code = 200, headers = None, media_type = None,
        *, root = None, filename = None, content_disposition_type = "attachment"
    ))]
    fn __init__(
        slf: &Bound<'_, Self>,
        path: PathBuf,
        status_code: i64,
        headers: Option<&Bound<'_, PyAny>>,
        media_type: Option<String>,
        root: Option<PathBuf>,
        filename: Option<&str>,
        content_disposition_type: &str,
    ) -> PyResult<()> {
        if !matches!(content_disposition_type, "attachment" | "inline") {
            return Err(PyValueError::new_err(format!(
                "content_disposition_type is {content_disposition_type:?}; write \"attachment\" or \"inline\""
            )));
        }
        let default_type = media::content_type(filename.unwrap_or_else(|| base(&path)));
        let contents = Contents {
            body: ResponseBody::File(FileSource { path, root }.into()),
            status: status_code,
            headers,
            media_type,
            default_type: Some(default_type),
        };
        let response = slf.as_super();
        Response::fill(response, contents)?;
        let Some(filename) = filename else {
            return Ok(());
        };
        let value = content_disposition(content_disposition_type, filename);
        response
            .get()
            .set_field("content-disposition", value.into_bytes(), slf.py())
    }
}

fn base(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}
