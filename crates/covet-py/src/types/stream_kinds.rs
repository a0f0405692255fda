//! The kinds of `Response` whose content comes in parts: each says what its parts are.
//!
//! They only keep the iterable; advancing it is the engine's.

use std::time::Duration;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

use super::response::{Contents, Response};
use super::response_body::{ResponseBody, StreamContent, StreamForm};

/// Bytes as they come; the client's pace holds the iterator back.
#[pyclass(extends = Response, frozen, subclass, module = "covet.responses")]
pub struct StreamingResponse;

#[pymethods]
impl StreamingResponse {
    #[new]
    #[pyo3(
        signature = (*_args, **_kwargs),
        text_signature = "(content, status_code=200, headers=None, media_type=None, *, trailers=None)"
    )]
    fn __new__(
        _args: &Bound<'_, PyTuple>,
        _kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyClassInitializer<Self> {
        PyClassInitializer::from(Response::empty()).add_subclass(Self)
    }

    #[pyo3(signature = (content, status_code = 200, headers = None, media_type = None, *, trailers = None))]
    fn __init__(
        slf: &Bound<'_, Self>,
        content: &Bound<'_, PyAny>,
        status_code: i64,
        headers: Option<&Bound<'_, PyAny>>,
        media_type: Option<String>,
        trailers: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let mut stream = streamed(content, StreamForm::Bytes)?;
        if let Some(trailers) = trailers {
            if !trailers.is_callable() {
                return Err(PyTypeError::new_err(format!(
                    "trailers must be a function that gives a mapping, not {}: they are asked for at the end",
                    trailers.get_type().name()?
                )));
            }
            stream.trailers = Some(trailers.clone().unbind());
        }
        let contents = Contents {
            body: ResponseBody::Stream(stream),
            status: status_code,
            headers,
            media_type,
            default_type: None,
        };
        Response::fill(slf.as_super(), contents)
    }
}

/// text/event-stream.
#[pyclass(extends = Response, frozen, subclass, module = "covet.responses")]
pub struct EventSourceResponse;

#[pymethods]
impl EventSourceResponse {
    #[new]
    #[pyo3(
        signature = (*_args, **_kwargs),
        text_signature = "(content, status_code=200, headers=None, *, ping=15.0)"
    )]
    fn __new__(
        _args: &Bound<'_, PyTuple>,
        _kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyClassInitializer<Self> {
        PyClassInitializer::from(Response::empty()).add_subclass(Self)
    }

    #[pyo3(signature = (content, status_code = 200, headers = None, *, ping = Some(15.0)))]
    fn __init__(
        slf: &Bound<'_, Self>,
        content: &Bound<'_, PyAny>,
        status_code: i64,
        headers: Option<&Bound<'_, PyAny>>,
        ping: Option<f64>,
    ) -> PyResult<()> {
        let every = |seconds: f64| match Duration::try_from_secs_f64(seconds) {
            Ok(every) if every >= Duration::from_millis(1) => Ok(every),
            _ => Err(PyValueError::new_err(format!(
                "ping is {seconds}; it is a number of seconds from 0.001 up, or None for no pings"
            ))),
        };
        let form = StreamForm::Events {
            ping: ping.map(every).transpose()?,
        };
        let contents = Contents {
            body: ResponseBody::Stream(streamed(content, form)?),
            status: status_code,
            headers,
            media_type: None,
            default_type: Some("text/event-stream"),
        };
        let response = slf.as_super();
        Response::fill(response, contents)?;
        let headers = response.getattr(intern!(slf.py(), "headers"))?;
        headers.call_method1("setdefault", ("cache-control", "no-store"))?;
        Ok(())
    }
}

/// `content` where it can be iterated, and is not one string of bytes or text.
fn streamed(content: &Bound<'_, PyAny>, form: StreamForm) -> PyResult<StreamContent> {
    let py = content.py();
    let iterates =
        content.hasattr(intern!(py, "__aiter__"))? || content.hasattr(intern!(py, "__iter__"))?;
    if !iterates || content.is_instance_of::<PyBytes>() || content.is_instance_of::<PyString>() {
        return Err(PyTypeError::new_err(format!(
            "content must be an iterator or async iterator, not {}; Response takes what is whole",
            content.get_type().name()?
        )));
    }
    StreamContent::new(content, form, None)
}
