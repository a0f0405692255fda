//! Values of the built-in types that hold no others, written as JSON without running any Python
//! code: what is borrowed from a container stays there meanwhile.
//!
//! What needs words for its refusal (a lone surrogate, NaN) or is rare (a large int) is left to
//! the caller.

#![allow(unsafe_code, reason = "reads the memory of str, int and float objects")]

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyString};
use pyo3::{Borrowed, PyTypeInfo, ffi};

use covet_server::json::write::short_decimal;

use super::output::{push_short, push_word};
use super::quoted::push_quoted;

/// Appends `value` and a comma. False, and nothing appended: it is of another type than exactly
/// `str`, `int`, `float`, `bool` and `None`, or cannot be written without ado.
#[inline]
pub(crate) fn push_leaf(out: &mut Vec<u8>, value: Borrowed<'_, '_, PyAny>) -> bool {
    if is_exactly::<PyString>(value) {
        push_text(out, value, b',')
    } else if is_exactly::<PyInt>(value) {
        push_int(out, value)
    } else if is_exactly::<PyFloat>(value) {
        push_float(out, value)
    } else if value.is_none() {
        push_word(out, u64::from_le_bytes(*b"null,\0\0\0"), 5);
        true
    } else if is_exactly::<PyBool>(value) {
        let (word, length) = match value.is(&*PyBool::new(value.py(), true)) {
            true => (*b"true,\0\0\0", 5),
            false => (*b"false,\0\0", 6),
        };
        push_word(out, u64::from_le_bytes(word), length);
        true
    } else {
        false
    }
}

/// Appends a `str` as a key with its colon; false for another type or a lone surrogate.
#[inline]
pub(crate) fn push_key(out: &mut Vec<u8>, key: Borrowed<'_, '_, PyAny>) -> bool {
    is_exactly::<PyString>(key) && push_text(out, key, b':')
}

/// Appends an integer and the byte `after`.
#[inline]
pub(crate) fn push_i64(out: &mut Vec<u8>, value: i64, after: u8) {
    let magnitude = value.unsigned_abs();
    if value < 0 {
        push_word(out, u64::from(b'-'), 1);
    }
    if magnitude < 10_000_000 {
        let (digits, length) = short_decimal(magnitude);
        push_word(out, digits | u64::from(after) << (8 * length), length + 1);
    } else {
        push_short(out, itoa::Buffer::new().format(magnitude).as_bytes());
        push_word(out, u64::from(after), 1);
    }
}

#[inline]
fn is_exactly<T: PyTypeInfo>(value: Borrowed<'_, '_, PyAny>) -> bool {
    value.get_type_ptr() == T::type_object_raw(value.py())
}

/// `value` is exactly a `str`.
#[inline]
fn push_text(out: &mut Vec<u8>, value: Borrowed<'_, '_, PyAny>, after: u8) -> bool {
    let text = text_of(value);
    if let Some(text) = text {
        push_quoted(out, text, after);
    }
    text.is_some()
}

/// The text of an exact `str`; None for a lone surrogate.
#[inline]
fn text_of<'a>(value: Borrowed<'a, '_, PyAny>) -> Option<&'a str> {
    #[cfg(not(Py_3_14))]
    if let Some(text) = compact_ascii(value) {
        return Some(text);
    }
    other_text(value)
}

#[cfg(not(Py_3_14))]
#[inline]
fn compact_ascii<'a>(value: Borrowed<'a, '_, PyAny>) -> Option<&'a str> {
    let object = value.as_ptr();
    // SAFETY: a `str`, as both callers have tested.
    if unsafe { ffi::PyUnicode_IS_COMPACT_ASCII(object) } == 0 {
        return None;
    }
    // SAFETY: as above.
    let length = unsafe { ffi::PyUnicode_GET_LENGTH(object) }.cast_unsigned();
    // SAFETY: the characters of such a str follow its head of fixed size.
    let start = unsafe { object.cast::<ffi::PyASCIIObject>().add(1) }.cast::<u8>();
    // SAFETY: `length` bytes of ASCII, which stay as long as the object.
    let bytes = unsafe { std::slice::from_raw_parts(start, length) };
    // SAFETY: ASCII is UTF-8.
    Some(unsafe { std::str::from_utf8_unchecked(bytes) })
}

/// The UTF-8 of a `str`, which it keeps.
fn other_text<'a>(value: Borrowed<'a, '_, PyAny>) -> Option<&'a str> {
    let mut length = 0;
    // SAFETY: a `str`, and this thread is attached.
    let data = unsafe { ffi::PyUnicode_AsUTF8AndSize(value.as_ptr(), &raw mut length) };
    if data.is_null() {
        drop(PyErr::take(value.py()));
        return None;
    }
    // SAFETY: the function gave that many bytes of UTF-8, which live and stay as long as the str.
    let bytes = unsafe { std::slice::from_raw_parts(data.cast(), length.cast_unsigned()) };
    // SAFETY: as above.
    Some(unsafe { std::str::from_utf8_unchecked(bytes) })
}

/// `value` is exactly an `int`. False where an `i64` does not hold it.
#[inline]
fn push_int(out: &mut Vec<u8>, value: Borrowed<'_, '_, PyAny>) -> bool {
    let number = int_of(value);
    if let Some(number) = number {
        push_i64(out, number, b',');
    }
    number.is_some()
}

/// An `int` of one digit, as CPython 3.12 to 3.14 lay it out.
#[cfg(all(Py_3_12, not(Py_3_15)))]
#[repr(C)]
struct CompactInt {
    head: ffi::PyObject,
    /// The number of digits above the lowest three bits; in the lowest two 0 for a positive
    /// number, 1 for zero, 2 for a negative one.
    tag: usize,
    digit: u32,
}

#[inline]
fn int_of(value: Borrowed<'_, '_, PyAny>) -> Option<i64> {
    #[cfg(all(Py_3_12, not(Py_3_15)))]
    {
        // SAFETY: an `int`, as the caller has tested; every int has this head and a digit.
        let int = unsafe { &*value.as_ptr().cast::<CompactInt>() };
        if int.tag < 2 << 3 {
            return Some((1 - (int.tag & 3).cast_signed() as i64) * i64::from(int.digit));
        }
    }
    let mut overflow = 0;
    // SAFETY: an `int`, and this thread is attached; of an int the function cannot fail.
    let number = unsafe { ffi::PyLong_AsLongLongAndOverflow(value.as_ptr(), &raw mut overflow) };
    (overflow == 0).then_some(number)
}

/// `value` is exactly a `float`. False where it is not finite.
#[inline]
fn push_float(out: &mut Vec<u8>, value: Borrowed<'_, '_, PyAny>) -> bool {
    // SAFETY: a `float`, as the caller has tested.
    let number = unsafe { ffi::PyFloat_AS_DOUBLE(value.as_ptr()) };
    if number.is_finite() {
        push_short(out, zmij::Buffer::new().format_finite(number).as_bytes());
        push_word(out, u64::from(b','), 1);
    }
    number.is_finite()
}
