//! Bytes of the protocol as Python text. Field values and query strings are ISO 8859-1: each
//! octet is one character, so nothing is lost and nothing can fail.

use std::borrow::Cow;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// `bytes` as ISO 8859-1 text; ASCII, the usual case, is borrowed.
pub(crate) fn latin1(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => Cow::Borrowed(text),
        _ => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
    }
}

/// `bytes` as a Python `str`, read as ISO 8859-1.
pub(super) fn latin1_str<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyString> {
    PyString::new(py, &latin1(bytes))
}

/// `key` as text; None where it is no `str`, or one with a lone surrogate, which names nothing.
pub(super) fn as_str<'a>(key: &'a Bound<'_, PyAny>) -> Option<&'a str> {
    key.cast::<PyString>().ok()?.to_str().ok()
}

/// `text` as ISO 8859-1, None where a character has no octet.
pub(super) fn to_latin1(text: &str) -> Option<Vec<u8>> {
    if text.is_ascii() {
        return Some(text.as_bytes().to_vec());
    }
    text.chars()
        .map(|character| u8::try_from(u32::from(character)).ok())
        .collect()
}

/// The method's name; one shared `str` for each method that RFC 9110 and its extensions name.
pub(super) fn method_str<'py>(py: Python<'py>, method: &[u8]) -> Bound<'py, PyString> {
    match method {
        b"GET" => intern!(py, "GET").clone(),
        b"HEAD" => intern!(py, "HEAD").clone(),
        b"POST" => intern!(py, "POST").clone(),
        b"PUT" => intern!(py, "PUT").clone(),
        b"PATCH" => intern!(py, "PATCH").clone(),
        b"DELETE" => intern!(py, "DELETE").clone(),
        b"OPTIONS" => intern!(py, "OPTIONS").clone(),
        b"QUERY" => intern!(py, "QUERY").clone(),
        other => latin1_str(py, other),
    }
}
