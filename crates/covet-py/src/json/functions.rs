//! The two directions as functions of the native module, and the errors they raise.

use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView, PyString};

use super::decode::{DecodeError, decode};
use super::encode::encode;
use super::encode_error::EncodeError;

create_exception!(
    covet._native,
    JSONEncodeError,
    PyValueError,
    "A value cannot be encoded as JSON. `path` is the place inside it."
);
create_exception!(
    covet._native,
    JSONDecodeError,
    PyValueError,
    "Bytes are not a JSON text that is accepted. `offset` is the place in bytes."
);

/// `value` as JSON.
///
/// # Errors
/// `JSONEncodeError`, a `ValueError`, with the attribute `path`.
#[pyfunction]
#[pyo3(signature = (value, /))]
pub fn json_encode<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    let mut out = Vec::with_capacity(1024);
    encode(value, &mut out).map_err(|error| raise_encode_error(value.py(), error))?;
    Ok(PyBytes::new(value.py(), &out))
}

/// The value of the JSON text `data`: bytes, bytearray, memoryview or str.
///
/// # Errors
/// `JSONDecodeError`, a `ValueError`, with the attribute `offset`; `TypeError` for other types.
#[pyfunction]
#[pyo3(signature = (data, /))]
pub fn json_decode<'py>(data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = data.py();
    with_bytes(data, |bytes| decode(py, bytes))?.map_err(|error| raise_decode_error(py, &error))
}

/// What `read` makes of the bytes of `data`: bytes, str or another buffer.
///
/// # Errors
/// `TypeError` for other types; `UnicodeEncodeError` for a str with a lone surrogate.
pub(crate) fn with_bytes<T>(data: &Bound<'_, PyAny>, read: impl FnOnce(&[u8]) -> T) -> PyResult<T> {
    Ok(if let Ok(bytes) = data.cast::<PyBytes>() {
        read(bytes.as_bytes())
    } else if let Ok(text) = data.cast::<PyString>() {
        read(text.to_str()?.as_bytes())
    } else {
        read(&copy_buffer(data)?)
    })
}

/// A copy, because other code may change what a buffer holds.
fn copy_buffer(data: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    PyMemoryView::from(data)?.call_method0("tobytes")?.extract()
}

pub(crate) fn raise_encode_error(py: Python<'_>, error: EncodeError) -> PyErr {
    let raised = JSONEncodeError::new_err(error.to_string());
    match error.cause {
        Some(cause) if !cause.is_instance_of::<PyException>(py) => return cause,
        cause => raised.set_cause(py, cause),
    }
    with_place(py, raised, "path", error.path)
}

fn raise_decode_error(py: Python<'_>, error: &DecodeError) -> PyErr {
    malformed_error(py, error.to_string(), error.offset)
}

/// A `JSONDecodeError` about the byte at `offset`.
pub(crate) fn malformed_error(py: Python<'_>, message: String, offset: usize) -> PyErr {
    with_place(py, JSONDecodeError::new_err(message), "offset", offset)
}

/// `raised` with the attribute `name`, or what setting it raised.
fn with_place<'py>(
    py: Python<'py>,
    raised: PyErr,
    name: &str,
    place: impl IntoPyObject<'py>,
) -> PyErr {
    match raised.value(py).setattr(name, place) {
        Ok(()) => raised,
        Err(error) => error,
    }
}
