//! Fields that are sent apart from the head of an answer, checked as its own are: those of a `103 Early Hints`
//! (RFC 8297) before it, trailers (RFC 9110 section 6.5) behind the content.
//!
//! Knows no connection: whether they are sent is [`covet_server::exchange`]'s and [`covet_server::streaming`]'s.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::field_rules::{checked_name, encoded_value};
use super::mutable_headers::pairs;

/// What is decided before the content, so that it is too late behind it (RFC 9110 section 6.5.1).
const BEFORE_CONTENT: [&str; 9] = [
    "cache-control",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "location",
    "set-cookie",
    "trailer",
    "vary",
];

/// `name: value` and a line break for each item of a mapping of str to str.
///
/// # Errors
/// `TypeError` where it is no such mapping, `ValueError` for a field that cannot be sent, or that describes a body.
pub(super) fn hint_fields(headers: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    encoded(headers, |name| {
        let is_length = name == "content-length";
        is_length.then(|| "early hints have no body; leave Content-Length out".to_owned())
    })
}

/// The same of trailers.
///
/// # Errors
/// As above, `ValueError` also for a field that counts before the content only.
pub(crate) fn trailer_fields(trailers: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    encoded(trailers, |name| {
        let is_late = BEFORE_CONTENT.contains(&name);
        is_late.then(|| format!("{name:?} cannot be a trailer; put it into headers="))
    })
}

fn encoded(
    fields: &Bound<'_, PyAny>,
    refusal: impl Fn(&str) -> Option<String>,
) -> PyResult<Vec<u8>> {
    let mut out = Vec::new();
    for (key, value) in pairs(fields)? {
        let name = checked_name(&key)?;
        if let Some(why) = refusal(&name) {
            return Err(PyValueError::new_err(why));
        }
        let value = encoded_value(&name, &value)?;
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(&value);
        out.extend_from_slice(b"\r\n");
    }
    Ok(out)
}
