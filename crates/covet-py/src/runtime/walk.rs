//! Walking the built-in containers with references that the container owns.
//!
//! A borrowed item is safe while no Python code runs. So leaves are written here, where none
//! does, and whatever may run some is handed out as a reference of its own. The containers may
//! change between two calls: each call looks at them anew.
//!
//! Where there is no interpreter's lock, other threads change containers at any moment, and a critical section does
//! not keep them out for long: it is left while its thread waits for another lock, such as the one under which a
//! `str` makes its UTF-8. There each item is a reference of its own ([`Kept`]).

#![allow(unsafe_code, reason = "borrows what containers own")]
#![allow(clippy::inline_always, reason = "see `output`")]

use std::ptr::null_mut;

use pyo3::prelude::*;
#[cfg(Py_GIL_DISABLED)]
use pyo3::sync::critical_section::with_critical_section;
use pyo3::types::{PyDict, PyList, PyTuple};
use pyo3::{Borrowed, ffi};

#[cfg(all(Py_3_13, not(Py_3_14), not(Py_GIL_DISABLED)))]
use super::dict_keys::entries_of;
use super::leaf::{Shape, put_flat, put_key};
use super::output::Pen;

/// What a container gives while leaves are written: borrowed, because nothing runs meanwhile.
#[cfg(not(Py_GIL_DISABLED))]
type Kept<'a, 'py> = Borrowed<'a, 'py, PyAny>;

/// What a container gives while leaves are written: owned, because other threads run meanwhile.
#[cfg(Py_GIL_DISABLED)]
type Kept<'a, 'py> = Bound<'py, PyAny>;

/// The items of a list, in order.
pub(crate) struct ListItems<'a, 'py> {
    list: &'a Bound<'py, PyList>,
    next: usize,
}

impl<'a, 'py> ListItems<'a, 'py> {
    /// Starts at the first item.
    #[inline]
    pub(crate) fn new(list: &'a Bound<'py, PyList>) -> Self {
        Self { list, next: 0 }
    }

    /// Appends items as JSON, each with a comma, up to one that `shape` does not
    /// allow: that one is returned. Leaves are of any type unless `CHECKED`.
    #[inline]
    pub(crate) fn push_leaves<const CHECKED: bool>(
        &mut self,
        shape: Shape,
        out: &mut Vec<u8>,
    ) -> Option<Bound<'py, PyAny>> {
        let mut stop = None;
        let mut pen = Pen::new(out);
        while stop.is_none()
            && let Some(item) = item_at(self.list, self.next)
        {
            self.next += 1;
            if !put_flat::<CHECKED>(&mut pen, item.as_borrowed(), shape) {
                stop = Some(item.to_owned());
            }
        }
        pen.finish();
        stop
    }

    /// The index of the item that was returned last.
    pub(crate) fn index(&self) -> usize {
        self.next - 1
    }
}

/// The item at `index`, where the list is as long now.
#[cfg(not(Py_GIL_DISABLED))]
#[inline]
fn item_at<'a, 'py>(list: &'a Bound<'py, PyList>, index: usize) -> Option<Kept<'a, 'py>> {
    if index >= list.len() {
        return None;
    }
    // SAFETY: the index was compared with the length, and nothing ran since.
    let item = unsafe { ffi::PyList_GET_ITEM(list.as_ptr(), index.cast_signed()) };
    // SAFETY: the list owns it while nothing runs; it is dropped or made owned before that.
    Some(unsafe { Borrowed::from_ptr(list.py(), item) })
}

/// The item at `index`, where the list is as long now.
#[cfg(Py_GIL_DISABLED)]
#[inline]
fn item_at<'a, 'py>(list: &'a Bound<'py, PyList>, index: usize) -> Option<Kept<'a, 'py>> {
    if index >= list.len() {
        return None;
    }
    // Another thread may have shortened it since: that is its end too, and the exception is dropped.
    list.get_item(index).ok()
}

/// The items of a tuple, in order. A tuple never changes.
pub(crate) struct TupleItems<'a, 'py> {
    tuple: &'a Bound<'py, PyTuple>,
    next: usize,
}

impl<'a, 'py> TupleItems<'a, 'py> {
    /// Starts at the first item.
    #[inline]
    pub(crate) fn new(tuple: &'a Bound<'py, PyTuple>) -> Self {
        Self { tuple, next: 0 }
    }

    /// Appends items as JSON, each with a comma, up to one that `shape` does not
    /// allow: that one is returned. Leaves are of any type unless `CHECKED`.
    #[inline]
    pub(crate) fn push_leaves<const CHECKED: bool>(
        &mut self,
        shape: Shape,
        out: &mut Vec<u8>,
    ) -> Option<Bound<'py, PyAny>> {
        let mut stop = None;
        let mut pen = Pen::new(out);
        while stop.is_none()
            && self.next < self.tuple.len()
            && let Ok(item) = self.tuple.get_borrowed_item(self.next)
        {
            self.next += 1;
            if !put_flat::<CHECKED>(&mut pen, item, shape) {
                stop = Some(item.to_owned());
            }
        }
        pen.finish();
        stop
    }

    /// The index of the item that was returned last.
    pub(crate) fn index(&self) -> usize {
        self.next - 1
    }
}

/// An entry of a dict that was not written.
pub(crate) struct Entry<'py> {
    /// The key.
    pub(crate) key: Bound<'py, PyAny>,
    /// The value.
    pub(crate) value: Bound<'py, PyAny>,
    /// Whether the key and its colon were written.
    pub(crate) key_is_written: bool,
}

