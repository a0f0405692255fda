//! The entries of a dict under keys that are known, such as a `TypedDict`'s: found by the key's
//! identity, mostly where the one before was followed. What is not found so is left to the caller.

#![allow(unsafe_code, reason = "borrows what dicts own")]

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::members::{Member, Piece};

/// Appends the entries under `names` from number `from` on as JSON, each behind its key and with a
/// comma, up to one that is not found or that its shape does not allow. That one is returned: its
/// key is written where it was found. Lists are only written with `lists`.
#[cfg(all(Py_3_13, not(Py_3_14), not(Py_GIL_DISABLED)))]
pub(crate) fn push_known_entries<'py>(
    dict: &Bound<'py, PyDict>,
    names: &[Py<PyString>],
    pieces: &[Piece],
    from: usize,
    lists: bool,
    out: &mut Vec<u8>,
) -> Option<Member<'py>> {
    use super::leaf::put_flat;
    use super::output::Pen;
    use pyo3::Borrowed;

    // SAFETY: leaves are written without running Python code.
    let entries = unsafe { super::dict_keys::entries_of(dict) }.unwrap_or_default();
    let (mut pen, mut stop, mut next) = (Pen::new(out), None, from);
    for (index, (name, piece)) in names.iter().zip(pieces).enumerate().skip(from) {
        let is_it = |entry: &super::dict_keys::Entry| entry.key == name.as_ptr();
        if !entries.get(next).is_some_and(is_it) {
            next = entries.iter().position(is_it).unwrap_or(entries.len());
        }
        let found = entries.get(next).filter(|entry| !entry.value.is_null());
        let Some(entry) = found else {
            stop = Some(Member { index, value: None });
            break;
        };
        next += 1;
        piece.key.put(&mut pen);
        // SAFETY: the dict owns it while nothing runs; it is dropped or made owned before that.
        let value = unsafe { Borrowed::from_ptr(dict.py(), entry.value) };
        if !put_flat::<true>(&mut pen, value, piece.shape.with(lists)) {
            let value = Some(value.to_owned());
            stop = Some(Member { index, value });
            break;
        }
    }
    pen.finish();
    stop
}

/// Nothing is found without asking the dict.
#[cfg(not(all(Py_3_13, not(Py_3_14), not(Py_GIL_DISABLED))))]
pub(crate) fn push_known_entries<'py>(
    _dict: &Bound<'py, PyDict>,
    names: &[Py<PyString>],
    _pieces: &[Piece],
    from: usize,
    _lists: bool,
    _out: &mut Vec<u8>,
) -> Option<Member<'py>> {
    let value = None;
    (from < names.len()).then_some(Member { index: from, value })
}
