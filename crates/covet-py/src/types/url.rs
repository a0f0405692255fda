//! `URL`: the URL that was asked for, put together from the request's target and host.

use std::sync::Arc;

use covet_server::http1::Span;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, percent_encode};
use pyo3::prelude::*;

use super::fields::FieldBlock;
use super::text::latin1;

/// What `str(url)` escapes: nothing that a valid target holds, everything that would end it.
const UNSAFE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'#');

/// What stands for the host where a request (HTTP/1.0) names none.
const NO_HOST: &[u8] = b"localhost";

/// Where the parts of the URL are in the head.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The path as sent, `*` for `OPTIONS *`.
    pub path: Span,
    /// The query without `?`, None where the target has no `?`.
    pub query: Option<Span>,
    /// Host and port, from the target where it is absolute, else from `Host`.
    pub host: Option<Span>,
    /// Whether the client speaks TLS, to us or to a trusted proxy.
    pub secure: bool,
}

/// The URL that was asked for.
#[pyclass(name = "URL", frozen, weakref, module = "covet.requests")]
pub struct Url {
    block: Arc<FieldBlock>,
    target: Target,
}

impl Url {
    /// The URL at `target` in `block`.
    #[must_use]
    pub fn new(block: Arc<FieldBlock>, target: Target) -> Self {
        Self { block, target }
    }

    fn host(&self) -> &[u8] {
        match self.target.host {
            Some(host) if host.start < host.end => host.of(&self.block.bytes),
            _ => NO_HOST,
        }
    }

    fn path_bytes(&self) -> &[u8] {
        self.target.path.of(&self.block.bytes)
    }

    /// Name or address, and port, of the host. A colon inside brackets belongs to the address.
    fn host_and_port(&self) -> (&[u8], Option<&[u8]>) {
        let host = self.host();
        match memchr::memrchr(b':', host) {
            Some(at) if !host[at..].contains(&b']') => (&host[..at], Some(&host[at + 1..])),
            _ => (host, None),
        }
    }
}

#[pymethods]
impl Url {
    /// http or https.
    #[getter]
    fn scheme(&self) -> &'static str {
        if self.target.secure { "https" } else { "http" }
    }

    /// Without the port; lower case. An IPv6 address has no brackets.
    #[getter]
    fn hostname(&self) -> String {
        let (name, _) = self.host_and_port();
        let name = name
            .strip_prefix(b"[")
            .and_then(|address| address.strip_suffix(b"]"))
            .unwrap_or(name);
        latin1(name).to_ascii_lowercase()
    }

    /// None where the URL names none.
    #[getter]
    fn port(&self) -> Option<u16> {
        let (_, port) = self.host_and_port();
        std::str::from_utf8(port?).ok()?.parse().ok()
    }

    /// Decoded.
    #[getter]
    fn path(&self) -> String {
        percent_decode(self.path_bytes())
            .decode_utf8_lossy()
            .into_owned()
    }

    /// As sent, without "?"; "" where absent.
    #[getter]
    fn query(&self) -> String {
        self.target.query.map_or_else(String::new, |query| {
            latin1(query.of(&self.block.bytes)).into_owned()
        })
    }

    fn __str__(&self) -> String {
        let path = match self.path_bytes() {
            b"*" => b"",
            path => path,
        };
        let mut url = format!("{}://{}", self.scheme(), latin1(self.host()));
        url.extend(percent_encode(path, UNSAFE));
        if let Some(query) = self.target.query {
            url.push('?');
            url.extend(percent_encode(query.of(&self.block.bytes), UNSAFE));
        }
        url
    }

    fn __repr__(&self) -> String {
        format!("URL('{}')", self.__str__().replace('\'', "%27"))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> Option<bool> {
        let other = other.cast::<Self>().ok()?.get();
        Some(self.__str__() == other.__str__())
    }
}
