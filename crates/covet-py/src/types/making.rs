//! A request's parts from text instead of a connection: what the test client starts from.
//!
//! The head is written out as it would be sent, and is held to the codec's rules for octets, so
//! that no test passes a request that a server would refuse.

use std::net::{IpAddr, SocketAddr};

use covet_server::http1::{Field, Span};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::field_rules::{checked_value, is_token};
use super::parts::{HttpVersion, RequestParts};
use super::text::to_latin1;

/// A peer given as `(host, port)`.
pub(super) struct Peer(pub(super) SocketAddr);

impl FromPyObject<'_, '_> for Peer {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let (host, port): (String, u16) = object.extract()?;
        match host.parse::<IpAddr>() {
            Ok(ip) => Ok(Self(SocketAddr::new(ip, port))),
            Err(_) => Err(PyValueError::new_err(format!(
                "client host {host:?} is no IP address; use one such as \"127.0.0.1\""
            ))),
        }
    }
}

/// The parts of an HTTP/1.1 request.
///
/// # Errors
/// `ValueError` where the method is no token, the target no path, or a field not sendable.
pub(super) fn parts(
    method: &str,
    target: &str,
    headers: Vec<(String, String)>,
) -> PyResult<RequestParts> {
    if !is_token(method.as_bytes()) {
        return Err(PyValueError::new_err(format!(
            "method {method:?} is not a token; use a name such as \"GET\""
        )));
    }
    check_target(target)?;
    let mut bytes = Vec::with_capacity(256);
    let method = push(&mut bytes, method.as_bytes());
    bytes.push(b' ');
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => {
            let path = push(&mut bytes, path.as_bytes());
            bytes.push(b'?');
            (path, Some(push(&mut bytes, query.as_bytes())))
        }
        None => (push(&mut bytes, target.as_bytes()), None),
    };
    bytes.extend_from_slice(b" HTTP/1.1\r\n");
    let fields = push_fields(&mut bytes, headers)?;
    let host = fields
        .iter()
        .find(|field| field.name.of(&bytes).eq_ignore_ascii_case(b"host"))
        .map(|field| field.value);
    Ok(RequestParts {
        bytes,
        method,
        path,
        query,
        host,
        fields,
        version: HttpVersion::Http11,
        client: None,
        secure: false,
        path_params: None,
        app: None,
        body: None,
    })
}

fn check_target(target: &str) -> PyResult<()> {
    let is_path = target.starts_with('/') || target == "*";
    if is_path
        && target
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'#')
    {
        return Ok(());
    }
    Err(PyValueError::new_err(format!(
        "target {target:?} is not a path with a query; start it with \"/\" and percent-encode \
         what is not ASCII"
    )))
}

fn push_fields(bytes: &mut Vec<u8>, headers: Vec<(String, String)>) -> PyResult<Vec<Field>> {
    let mut fields = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let octets = to_latin1(&value).unwrap_or_else(|| value.into_bytes());
        if !is_token(name.as_bytes()) {
            return Err(PyValueError::new_err(format!(
                "header name {name:?} is not a token"
            )));
        }
        let octets = checked_value(&name, &octets)?;
        let name = push(bytes, name.as_bytes());
        bytes.extend_from_slice(b": ");
        let value = push(bytes, octets);
        bytes.extend_from_slice(b"\r\n");
        fields.push(Field { name, value });
    }
    bytes.extend_from_slice(b"\r\n");
    Ok(fields)
}

fn push(bytes: &mut Vec<u8>, piece: &[u8]) -> Span {
    let start = bytes.len();
    bytes.extend_from_slice(piece);
    Span::new(start, bytes.len())
}
