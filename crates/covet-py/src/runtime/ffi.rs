//! Safe, small wrappers of the interpreter's C functions that `PyO3` wraps with too much cost or
//! with a panic. Knows nothing of what they are used for.

#![allow(unsafe_code, reason = "this folder is where raw FFI lives")]

use std::ptr::null_mut;
use std::slice::from_raw_parts;
use std::str::from_utf8_unchecked;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::critical_section::with_critical_section;
use pyo3::types::{PyDict, PyInt, PyString};

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

/// The entries of a dict, in its order.
///
/// Unlike `PyO3`'s iterator it does not panic when the dict is changed on the way: entries may then
/// be missed or come twice, so compare the dict's length where that matters.
pub(crate) struct DictEntries<'a, 'py> {
    dict: &'a Bound<'py, PyDict>,
    /// Where `PyDict_Next` goes on: zero at first, then only what that function stored.
    position: ffi::Py_ssize_t,
}

impl<'a, 'py> DictEntries<'a, 'py> {
    /// Starts at the first entry.
    #[inline]
    pub(crate) fn new(dict: &'a Bound<'py, PyDict>) -> Self {
        Self { dict, position: 0 }
    }
}

impl<'py> Iterator for DictEntries<'_, 'py> {
    type Item = (Bound<'py, PyAny>, Bound<'py, PyAny>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (dict, py) = (self.dict.as_ptr(), self.dict.py());
        let (mut key, mut value) = (null_mut(), null_mut());
        with_critical_section(self.dict, || {
            let at = &raw mut self.position;
            // SAFETY: `dict` is a dict and this thread is attached. The function checks the position
            // against the dict as it is now, so earlier changes are harmless.
            let found = unsafe { ffi::PyDict_Next(dict, at, &raw mut key, &raw mut value) };
            if found == 0 {
                return None;
            }
            // SAFETY: both point to objects that the dict owns; nothing ran since that could take
            // them from it, and each becomes a reference of its own here.
            let key = unsafe { Bound::from_borrowed_ptr(py, key) };
            // SAFETY: as above.
            let value = unsafe { Bound::from_borrowed_ptr(py, value) };
            Some((key, value))
        })
    }
}
