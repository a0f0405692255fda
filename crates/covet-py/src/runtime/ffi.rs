//! Safe, small wrappers of the interpreter's C functions that `PyO3` wraps with too much cost or
//! with a panic. Knows nothing of what they are used for.

#![allow(unsafe_code, reason = "this folder is where raw FFI lives")]

use std::slice::from_raw_parts;
use std::str::from_utf8_unchecked;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyString};

/// The number, where an `i64` holds it. `PyO3`'s `extract` raises and drops an exception where not.
#[inline]
pub(crate) fn int_as_i64(number: &Bound<'_, PyInt>) -> Option<i64> {
    let mut overflow = 0;
    // SAFETY: `number` is an int and this thread is attached; of an int the function cannot fail.
    let value = unsafe { ffi::PyLong_AsLongLongAndOverflow(number.as_ptr(), &raw mut overflow) };
    (overflow == 0).then_some(value)
}

/// The text as UTF-8, in the memory of the object. `PyO3`'s `to_str` does the same but is not inlined.
///
/// # Errors
/// `UnicodeEncodeError` for a lone surrogate.
#[inline]
pub(crate) fn utf8<'a>(text: &'a Bound<'_, PyString>) -> PyResult<&'a str> {
    let mut length = 0;
    // SAFETY: `text` is a str and this thread is attached.
    let data = unsafe { ffi::PyUnicode_AsUTF8AndSize(text.as_ptr(), &raw mut length) };
    if data.is_null() {
        return Err(PyErr::fetch(text.py()));
    }
    // SAFETY: the function gave this many bytes of UTF-8, which live and stay as long as the str.
    Ok(unsafe { from_utf8_unchecked(from_raw_parts(data.cast(), length.cast_unsigned())) })
}
