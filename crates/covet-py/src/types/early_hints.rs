//! The fields of a `103 Early Hints` (RFC 8297), checked as those of an answer are.
//!
//! Knows no connection: whether they are sent is [`covet_server::exchange`]'s.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::field_rules::{checked_name, encoded_value};
use super::mutable_headers::pairs;

/// `name: value` and a line break for each item of a mapping of str to str.
///
/// # Errors
/// `TypeError` where it is no such mapping, `ValueError` for a field that cannot be sent, or that describes a body.
pub(super) fn hint_fields(headers: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let mut out = Vec::new();
    for (key, value) in pairs(headers)? {
        let name = checked_name(&key)?;
        if name == "content-length" {
            return Err(PyValueError::new_err(
                "early hints have no body; leave Content-Length out",
            ));
        }
        let value = encoded_value(&name, &value)?;
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(&value);
        out.extend_from_slice(b"\r\n");
    }
    Ok(out)
}
