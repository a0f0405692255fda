//! [`RequestParts`]: what a `Request` is made of, before anything of Python is.

use std::net::SocketAddr;

use covet_server::http1::{Field, Head, Span, Version};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Version of HTTP that a request was sent with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpVersion {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2.
    Http2,
}

/// What a [`Request`](super::Request) is made of. All spans are offsets into `bytes`.
#[derive(Debug)]
pub struct RequestParts {
    /// The head as received.
    pub bytes: Vec<u8>,
    /// The method as sent: methods are case-sensitive.
    pub method: Span,
    /// The path as sent, `*` for `OPTIONS *`.
    pub path: Span,
    /// The query without `?`, None where the target has no `?`.
    pub query: Option<Span>,
    /// Host and port, from the target where it is absolute, else from `Host`.
    pub host: Option<Span>,
    /// Name and value of each field in the order sent.
    pub fields: Vec<Field>,
    /// HTTP version of the request.
    pub version: HttpVersion,
    /// The peer, None on a Unix socket.
    pub client: Option<SocketAddr>,
    /// Whether the client speaks TLS, to us or to a trusted proxy.
    pub secure: bool,
    /// Path parameters, converted; None is the same as empty.
    pub path_params: Option<Py<PyDict>>,
    /// The application that serves it, None for a request that none has taken up yet.
    pub app: Option<Py<PyAny>>,
    /// The object that gives the body, None where there is none to be had.
    pub body: Option<Py<PyAny>>,
}

impl From<Version> for HttpVersion {
    fn from(version: Version) -> Self {
        match version {
            Version::Http10 => Self::Http10,
            Version::Http11 => Self::Http11,
        }
    }
}

impl RequestParts {
    /// The parts of `head`, which was parsed at the start of `buf`: its bytes are copied, so that
    /// the buffer is free again. Peer, TLS, path parameters, application and body are left to the
    /// caller.
    ///
    /// # Panics
    /// If `buf` is shorter than the buffer that was parsed.
    #[must_use]
    pub fn of_head(head: &Head, buf: &[u8]) -> Self {
        Self {
            bytes: buf[..head.len].to_vec(),
            method: head.method_name,
            path: head.path,
            query: head.query,
            host: head.authority.or(head.host),
            fields: head.fields.clone(),
            version: head.version.into(),
            client: None,
            secure: false,
            path_params: None,
            app: None,
            body: None,
        }
    }
}
