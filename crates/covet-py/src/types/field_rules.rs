//! What a field of an answer may be: its name, the octets of its value, and the few names that
//! the server alone writes. Errors are `ValueError`s that say what to do.

use covet_server::http1::field_is_valid;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::text::to_latin1;

/// Fields that the server alone writes: the date, and those that frame the message, where a second
/// opinion is how messages are smuggled (RFC 9112 section 11.2, RFC 9113 section 8.2.2).
const OF_THE_SERVER: [&str; 5] = [
    "connection",
    "date",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
];

/// Whether `text` is a `token` (RFC 9110 section 5.6.2).
pub(super) fn is_token(text: &[u8]) -> bool {
    field_is_valid(text, b"")
}

/// `name` in lower case.
///
/// # Errors
/// `ValueError` where it is no token, or where only the server may send it.
pub(super) fn checked_name(name: &str) -> PyResult<String> {
    if !is_token(name.as_bytes()) {
        return Err(PyValueError::new_err(format!(
            "header name {name:?} is not a token; use ASCII letters, digits and \"-\""
        )));
    }
    let name = name.to_ascii_lowercase();
    if OF_THE_SERVER.contains(&name.as_str()) {
        return Err(PyValueError::new_err(format!(
            "header {name:?} is written by the server itself; leave it out"
        )));
    }
    Ok(name)
}

/// The octets of `value`, without blanks around them.
///
/// # Errors
/// `ValueError` for a control character or for what ISO 8859-1 cannot express.
pub(super) fn encoded_value(name: &str, value: &str) -> PyResult<Vec<u8>> {
    let Some(octets) = to_latin1(value) else {
        return Err(PyValueError::new_err(format!(
            "the value of header {name:?} has a character beyond ISO 8859-1; percent-encode it"
        )));
    };
    let checked = checked_value(name, &octets)?;
    Ok(if checked.len() == octets.len() {
        octets
    } else {
        checked.to_vec()
    })
}

/// `value` without blanks around it (RFC 9110 section 5.5).
///
/// # Errors
/// `ValueError` for a control character other than a tab.
pub(super) fn checked_value<'v>(name: &str, value: &'v [u8]) -> PyResult<&'v [u8]> {
    let control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
    if let Some(&byte) = value.iter().find(|&byte| control(byte)) {
        return Err(PyValueError::new_err(format!(
            "the value of header {name:?} has the control character \"{}\"; remove it or \
             percent-encode it",
            byte.escape_ascii()
        )));
    }
    Ok(trim(value))
}

fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// The `Content-Length` of a body in parts.
///
/// # Errors
/// `ValueError` where it is no number of bytes.
pub(super) fn declared_length(value: &[u8]) -> PyResult<u64> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(value).ok().filter(|_| digits);
    text.and_then(|text| text.parse().ok()).ok_or_else(|| {
        PyValueError::new_err(format!(
            "Content-Length is \"{}\"; it is a number of bytes",
            value.escape_ascii()
        ))
    })
}

/// Whether a `Content-Length` may be dropped as it says what the server will say; `length` is the
/// body's, None where it is not encoded yet.
///
/// # Errors
/// `ValueError` where it differs.
pub(super) fn check_content_length(value: &[u8], length: Option<usize>) -> PyResult<()> {
    let given = std::str::from_utf8(value)
        .ok()
        .and_then(|text| text.parse::<usize>().ok());
    if given.is_some() && given == length {
        return Ok(());
    }
    let body = length.map_or_else(
        || "is not encoded yet".to_owned(),
        |length| format!("has {length} bytes"),
    );
    Err(PyValueError::new_err(format!(
        "Content-Length is \"{}\" but the body {body}; leave the header out, the server counts",
        value.escape_ascii()
    )))
}
