//! The table of a dict whose keys are all strings, as CPython 3.13 lays it out.
//!
//! `PyDict_Next` gives the same entries, one call for each.

#![allow(unsafe_code, reason = "reads the memory of dicts")]

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// `DICT_KEYS_UNICODE`: each entry has its value.
const UNICODE: u8 = 1;
/// `DICT_KEYS_SPLIT`: several objects share the keys and have values of their own.
pub(super) const SPLIT: u8 = 2;

/// `struct _dictkeysobject`, without what follows its head: the indices, then the entries.
#[repr(C)]
pub(super) struct Keys {
    references: isize,
    log2_size: u8,
    log2_index_bytes: u8,
    kind: u8,
    version: u32,
    usable: isize,
    count: isize,
}

/// `PyDictUnicodeEntry`
#[repr(C)]
pub(super) struct Entry {
    /// Null where the entry was removed.
    pub(super) key: *mut ffi::PyObject,
    /// As the key.
    pub(super) value: *mut ffi::PyObject,
}

/// The entries of keys of that kind; None for another kind and for null.
///
/// # Safety
/// `keys` is null or a dict's or class's keys, and no Python code runs while the entries are used.
#[inline]
pub(super) unsafe fn entries<'a>(keys: *const Keys, kind: u8) -> Option<&'a [Entry]> {
    // SAFETY: as the caller promises.
    let head = unsafe { keys.as_ref() }.filter(|head| head.kind == kind)?;
    if head.count <= 0 {
        // The keys of every empty dict have no room for indices, and so no aligned end.
        return Some(&[]);
    }
    // SAFETY: the indices follow the head, the entries follow the indices.
    let start = unsafe { keys.add(1).byte_add(1 << head.log2_index_bytes) };
    // SAFETY: there are `count` entries.
    Some(unsafe { std::slice::from_raw_parts(start.cast(), head.count.cast_unsigned()) })
}

/// The entries of a dict, where all its keys are strings.
///
/// # Safety
/// No Python code runs while the entries are used.
#[inline]
pub(super) unsafe fn entries_of<'a>(dict: &'a Bound<'_, PyDict>) -> Option<&'a [Entry]> {
    // SAFETY: a dict; its head is the same in this version for all of its kinds.
    let keys = unsafe { (*dict.as_ptr().cast::<ffi::PyDictObject>()).ma_keys };
    // SAFETY: as the caller promises.
    unsafe { entries(keys.cast(), UNICODE) }
}
