//! Values of the built-in types that hold no others, written as JSON without running any Python
//! code: what is borrowed from a container stays there meanwhile.
//!
//! What needs words for its refusal (a lone surrogate, NaN) or is rare (a large int) is left to
//! the caller.

#![allow(
    unsafe_code,
    reason = "reads the memory of str, int, float and list objects"
)]
#![allow(clippy::inline_always, reason = "see `output`")]

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyList, PyString};
use pyo3::{Borrowed, PyTypeInfo, ffi};

use super::digits::{put_finite, put_i64};
use super::output::Pen;
use super::quoted::put_quoted;

/// Which types a leaf may be of, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leaves(u8);

impl Leaves {
    /// No type.
    pub(crate) const NOTHING: Self = Self(0);
    /// `str`
    pub(crate) const STR: Self = Self(1);
    /// `int`
    pub(crate) const INT: Self = Self(2);
    /// `float`
    pub(crate) const FLOAT: Self = Self(4);
    /// `bool`
    pub(crate) const BOOL: Self = Self(8);
    /// `None`
    pub(crate) const NONE: Self = Self(16);
    /// All of them.
    pub(crate) const ANY: Self = Self(31);

    /// Either.
    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether one of `other` is among them.
    #[inline(always)]
    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// What is written without ado.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// A leaf of these types.
    pub(crate) leaf: Leaves,
    /// A list of leaves of these types, where there are some.
    pub(crate) items: Leaves,
}

impl Shape {
    /// Nothing at all.
    pub(crate) const NOTHING: Self = Self {
        leaf: Leaves::NOTHING,
        items: Leaves::NOTHING,
    };

    /// Every leaf, and every list of leaves where `lists` says so.
    #[inline(always)]
    pub(crate) fn any(lists: bool) -> Self {
        Self {
            leaf: Leaves::ANY,
            items: if lists { Leaves::ANY } else { Leaves::NOTHING },
        }
    }

    /// The same, lists only where `lists` says so.
    #[inline(always)]
    pub(crate) fn with(self, lists: bool) -> Self {
        let items = if lists { self.items } else { Leaves::NOTHING };
        Self { items, ..self }
    }
}

/// Appends `value` and a comma. False, and nothing appended: it is of another type than exactly
/// `str`, `int`, `float`, `bool` and `None`, or cannot be written without ado.
#[inline]
pub(crate) fn push_leaf(out: &mut Vec<u8>, value: Borrowed<'_, '_, PyAny>) -> bool {
    let mut pen = Pen::new(out);
    let is_leaf = put_leaf::<false>(&mut pen, value, Leaves::ANY);
    pen.finish();
    is_leaf
}

/// [`push_leaf`] for what `shape` says.
pub(crate) fn push_shape(out: &mut Vec<u8>, value: Borrowed<'_, '_, PyAny>, shape: Shape) -> bool {
    let mut pen = Pen::new(out);
    let is_written = put_flat::<true>(&mut pen, value, shape);
    pen.finish();
    is_written
}

/// [`push_leaf`] with a pen; where `CHECKED` only of the types in `leaf`.
#[inline(always)]
pub(super) fn put_leaf<const CHECKED: bool>(
    pen: &mut Pen<'_>,
    value: Borrowed<'_, '_, PyAny>,
    leaf: Leaves,
) -> bool {
    let allows = |kind| !CHECKED || leaf.has(kind);
    if is_exactly::<PyString>(value) {
        allows(Leaves::STR) && put_text(pen, value, b',')
    } else if is_exactly::<PyInt>(value) {
        allows(Leaves::INT) && put_int(pen, value)
    } else if is_exactly::<PyFloat>(value) {
        allows(Leaves::FLOAT) && put_float(pen, value)
    } else if value.is_none() {
        put_literal(pen, *b"null,\0\0\0", usize::from(allows(Leaves::NONE)) * 5);
        allows(Leaves::NONE)
    } else if is_exactly::<PyBool>(value) && allows(Leaves::BOOL) {
        if value.is(&*PyBool::new(value.py(), true)) {
            put_literal(pen, *b"true,\0\0\0", 5);
        } else {
            put_literal(pen, *b"false,\0\0", 6);
        }
        true
    } else {
        false
    }
}

/// What `shape` says, leaves unchecked unless `CHECKED`. False, and nothing written, for anything else.
#[inline(always)]
pub(super) fn put_flat<const CHECKED: bool>(
    pen: &mut Pen<'_>,
    value: Borrowed<'_, '_, PyAny>,
    shape: Shape,
) -> bool {
    let has_lists = cfg!(not(Py_GIL_DISABLED)) && shape.items != Leaves::NOTHING;
    put_leaf::<CHECKED>(pen, value, shape.leaf)
        || (has_lists
            && is_exactly::<PyList>(value)
            && put_list::<CHECKED>(pen, value, shape.items))
}

