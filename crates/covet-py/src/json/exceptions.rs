//! The exceptions that the two directions raise, under the names by which programs know them.

use pyo3::create_exception;
use pyo3::exceptions::PyValueError;

create_exception!(
    covet.json,
    EncodeError,
    PyValueError,
    "A value cannot be encoded as JSON. `path` is the place inside it."
);
create_exception!(
    covet.json,
    DecodeError,
    PyValueError,
    "Bytes are not a JSON text that is accepted. `offset` is the place in bytes."
);
