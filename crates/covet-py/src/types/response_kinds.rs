//! The named kinds of `Response`: each only says what its body and media type are.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use pyo3::PyTypeInfo;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::file_response::FileResponse;
use super::response::{Contents, Response};
use super::response_body::ResponseBody;
use super::stream_kinds::{EventSourceResponse, StreamingResponse};

/// What `Location` escapes: all but letters, digits and what has a meaning in a URL, `%` too.
const NOT_IN_LOCATION: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b':')
    .remove(b'/')
    .remove(b'?')
    .remove(b'#')
    .remove(b'[')
    .remove(b']')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b'%')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Whether the response's class is one of ours, not a subclass written in Python.
pub(super) fn is_native(response: &Bound<'_, Response>) -> bool {
    let py = response.py();
    let class = response.get_type();
    [
        Response::type_object(py),
        JsonResponse::type_object(py),
        HtmlResponse::type_object(py),
        PlainTextResponse::type_object(py),
        RedirectResponse::type_object(py),
        FileResponse::type_object(py),
        StreamingResponse::type_object(py),
        EventSourceResponse::type_object(py),
    ]
    .iter()
    .any(|native| class.is(native))
}

/// `content` encoded as JSON; `JSONResponse[T]` in a return annotation: as T.
#[pyclass(name = "JSONResponse", extends = Response, frozen, subclass, module = "covet.responses")]
pub struct JsonResponse;

#[pymethods]
impl JsonResponse {
    #[new]
    #[pyo3(
        signature = (*_args, **_kwargs),
        text_signature = "(content, status_code=200, headers=None, media_type=None)"
    )]
    fn __new__(
        _args: &Bound<'_, PyTuple>,
        _kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyClassInitializer<Self> {
        PyClassInitializer::from(Response::empty()).add_subclass(Self)
    }

    #[pyo3(signature = (content, status_code = 200, headers = None, media_type = None))]
    fn __init__(
        slf: &Bound<'_, Self>,
        content: Py<PyAny>,
        status_code: i64,
        headers: Option<&Bound<'_, PyAny>>,
        media_type: Option<String>,
    ) -> PyResult<()> {
        let contents = Contents {
            body: ResponseBody::Json(content),
            status: status_code,
            headers,
            media_type,
            default_type: Some("application/json"),
        };
        Response::fill(slf.as_super(), contents)
    }
}

/// A class whose body is given as text or bytes, and which differs from `Response` by its media type alone. A macro,
/// because each class that Python sees needs methods of its own.
macro_rules! text_kind {
    ($(#[$attribute:meta])* $kind:ident, $media_type:literal) => {
        $(#[$attribute])*
        pub struct $kind;

        #[pymethods]
        impl $kind {
            #[new]
            #[pyo3(
                signature = (*_args, **_kwargs),
                text_signature = "(content='', status_code=200, headers=None, media_type=None)"
            )]
            fn __new__(
                _args: &Bound<'_, PyTuple>,
                _kwargs: Option<&Bound<'_, PyDict>>,
            ) -> PyClassInitializer<Self> {
                PyClassInitializer::from(Response::empty()).add_subclass(Self)
            }

            #[pyo3(signature = (content = None, status_code = 200, headers = None, media_type = None))]
            fn __init__(
                slf: &Bound<'_, Self>,
                content: Option<&Bound<'_, PyAny>>,
                status_code: i64,
                headers: Option<&Bound<'_, PyAny>>,
                media_type: Option<String>,
            ) -> PyResult<()> {
                let contents = Contents {
                    body: ResponseBody::of_content(content)?,
                    status: status_code,
                    headers,
                    media_type,
                    default_type: Some($media_type),
                };
                Response::fill(slf.as_super(), contents)
            }
        }
    };
}

text_kind! {
    /// text/html.
    #[pyclass(name = "HTMLResponse", extends = Response, frozen, subclass, module = "covet.responses")]
    HtmlResponse, "text/html; charset=utf-8"
}

text_kind! {
    /// text/plain.
    #[pyclass(extends = Response, frozen, subclass, module = "covet.responses")]
    PlainTextResponse, "text/plain; charset=utf-8"
}

/// `Location`.
#[pyclass(extends = Response, frozen, subclass, module = "covet.responses")]
pub struct RedirectResponse;

#[pymethods]
impl RedirectResponse {
    #[new]
    #[pyo3(
        signature = (*_args, **_kwargs),
        text_signature = "(url, status_code=303, headers=None)"
    )]
    fn __new__(
        _args: &Bound<'_, PyTuple>,
        _kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyClassInitializer<Self> {
        PyClassInitializer::from(Response::empty()).add_subclass(Self)
    }

    #[pyo3(signature = (url, status_code = 303, headers = None))]
    fn __init__(
        slf: &Bound<'_, Self>,
        url: &str,
        status_code: i64,
        headers: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        if !(300..400).contains(&status_code) {
            return Err(PyValueError::new_err(format!(
                "status_code is {status_code}; a redirect has one from 300 to 399, 303 by default"
            )));
        }
        let contents = Contents {
            body: ResponseBody::Empty,
            status: status_code,
            headers,
            media_type: None,
            default_type: None,
        };
        let response = slf.as_super();
        Response::fill(response, contents)?;
        let location = utf8_percent_encode(url, NOT_IN_LOCATION).to_string();
        response
            .get()
            .set_field("location", location.into_bytes(), slf.py())
    }
}
