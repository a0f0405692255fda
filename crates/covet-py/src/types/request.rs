//! `Request`: one lazy view of a received head. Every getter makes its object when it is first
//! asked for and keeps it; a handler that reads nothing pays for nothing.
//!
//! It owns the head's bytes and nothing of the connection. The body is an object that it only
//! carries: see [`RequestParts::body`].

use std::net::SocketAddr;
use std::sync::Arc;

use covet_server::cookies;
use covet_server::exchange::EARLY_HINTS;
use covet_server::http1::Span;
use percent_encoding::percent_decode;
use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pyclass::{PyTraverseError, PyVisit};
use pyo3::types::{PyBytes, PyDict, PyString};

use super::address::address;
use super::body_pieces::BodyPieces;
use super::body_source::{BodyForm, BodySource};
use super::extra_fields::hint_fields;
use super::fields::FieldBlock;
use super::headers::Headers;
use super::lazy::Lazy;
use super::making::{self, Peer};
use super::parts::{HttpVersion, RequestParts};
use super::query_params::QueryParams;
use super::state::State;
use super::text::{latin1, latin1_str, method_str};
use super::url::{Target, Url};
use crate::imports;

/// One HTTP request, or a socket's handshake in middleware. Everything is read lazily.
#[pyclass(frozen, weakref, module = "covet.requests")]
pub struct Request {
    block: Arc<FieldBlock>,
    method: Span,
    target: Target,
    version: HttpVersion,
    peer: Option<SocketAddr>,
    owner: Option<Py<PyAny>>,
    body: Option<Py<PyAny>>,
    path_params: Lazy<PyDict>,
    url: Lazy<Url>,
    headers: Lazy<Headers>,
    query_params: Lazy<QueryParams>,
    cookies: Lazy<PyDict>,
    client: Lazy<PyAny>,
    state: Lazy<State>,
}

impl Request {
    /// A request of `parts`; no Python object is made.
    #[must_use]
    pub fn new(parts: RequestParts) -> Self {
        Self {
            block: Arc::new(FieldBlock {
                bytes: parts.bytes,
                fields: parts.fields,
            }),
            method: parts.method,
            target: Target {
                path: parts.path,
                query: parts.query,
                host: parts.host,
                secure: parts.secure,
            },
            version: parts.version,
            peer: parts.client,
            owner: parts.app,
            body: parts.body,
            path_params: Lazy::with(parts.path_params),
            url: Lazy::new(),
            headers: Lazy::new(),
            query_params: Lazy::new(),
            cookies: Lazy::new(),
            client: Lazy::new(),
            state: Lazy::new(),
        }
    }

    /// The head's fields, for code that needs no Python objects of them.
    #[must_use]
    pub fn block(&self) -> &Arc<FieldBlock> {
        &self.block
    }

    /// The object that gives the body, as it was in [`RequestParts::body`].
    #[must_use]
    pub fn body_source(&self) -> Option<&Py<PyAny>> {
        self.body.as_ref()
    }

    /// The query as sent, without `?`; empty where absent.
    #[must_use]
    pub fn query_bytes(&self) -> &[u8] {
        self.target
            .query
            .map_or(b"", |query| query.of(&self.block.bytes))
    }

    /// The path as sent.
    #[must_use]
    pub fn path_bytes(&self) -> &[u8] {
        self.target.path.of(&self.block.bytes)
    }

    /// The state, if anything has asked for it yet.
    #[must_use]
    pub fn state_if_used(&self) -> Option<&Py<State>> {
        self.state.get()
    }
}

/// The charset parameter of a content type (RFC 9110 section 8.3.2), in small letters.
fn charset(content_type: &str) -> Option<String> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| value.trim().trim_matches('"').to_ascii_lowercase())
    })
}

impl Request {
    fn awaited(&self, py: Python<'_>, form: BodyForm) -> PyResult<Py<PyAny>> {
        BodySource::awaitable(self.source(py)?, form)
    }

    fn source<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, BodySource>> {
        match &self.body {
            Some(source) => Ok(source.bind(py).cast::<BodySource>()?),
            None => Err(without_connection()),
        }
    }
}

fn without_connection() -> PyErr {
    PyRuntimeError::new_err("this request was made without a connection")
}

#[pymethods]
impl Request {
    /// Makes a request without a connection, for tests of applications. `target` is a path with
    /// or without a query; what a server would refuse is a `ValueError`.
    #[staticmethod]
    #[pyo3(signature = (method, target, headers, client = None, *, secure = false, app = None))]
    fn _make(
        method: &str,
        target: &str,
        headers: Vec<(String, String)>,
        client: Option<Peer>,
        secure: bool,
        app: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let mut parts = making::parts(method, target, headers)?;
        parts.client = client.map(|peer| peer.0);
        parts.secure = secure;
        parts.app = app;
        Ok(Self::new(parts))
    }

    /// The application that serves it.
    #[getter]
    fn app(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match &self.owner {
            Some(app) => Ok(app.clone_ref(py)),
            None => Err(PyRuntimeError::new_err(
                "no application serves this request; pass app= where it is made",
            )),
        }
    }

