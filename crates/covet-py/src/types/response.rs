//! `Response`: an answer that a handler makes itself, and what its kinds share.
//!
//! A response only keeps what it was given; encoding is the engine's, through
//! [`ResponseView`](super::ResponseView). Its parts are behind locks that no call into Python
//! happens under. Subclasses written in Python may shadow `status_code` and `media_type` with
//! class attributes, as Starlette's do: both are then read as attributes.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pyclass::{PyTraverseError, PyVisit};
use pyo3::types::{PyDict, PyString, PyTuple};

use super::answer_fields::{AnswerField, AnswerFields};
use super::field_rules::encoded_value;
use super::lazy::Lazy;
use super::mutable_headers::MutableHeaders;
use super::response_body::ResponseBody;
use super::response_kinds::is_native;
use super::set_cookie::{Cookie, Expires};

/// What a kind of response is made of.
pub(super) struct Contents<'a, 'py> {
    /// The body.
    pub(super) body: ResponseBody,
    /// Status as given.
    pub(super) status: i64,
    /// A mapping of header fields.
    pub(super) headers: Option<&'a Bound<'py, PyAny>>,
    /// Media type as given.
    pub(super) media_type: Option<String>,
    /// Media type of the kind.
    pub(super) default_type: Option<&'static str>,
}

/// An answer whose bytes are given; `Response[T]` documents T.
#[pyclass(frozen, subclass, weakref, generic, module = "covet.responses")]
#[derive(Default)]
pub struct Response {
    status: AtomicU16,
    body: Mutex<ResponseBody>,
    media_type: Mutex<Option<Cow<'static, str>>>,
    headers: Lazy<MutableHeaders>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `status` where an answer may have it.
pub(super) fn checked_status(status: i64) -> PyResult<u16> {
    match u16::try_from(status) {
        Ok(status @ 200..=599) => Ok(status),
        _ => Err(PyValueError::new_err(format!(
            "status_code is {status}; an answer has one from 200 to 599"
        ))),
    }
}

/// The Content-Type that `media_type` stands for: text says its charset, as in Starlette.
pub(super) fn content_type(media_type: &str) -> Cow<'_, str> {
    let text = media_type
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case("text/"));
    if text && !media_type.to_ascii_lowercase().contains("charset=") {
        return Cow::Owned(format!("{media_type}; charset=utf-8"));
    }
    Cow::Borrowed(media_type)
}

impl Response {
    /// An empty answer with a status of 200, before `__init__` ran.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            status: AtomicU16::new(200),
            ..Self::default()
        }
    }

    /// The status, as Rust keeps it.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status.load(Ordering::Relaxed)
    }

    /// The body, another reference to it.
    #[must_use]
    pub fn body(&self, py: Python<'_>) -> ResponseBody {
        lock(&self.body).clone_ref(py)
    }

    /// The header fields, if anything has asked for them yet.
    #[must_use]
    pub fn headers_if_used(&self) -> Option<&Py<MutableHeaders>> {
        self.headers.get()
    }

    /// The media type, as Rust keeps it.
    #[must_use]
    pub fn media_type(&self) -> Option<Cow<'static, str>> {
        lock(&self.media_type).clone()
    }

    /// Fills what `__new__` left empty. A second call starts over.
    pub(super) fn fill(slf: &Bound<'_, Self>, contents: Contents<'_, '_>) -> PyResult<()> {
        let py = slf.py();
        let this = slf.get();
        let status = checked_status(contents.status)?;
        let length = contents.body.length(py)?;
        let streamed = matches!(contents.body, ResponseBody::Stream(_));
        let old = std::mem::replace(&mut *lock(&this.body), contents.body);
        drop(old);
        let native = is_native(slf);
        this.status.store(status, Ordering::Relaxed);
        if !native {
            slf.setattr(intern!(py, "status_code"), status)?;
            if let Some(media_type) = &contents.media_type {
                slf.setattr(intern!(py, "media_type"), media_type)?;
            }
        }
        let media_type = match contents.media_type {
            Some(given) => Some(Cow::Owned(given)),
            None if native => contents.default_type.map(Cow::Borrowed),
            None => shadowing_type(slf)?.or(contents.default_type.map(Cow::Borrowed)),
        };
        if let Some(headers) = this.headers.get() {
            headers
                .get()
                .with(|fields| *fields = AnswerFields::default());
        }
        this.keep_media_type(media_type)?;
        if let Some(headers) = this.headers.get() {
            headers.get().with(|fields| {
                fields.length = length;
                fields.streamed = streamed;
            });
        }
        match contents.headers {
            Some(headers) => this.header_fields(py)?.get().extend(headers),
            None => Ok(()),
        }
    }

    /// The header fields; the media type is the first of them.
    fn header_fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, MutableHeaders>> {
        self.headers.get_or_make(py, || {
            let body = self.body(py);
            let list = self.media_type().as_deref().map(type_field).transpose()?;
            let fields = AnswerFields {
                list: list.into_iter().collect(),
                length: body.length(py)?,
                streamed: matches!(body, ResponseBody::Stream(_)),
                declared: None,
            };
            Bound::new(py, MutableHeaders::new(fields))
        })
    }

    /// Sets a field whose name is in lower case and whose value was checked.
    pub(super) fn set_field(&self, name: &str, value: Vec<u8>, py: Python<'_>) -> PyResult<()> {
        let headers = self.header_fields(py)?;
        let field = AnswerField::new(name.to_owned(), value);
        headers.get().with(|fields| fields.set(field));
        Ok(())
    }

    /// Keeps `media_type` and, where the header fields are made, sets it there.
    pub(super) fn keep_media_type(&self, media_type: Option<Cow<'static, str>>) -> PyResult<()> {
        let field = media_type.as_deref().map(type_field).transpose()?;
        *lock(&self.media_type) = media_type;
        if let Some(headers) = self.headers.get() {
            headers.get().with(|fields| match field {
                Some(field) => fields.set(field),
                None => {
                    fields.remove("content-type");
                }
            });
        }
        Ok(())
    }
}

