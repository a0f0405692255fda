//! JSON bytes to Python values, in one pass: `dict`, `list`, `str`, `int`, `float`, `bool`, `None`.
//!
//! The scanner finds the values and enforces the grammar and the limits; this file builds them,
//! and refuses a key that its object already has.

use std::fmt;

use covet_server::json::{Event, Key, ScanError, ScanErrorKind, Scanner};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString};

use super::key_cache::KeyCache;

/// Why bytes are not a JSON value that is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The offset of what is wrong, in bytes from the start.
    pub offset: usize,
    /// What is wrong there. Never holds a part of the input.
    pub message: String,
    /// What the scanner refused; None for what Python itself refused.
    pub kind: Option<ScanErrorKind>,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at byte {}", self.message, self.offset)
    }
}

impl std::error::Error for DecodeError {}

impl From<ScanError> for DecodeError {
    #[cold]
    fn from(error: ScanError) -> Self {
        Self {
            offset: error.offset,
            message: error.kind.to_string(),
            kind: Some(error.kind),
        }
    }
}

/// Builds the value of the JSON text `data`.
///
/// Integers are exact whatever their size, floats correctly rounded.
///
/// # Errors
/// What [`ScanErrorKind`] lists, with the offset of its first place.
pub fn decode<'py>(py: Python<'py>, data: &[u8]) -> Result<Bound<'py, PyAny>, DecodeError> {
    let mut scanner = Scanner::new(data)?;
    let value = decode_value(py, &mut scanner)?;
    scanner.end()?;
    Ok(value)
}

/// Builds the next value of `scanner`.
///
/// # Errors
/// As [`decode`].
pub(crate) fn decode_value<'py>(
    py: Python<'py>,
    scanner: &mut Scanner<'_>,
) -> Result<Bound<'py, PyAny>, DecodeError> {
    let mut decoder = Decoder {
        py,
        scanner,
        keys: KeyCache::lend(),
        items: Vec::new(),
    };
    decoder.value()
}

struct Decoder<'py, 's, 'data> {
    py: Python<'py>,
    scanner: &'s mut Scanner<'data>,
    keys: KeyCache,
    /// The items of all open arrays, so that each list is made at its final size.
    items: Vec<Bound<'py, PyAny>>,
}

impl<'py> Decoder<'py, '_, '_> {
    fn value(&mut self) -> Result<Bound<'py, PyAny>, DecodeError> {
        let py = self.py;
        let start = self.scanner.offset();
        Ok(match self.scanner.value()? {
            Event::Str(text) => PyString::new(py, text).into_any(),
            Event::Int(number) => placed(number.into_bound_py_any(py), start)?,
            Event::Object => self.object()?.into_any(),
            Event::Array => self.array()?.into_any(),
            Event::Float(number) => PyFloat::new(py, number).into_any(),
            Event::Bool(word) => PyBool::new(py, word).to_owned().into_any(),
            Event::Null => py.None().into_bound(py),
            Event::BigInt(text) => placed(py.get_type::<PyInt>().call1((text,)), start)?,
        })
    }

    fn array(&mut self) -> Result<Bound<'py, PyList>, DecodeError> {
        let (offset, first) = (self.scanner.offset(), self.items.len());
        let mut more = self.scanner.first_item()?;
        while more {
            let item = self.value()?;
            self.items.push(item);
            more = self.scanner.next_item()?;
        }
        placed(PyList::new(self.py, self.items.drain(first..)), offset)
    }

    fn object(&mut self) -> Result<Bound<'py, PyDict>, DecodeError> {
        let dict = PyDict::new(self.py);
        let mut found = self.scanner.first_key()?;
        let mut members = 0;
        while let Some(Key { text, offset }) = found {
            let key = self.keys.get(self.py, text);
            let value = self.value()?;
            placed(dict.set_item(key, value), offset)?;
            members += 1;
            if dict.len() != members {
                return Err(ScanError {
                    offset,
                    kind: ScanErrorKind::DuplicateKey,
                }
                .into());
            }
            found = self.scanner.next_key()?;
        }
        Ok(dict)
    }
}

/// What fails only for want of memory, or by a lower limit of digits set in the interpreter.
#[inline]
fn placed<T>(made: PyResult<T>, offset: usize) -> Result<T, DecodeError> {
    made.map_err(|error| DecodeError {
        offset,
        message: error.to_string(),
        kind: None,
    })
}