    /// The method as sent: upper case for every method in use.
    #[getter]
    fn method<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        method_str(py, self.method.of(&self.block.bytes))
    }

    /// As the client asked for it, behind trusted proxies.
    #[getter]
    fn url<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Url>> {
        self.url.get_or_make(py, || {
            Bound::new(py, Url::new(self.block.clone(), self.target))
        })
    }

    /// The path, decoded.
    #[getter]
    fn path(&self) -> String {
        percent_decode(self.path_bytes())
            .decode_utf8_lossy()
            .into_owned()
    }

    /// The path as sent, without the query.
    #[getter]
    fn raw_path<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.path_bytes())
    }

    /// The query as sent, without "?"; "" where absent.
    #[getter]
    fn query<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        latin1_str(py, self.query_bytes())
    }

    /// "1.0", "1.1" or "2".
    #[getter]
    fn http_version<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        match self.version {
            HttpVersion::Http10 => intern!(py, "1.0").clone(),
            HttpVersion::Http11 => intern!(py, "1.1").clone(),
            HttpVersion::Http2 => intern!(py, "2").clone(),
        }
    }

    /// Header fields.
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Headers>> {
        self.headers
            .get_or_make(py, || Bound::new(py, Headers::new(self.block.clone())))
    }

    /// Query fields, as text.
    #[getter]
    fn query_params<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, QueryParams>> {
        self.query_params.get_or_make(py, || {
            Bound::new(py, QueryParams::new(self.block.clone(), self.target.query))
        })
    }

    /// Path parameters, converted.
    #[getter]
    fn path_params<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.path_params.get_or_make(py, || Ok(PyDict::new(py)))
    }

    /// Cookies, as text; the last of a repeated name wins, as in Starlette.
    #[getter]
    fn cookies<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.cookies.get_or_make(py, || {
            let jar = PyDict::new(py);
            for field in self.block.all(b"cookie") {
                for (name, value) in cookies::pairs(field) {
                    jar.set_item(latin1(name), latin1(&value))?;
                }
            }
            Ok(jar)
        })
    }

    /// The peer, or what a trusted proxy says; None on a Unix socket.
    #[getter]
    fn client<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.peer
            .map(|peer| self.client.get_or_make(py, || address(py, peer)))
            .transpose()
    }

    /// Values that middleware, dependencies and the handler share.
    #[getter]
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, State>> {
        self.state
            .get_or_make(py, || Bound::new(py, State::new(py)))
    }

    /// The whole body, kept. Over `max_body`: `ContentTooLarge`.
    fn body(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.awaited(py, BodyForm::Bytes)
    }

    /// The body as it comes, read from the network only as fast as this is; `max_body` holds.
    fn stream(&self, py: Python<'_>) -> PyResult<BodyPieces> {
        self.source(py)?.get().in_pieces(py)
    }

    /// Whether the client has gone.
    fn is_disconnected(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        BodySource::departure(self.source(py)?)
    }

    /// Send `103 Early Hints` with these fields now; whether they go out.
    fn early_hints(&self, headers: &Bound<'_, PyAny>) -> PyResult<bool> {
        let fields = hint_fields(headers)?;
        let exchange = &self.source(headers.py())?.get().exchange;
        Ok(exchange.get()?.interim(EARLY_HINTS, &fields))
    }

    /// The body as JSON. Malformed: `RequestValidationError`.
    fn json(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.awaited(py, BodyForm::Json)
    }

    /// The body as text, UTF-8 unless its content type says otherwise. Malformed: `BadRequest`.
    fn text(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let content_type = self.block.all(b"content-type").next().map(latin1);
        let charset = content_type
            .as_deref()
            .and_then(charset)
            .filter(|name| name != "utf-8" && name != "utf8");
        self.awaited(py, BodyForm::Text(charset))
    }

    /// The body as a form. Malformed: `BadRequest`; another content type: `UnsupportedMediaType`.
    #[pyo3(signature = (*, sha256 = false))]
    fn form(&self, py: Python<'_>, sha256: bool) -> PyResult<Py<PyAny>> {
        let content_type = self.block.all(b"content-type").next().unwrap_or_default();
        match &self.body {
            Some(source) => {
                let source = source.bind(py).cast::<BodySource>()?;
                BodySource::awaitable_form(source, content_type, sha256)
            }
            None => Err(without_connection()),
        }
    }

    /// The parts of a `multipart/form-data` body as they come, from the request's stream; nothing is kept.
    fn parts<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let this = slf.get();
        let content_type = this.block.all(b"content-type").next().unwrap_or_default();
        let source = this.body.as_ref().ok_or_else(without_connection)?;
        let reader = source
            .bind(py)
            .cast::<BodySource>()?
            .get()
            .part_reader(py, content_type)?;
        let stream = slf.call_method0(intern!(py, "stream"))?;
        imports::form_parts(py)?.call1((stream, Bound::new(py, reader)?))
    }

    fn __repr__(&self) -> String {
        format!(
            "<Request {} {}>",
            latin1(self.method.of(&self.block.bytes)),
            latin1(self.path_bytes())
        )
    }

    // No `__clear__`: what a request holds is fixed, and each cycle through it passes a dict or
    // a list that the collector can clear.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.owner)?;
        visit.call(&self.body)?;
        self.path_params.traverse(&visit)?;
        self.query_params.traverse(&visit)?;
        self.cookies.traverse(&visit)?;
        self.client.traverse(&visit)?;
        self.state.traverse(&visit)
    }
}
