//! Walking the built-in containers with references that the container owns.
//!
//! A borrowed item is safe while no Python code runs. So leaves are written here, where none
//! does, and whatever may run some is handed out as a reference of its own. The containers may
//! change between two calls: each call looks at them anew.
//!
//! Where there is no interpreter's lock, other threads change containers at any moment. There a copy is walked, which
//! the interpreter makes at once and nobody else has ([`Walked`]): what is written was in the container at one moment.

#![allow(unsafe_code, reason = "borrows what containers own")]
#![allow(clippy::inline_always, reason = "see `output`")]

#[cfg(Py_GIL_DISABLED)]
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::null_mut;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use pyo3::{Borrowed, ffi};

#[cfg(all(Py_3_13, not(Py_3_14), not(Py_GIL_DISABLED)))]
use super::dict_keys::entries_of;
use super::leaf::{Shape, put_flat, put_key};
use super::output::Pen;

/// What is walked: the container itself.
#[cfg(not(Py_GIL_DISABLED))]
struct Walked<'a, 'py, T>(&'a Bound<'py, T>);

/// What is walked: a copy of the container.
#[cfg(Py_GIL_DISABLED)]
struct Walked<'a, 'py, T>(Bound<'py, T>, PhantomData<&'a T>);

impl<'py, T> Deref for Walked<'_, 'py, T> {
    type Target = Bound<'py, T>;

    #[inline(always)]
    fn deref(&self) -> &Bound<'py, T> {
        #[cfg(not(Py_GIL_DISABLED))]
        return self.0;
        #[cfg(Py_GIL_DISABLED)]
        return &self.0;
    }
}

impl<'a, 'py> Walked<'a, 'py, PyList> {
    #[inline]
    fn list(list: &'a Bound<'py, PyList>) -> Self {
        #[cfg(not(Py_GIL_DISABLED))]
        return Self(list);
        #[cfg(Py_GIL_DISABLED)]
        return Self(list.get_slice(0, isize::MAX.cast_unsigned()), PhantomData);
    }
}

impl<'a, 'py> Walked<'a, 'py, PyDict> {
    #[inline]
    #[cfg_attr(
        not(Py_GIL_DISABLED),
        allow(clippy::unnecessary_wraps, reason = "a copy may not fit")
    )]
    fn dict(dict: &'a Bound<'py, PyDict>) -> PyResult<Self> {
        #[cfg(not(Py_GIL_DISABLED))]
        return Ok(Self(dict));
        #[cfg(Py_GIL_DISABLED)]
        return Ok(Self(dict.copy()?, PhantomData));
    }
}

/// The items of a list, in order.
pub(crate) struct ListItems<'a, 'py> {
    list: Walked<'a, 'py, PyList>,
    next: usize,
}

impl<'a, 'py> ListItems<'a, 'py> {
    /// Starts at the first item.
    #[inline]
    pub(crate) fn new(list: &'a Bound<'py, PyList>) -> Self {
        let list = Walked::list(list);
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
        while stop.is_none() && self.next < self.list.len() {
            let item = borrow(&self.list, self.next);
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

/// `index` is below the list's length.
#[inline]
fn borrow<'a, 'py>(list: &'a Bound<'py, PyList>, index: usize) -> Borrowed<'a, 'py, PyAny> {
    let index = index.cast_signed();
    // SAFETY: the caller compared the index with the length, and nothing ran since.
    let item = unsafe { ffi::PyList_GET_ITEM(list.as_ptr(), index) };
    // SAFETY: the list owns it while nothing runs; it is dropped or made owned before that.
    unsafe { Borrowed::from_ptr(list.py(), item) }
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
    dict: Walked<'a, 'py, PyDict>,
    /// Where `PyDict_Next` goes on: zero at first, then only what that function stored.
    position: ffi::Py_ssize_t,
    /// Whether keys are written here.
    keys: bool,
}

impl<'a, 'py> DictEntries<'a, 'py> {
    /// Starts at the first entry. Without `keys`, keys are left to the caller, and so is every entry.
    ///
    /// # Errors
    /// `MemoryError`, where a copy is walked.
    #[inline]
    pub(crate) fn new(dict: &'a Bound<'py, PyDict>, keys: bool) -> PyResult<Self> {
        let position = 0;
        Ok(Self {
            dict: Walked::dict(dict)?,
            position,
            keys,
        })
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
        if let Some(entries) = unsafe { entries_of(self.dict.0) } {
            let stop = self.push_table::<CHECKED>(&mut pen, entries, shape);
            pen.finish();
            return stop;
        }
        let mut stop = None;
        while stop.is_none()
            && let Some((key, value)) = next(&self.dict, &mut self.position)
        {
            stop = put::<CHECKED>(&mut pen, (key, value), self.keys, shape);
        }
        pen.finish();
        stop
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
            let stop = put::<CHECKED>(pen, (key, value), self.keys, shape);
            if stop.is_some() {
                return stop;
            }
        }
        None
    }
}

/// One entry; it is returned where it was not written. The key is only tried where `keys` says so.
#[inline(always)]
fn put<'py, const CHECKED: bool>(
    pen: &mut Pen<'_>,
    (key, value): (Borrowed<'_, 'py, PyAny>, Borrowed<'_, 'py, PyAny>),
    keys: bool,
    shape: Shape,
) -> Option<Entry<'py>> {
    let key_is_written = keys && put_key(pen, key);
    if key_is_written && put_flat::<CHECKED>(pen, value, shape) {
        return None;
    }
    Some(Entry {
        key: key.to_owned(),
        value: value.to_owned(),
        key_is_written,
    })
}

/// The entry at `position`, which moves on.
#[inline]
fn next<'a, 'py>(
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
