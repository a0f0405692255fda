//! The two directions as functions of the native module.

use covet_server::buffers::Buffer;
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView, PyString};

use super::decode::{DecodeError, decode};
use super::encode::{EncodeOptions, encode_with};
use super::encode_error::EncodeError;
use super::exceptions;

/// `value` as JSON. `default` is called with a value that JSON has no form for and returns one
/// that it has; `keys="any"` takes keys that are written as text.
///
/// # Errors
/// `EncodeError`, a `ValueError`, with the attribute `path`; `ValueError` for other `keys`.
#[pyfunction]
#[pyo3(signature = (value, /, *, default=None, keys="str"))]
pub fn json_encode<'py>(
    value: &Bound<'py, PyAny>,
    default: Option<&Bound<'py, PyAny>>,
    keys: &str,
) -> PyResult<Bound<'py, PyBytes>> {
    let any_keys = match keys {
        "str" => false,
        "any" => true,
        other => {
            let message = format!("keys={other:?} is not known: use \"str\" or \"any\"");
            return Err(PyValueError::new_err(message));
        }
    };
    let mut out = Buffer::take();
    encode_with(value, &mut out, EncodeOptions { default, any_keys })
        .map_err(|error| raise_encode_error(value.py(), error))?;
    Ok(PyBytes::new(value.py(), &out))
}

/// The value of the JSON text `data`: bytes, bytearray, memoryview or str.
///
/// # Errors
/// `DecodeError`, a `ValueError`, with the attribute `offset`; `TypeError` for other types.
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
    let raised = exceptions::EncodeError::new_err(error.to_string());
    match error.cause {
        Some(cause) if !cause.is_instance_of::<PyException>(py) => return cause,
        cause => raised.set_cause(py, cause),
    }
    with_place(py, raised, "path", error.path)
}

fn raise_decode_error(py: Python<'_>, error: &DecodeError) -> PyErr {
    malformed_error(py, error.to_string(), error.offset)
}

/// A `DecodeError` about the byte at `offset`.
pub(crate) fn malformed_error(py: Python<'_>, message: String, offset: usize) -> PyErr {
    with_place(
        py,
        exceptions::DecodeError::new_err(message),
        "offset",
        offset,
    )
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