/// The entries of a dict, in its order.
///
/// Where the dict is changed on the way, entries may be missed or come twice: compare its length.
pub(crate) struct DictEntries<'a, 'py> {
    dict: &'a Bound<'py, PyDict>,
    /// Where `PyDict_Next` goes on: zero at first, then only what that function stored.
    position: ffi::Py_ssize_t,
    /// Whether keys are written here.
    keys: bool,
}

impl<'a, 'py> DictEntries<'a, 'py> {
    /// Starts at the first entry. Without `keys`, keys are left to the caller, and so is every entry.
    #[inline]
    pub(crate) fn new(dict: &'a Bound<'py, PyDict>, keys: bool) -> Self {
        let position = 0;
        Self {
            dict,
            position,
            keys,
        }
    }

    /// Appends entries as JSON, each with a comma, up to one whose key is not exactly a `str` or
    /// whose value `shape` does not allow: that one is returned. Leaves are of any type unless `CHECKED`.
    #[inline]
    pub(crate) fn push_leaves<const CHECKED: bool>(
        &mut self,
        shape: Shape,
        out: &mut Vec<u8>,
    ) -> Option<Entry<'py>> {
        let mut pen = Pen::new(out);
        #[cfg(all(Py_3_13, not(Py_3_14), not(Py_GIL_DISABLED)))]
        // SAFETY: leaves are written without running Python code.
        if let Some(entries) = unsafe { entries_of(self.dict) } {
            let stop = self.push_table::<CHECKED>(&mut pen, entries, shape);
            pen.finish();
            return stop;
        }
        let mut stop = None;
        while stop.is_none()
            && let Some((key, value)) = next(self.dict, &mut self.position)
        {
            let entry = (key.as_borrowed(), value.as_borrowed());
            stop = self.put::<CHECKED>(&mut pen, entry, shape);
        }
        pen.finish();
        stop
    }

    /// One entry; it is returned where it was not written.
    #[inline(always)]
    fn put<const CHECKED: bool>(
        &self,
        pen: &mut Pen<'_>,
        (key, value): (Borrowed<'_, 'py, PyAny>, Borrowed<'_, 'py, PyAny>),
        shape: Shape,
    ) -> Option<Entry<'py>> {
        let key_is_written = self.keys && put_key(pen, key);
        if key_is_written && put_flat::<CHECKED>(pen, value, shape) {
            return None;
        }
        Some(Entry {
            key: key.to_owned(),
            value: value.to_owned(),
            key_is_written,
        })
    }

    /// The entries of a table; the position counts them as `PyDict_Next` does.
    #[cfg(all(Py_3_13, not(Py_3_14), not(Py_GIL_DISABLED)))]
    #[inline(always)]
    fn push_table<const CHECKED: bool>(
        &mut self,
        pen: &mut Pen<'_>,
        entries: &[super::dict_keys::Entry],
        shape: Shape,
    ) -> Option<Entry<'py>> {
        let py = self.dict.py();
        for entry in entries.get(self.position.cast_unsigned()..)? {
            self.position += 1;
            if entry.value.is_null() {
                continue;
            }
            // SAFETY: the dict owns it while nothing runs; it is dropped or made owned before that.
            let key = unsafe { Borrowed::from_ptr(py, entry.key) };
            // SAFETY: as above.
            let value = unsafe { Borrowed::from_ptr(py, entry.value) };
            let stop = self.put::<CHECKED>(pen, (key, value), shape);
            if stop.is_some() {
                return stop;
            }
        }
        None
    }
}

/// The entry at `position`, which moves on.
#[cfg(not(Py_GIL_DISABLED))]
#[inline]
fn next<'a, 'py>(
    dict: &'a Bound<'py, PyDict>,
    position: &mut ffi::Py_ssize_t,
) -> Option<(Kept<'a, 'py>, Kept<'a, 'py>)> {
    borrowed_next(dict, position)
}

/// The entry at `position`, which moves on.
#[cfg(Py_GIL_DISABLED)]
#[inline]
fn next<'a, 'py>(
    dict: &'a Bound<'py, PyDict>,
    position: &mut ffi::Py_ssize_t,
) -> Option<(Kept<'a, 'py>, Kept<'a, 'py>)> {
    with_critical_section(dict, || {
        let (key, value) = borrowed_next(dict, position)?;
        Some((key.to_owned(), value.to_owned()))
    })
}

/// With the interpreter's lock, or in the dict's critical section; both are borrowed until either is left.
#[inline]
fn borrowed_next<'a, 'py>(
    dict: &'a Bound<'py, PyDict>,
    position: &mut ffi::Py_ssize_t,
) -> Option<(Borrowed<'a, 'py, PyAny>, Borrowed<'a, 'py, PyAny>)> {
    let (mut key, mut value) = (null_mut(), null_mut());
    let at = &raw mut *position;
    // SAFETY: a dict, and this thread is attached. The function checks the position against the
    // dict as it is now, so earlier changes are harmless.
    let found = unsafe { ffi::PyDict_Next(dict.as_ptr(), at, &raw mut key, &raw mut value) };
    if found == 0 {
        return None;
    }
    // SAFETY: the dict owns both while nothing runs; they are dropped or made owned before that.
    let key = unsafe { Borrowed::from_ptr(dict.py(), key) };
    // SAFETY: as above.
    Some((key, unsafe { Borrowed::from_ptr(dict.py(), value) }))
}