fn type_field(media_type: &str) -> PyResult<AnswerField> {
    if !media_type.is_ascii() {
        return Err(PyValueError::new_err(format!(
            "media_type {media_type:?} is not ASCII; use one such as \"text/csv\""
        )));
    }
    let name = "content-type".to_owned();
    let value = encoded_value(&name, &content_type(media_type))?;
    Ok(AnswerField::new(name, value))
}

/// The `media_type` that a subclass has as a class attribute.
fn shadowing_type(slf: &Bound<'_, Response>) -> PyResult<Option<Cow<'static, str>>> {
    let attribute = slf.get_type().getattr(intern!(slf.py(), "media_type"))?;
    match attribute.cast::<PyString>() {
        Ok(text) => Ok(Some(Cow::Owned(text.to_str()?.to_owned()))),
        Err(_) => Ok(None),
    }
}

#[pymethods]
impl Response {
    #[new]
    #[pyo3(
        signature = (*_args, **_kwargs),
        text_signature = "(content=None, status_code=200, headers=None, media_type=None)"
    )]
    fn __new__(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self::empty()
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
            default_type: None,
        };
        Self::fill(slf, contents)
    }

    /// The status, 200 to 599.
    #[getter]
    fn get_status_code(&self) -> u16 {
        self.status()
    }

    #[setter]
    fn set_status_code(&self, status_code: i64) -> PyResult<()> {
        self.status
            .store(checked_status(status_code)?, Ordering::Relaxed);
        Ok(())
    }

    /// What Content-Type is made of; None sends none.
    #[getter]
    fn get_media_type(&self) -> Option<Cow<'static, str>> {
        self.media_type()
    }

    #[setter]
    fn set_media_type(&self, media_type: Option<String>) -> PyResult<()> {
        self.keep_media_type(media_type.map(Cow::Owned))
    }

    /// Header fields, to be changed in place.
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, MutableHeaders>> {
        self.header_fields(py)
    }

    /// `max_age` and int `expires` in seconds; `secure` None: True, False in debug. A bad name or
    /// value: `ValueError`.
    #[expect(
        clippy::too_many_arguments,
        reason = "the attributes of a cookie, in the order Starlette has them"
    )]
    #[pyo3(
        signature = (
            key, value = "", max_age = None, expires = None, path = Some("/"), domain = None,
            secure = None, httponly = true, samesite = Some("lax"), partitioned = false
        ),
        text_signature = "($self, key, value='', max_age=None, expires=None, path='/', domain=None, secure=None, httponly=True, samesite='lax', partitioned=False)"
    )]
    fn set_cookie(
        &self,
        py: Python<'_>,
        key: &str,
        value: &str,
        max_age: Option<i64>,
        expires: Option<Expires>,
        path: Option<&str>,
        domain: Option<&str>,
        secure: Option<bool>,
        httponly: bool,
        samesite: Option<&str>,
        partitioned: bool,
    ) -> PyResult<()> {
        let cookie = Cookie {
            name: key,
            value,
            max_age,
            expires,
            path,
            domain,
            secure,
            httponly,
            samesite,
            partitioned,
        };
        let field = cookie.field()?;
        let headers = self.header_fields(py)?;
        headers.get().with(|fields| fields.list.push(field));
        Ok(())
    }

    /// Expire a cookie; path and domain as when it was set.
    #[expect(
        clippy::too_many_arguments,
        reason = "the attributes of a cookie, in the order Starlette has them"
    )]
    #[pyo3(
        signature = (
            key, path = Some("/"), domain = None, secure = None, httponly = true,
            samesite = Some("lax"), partitioned = false
        ),
        text_signature = "($self, key, path='/', domain=None, secure=None, httponly=True, samesite='lax', partitioned=False)"
    )]
    fn delete_cookie(
        &self,
        py: Python<'_>,
        key: &str,
        path: Option<&str>,
        domain: Option<&str>,
        secure: Option<bool>,
        httponly: bool,
        samesite: Option<&str>,
        partitioned: bool,
    ) -> PyResult<()> {
        self.set_cookie(
            py,
            key,
            "",
            Some(0),
            Some(Expires::At(0.0)),
            path,
            domain,
            secure,
            httponly,
            samesite,
            partitioned,
        )
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let name = slf.get_type().name()?;
        Ok(format!("<{name} {}>", slf.get().status()))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.headers.traverse(&visit)?;
        // A body that is locked is in use, so nothing is lost by not showing it.
        self.body
            .try_lock()
            .map_or(Ok(()), |body| body.traverse(&visit))
    }

    fn __clear__(&self) {
        let old = std::mem::take(&mut *lock(&self.body));
        drop(old);
    }
}