/// `value` is exactly a list.
#[inline(always)]
fn put_list<const CHECKED: bool>(
    pen: &mut Pen<'_>,
    value: Borrowed<'_, '_, PyAny>,
    leaf: Leaves,
) -> bool {
    let list = value.as_ptr();
    let start = pen.position();
    put_literal(pen, *b"[\0\0\0\0\0\0\0", 1);
    // SAFETY: a list.
    let size = unsafe { ffi::PyList_GET_SIZE(list) };
    for index in 0..size {
        // SAFETY: below the list's size, which nothing that runs here changes.
        let item = unsafe { ffi::PyList_GET_ITEM(list, index) };
        // SAFETY: the list owns it while nothing else runs.
        let item = unsafe { Borrowed::from_ptr(value.py(), item) };
        if !put_leaf::<CHECKED>(pen, item, leaf) {
            // SAFETY: what was written since `start`.
            unsafe { pen.back(pen.position() - start) };
            return false;
        }
    }
    // SAFETY: the last comma, where there is one.
    unsafe { pen.back(usize::from(size > 0)) };
    put_literal(pen, *b"],\0\0\0\0\0\0", 2);
    true
}

/// Appends a `str` as a key with its colon; false for another type or a lone surrogate.
#[inline]
pub(crate) fn push_key(out: &mut Vec<u8>, key: Borrowed<'_, '_, PyAny>) -> bool {
    let mut pen = Pen::new(out);
    let is_text = put_key(&mut pen, key);
    pen.finish();
    is_text
}

/// [`push_key`] with a pen.
#[inline(always)]
pub(super) fn put_key(pen: &mut Pen<'_>, key: Borrowed<'_, '_, PyAny>) -> bool {
    is_exactly::<PyString>(key) && put_text(pen, key, b':')
}

/// Appends the first `length` bytes.
#[inline(always)]
fn put_literal(pen: &mut Pen<'_>, bytes: [u8; 8], length: usize) {
    pen.reserve(8);
    // SAFETY: room for eight bytes was made.
    unsafe { pen.put(bytes, length) };
}

#[inline(always)]
fn is_exactly<T: PyTypeInfo>(value: Borrowed<'_, '_, PyAny>) -> bool {
    value.get_type_ptr() == T::type_object_raw(value.py())
}

/// `value` is exactly a `str`.
#[inline(always)]
fn put_text(pen: &mut Pen<'_>, value: Borrowed<'_, '_, PyAny>, after: u8) -> bool {
    let text = text_of(value);
    if let Some(text) = text {
        put_quoted(pen, text, after);
    }
    text.is_some()
}

/// The text of an exact `str`; None for a lone surrogate.
#[inline(always)]
fn text_of<'a>(value: Borrowed<'a, '_, PyAny>) -> Option<&'a str> {
    #[cfg(not(Py_3_14))]
    if let Some(text) = ready_text(value) {
        return Some(text);
    }
    other_text(value)
}

/// The text where the object holds it as UTF-8 already.
#[cfg(not(Py_3_14))]
#[inline(always)]
fn ready_text<'a>(value: Borrowed<'a, '_, PyAny>) -> Option<&'a str> {
    let object = value.as_ptr();
    // SAFETY: a `str`, as both callers have tested.
    if unsafe { ffi::PyUnicode_IS_COMPACT_ASCII(object) } == 0 {
        return kept_text(value);
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

/// The UTF-8 that a `str` which is not ASCII keeps, once it was asked for.
#[cfg(not(Py_3_14))]
#[inline(always)]
fn kept_text<'a>(value: Borrowed<'a, '_, PyAny>) -> Option<&'a str> {
    // SAFETY: a `str` that is not compact ASCII has this head.
    let head = unsafe { &*value.as_ptr().cast::<ffi::PyCompactUnicodeObject>() };
    if cfg!(Py_GIL_DISABLED) || head.utf8.is_null() {
        return None;
    }
    let length = head.utf8_length.cast_unsigned();
    // SAFETY: that many bytes of UTF-8, which stay as long as the object.
    let bytes = unsafe { std::slice::from_raw_parts(head.utf8.cast(), length) };
    // SAFETY: as above.
    Some(unsafe { std::str::from_utf8_unchecked(bytes) })
}

/// The UTF-8 of a `str`, which it keeps.
#[inline(never)]
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
#[inline(always)]
fn put_int(pen: &mut Pen<'_>, value: Borrowed<'_, '_, PyAny>) -> bool {
    let number = int_of(value);
    if let Some(number) = number {
        put_i64(pen, number, b',');
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

#[inline(always)]
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
#[inline(always)]
fn put_float(pen: &mut Pen<'_>, value: Borrowed<'_, '_, PyAny>) -> bool {
    // SAFETY: a `float`, as the caller has tested.
    let number = unsafe { ffi::PyFloat_AS_DOUBLE(value.as_ptr()) };
    if number.is_finite() {
        put_finite(pen, number);
    }
    number.is_finite()
}
