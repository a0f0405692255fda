//! Instances of CPython 3.13 that hold their attributes in themselves: written there at once, instead of one
//! `setattr` for each.
//!
//! Behind such an instance lie four bytes (capacity, number, embedded, valid; `_dictvalues` of `pycore_dict.h`),
//! padding, the values, and one byte for each value that says in which order they were set. The places of a class's
//! attributes are learned from an instance that was filled by `setattr`; where anything looks otherwise, of another
//! version too, nothing is learned and `setattr` it is.

#![allow(unsafe_code, reason = "this folder is where raw FFI lives")]

use std::slice::from_raw_parts;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType};

use super::building::{allocate, has_plain_new, set_attribute};

/// `Py_TPFLAGS_INLINE_VALUES`.
const INLINE_VALUES: std::ffi::c_ulong = 1 << 2;

/// Bytes before the values.
const HEADER: usize = 8;

/// The most values that an instance holds (`SHARED_KEYS_MAX_SIZE`).
const MOST: usize = 30;

/// Where the instances of a class hold their attributes.
#[derive(Debug)]
pub struct InlineValues {
    class: Py<PyType>,
    /// The size of an instance without its values, in bytes.
    size: usize,
    /// The place of each attribute among the values, in the order of the attributes; None for what is none.
    places: Box<[Option<u8>]>,
    /// The places of those that are attributes.
    order: Box<[u8]>,
    /// The least capacity that has room for every place.
    room: u8,
}

impl InlineValues {
    /// Learns the places of the attributes `names` of `class`; None where instances are otherwise.
    pub(crate) fn learn(
        class: &Bound<'_, PyType>,
        names: &[Option<&Bound<'_, PyString>>],
    ) -> Option<Self> {
        let py = class.py();
        let attributes: Vec<_> = names.iter().copied().flatten().collect();
        if !is_known(class) || attributes.is_empty() || attributes.len() > MOST {
            return None;
        }
        let markers = markers(py, attributes.len())?;
        let filled = allocate(class)?;
        for (name, marker) in attributes.iter().zip(&markers) {
            set_attribute(&filled, name, marker).ok()?;
        }
        let mut learned = Self {
            class: class.clone().unbind(),
            size: basic_size(class),
            places: Box::new([]),
            order: Box::new([]),
            room: 0,
        };
        let (values, order) = learned.look(&filled, attributes.len())?;
        let place =
            |marker: &Bound<'_, PyAny>| values.iter().position(|&value| value == marker.as_ptr());
        let places: Option<Vec<u8>> = markers
            .iter()
            .map(|marker| place(marker).map(|at| at as u8))
            .collect();
        learned.order = places?.into();
        learned.room = learned.order.iter().max()? + 1;
        let others = values.iter().filter(|value| !value.is_null()).count();
        if order != &*learned.order || others != attributes.len() {
            return None;
        }
        let mut next = learned.order.iter().copied();
        learned.places = names
            .iter()
            .map(|name| name.and_then(|_| next.next()))
            .collect();
        learned
            .does_the_same(&filled, names, &markers)
            .then_some(learned)
    }

    /// Whether an instance that is made of the markers has the attributes of `filled`, in its order.
    fn does_the_same(
        &self,
        filled: &Bound<'_, PyAny>,
        names: &[Option<&Bound<'_, PyString>>],
        markers: &[Bound<'_, PyAny>],
    ) -> bool {
        let mut rest = markers.iter().cloned();
        let mut cells: Vec<_> = names
            .iter()
            .map(|name| name.and_then(|_| rest.next()))
            .collect();
        let Some(made) = self.make(filled.py(), &mut cells) else {
            return false;
        };
        let found = |object: &Bound<'_, PyAny>| -> PyResult<Vec<(String, usize)>> {
            let attributes = object.getattr("__dict__")?.cast_into::<PyDict>()?;
            let pairs = attributes.iter();
            Ok(pairs
                .map(|(name, value)| (name.to_string(), value.as_ptr() as usize))
                .collect())
        };
        matches!((found(&made), found(filled)), (Ok(made), Ok(filled)) if made == filled)
    }

    /// A new instance that takes its attributes from `cells`, where all have one; else None, with nothing taken.
    #[inline]
    pub(crate) fn make<'py>(
        &self,
        py: Python<'py>,
        cells: &mut [Option<Bound<'py, PyAny>>],
    ) -> Option<Bound<'py, PyAny>> {
        let is_whole = self
            .places
            .iter()
            .zip(&*cells)
            .all(|(place, cell)| place.is_none() || cell.is_some());
        if !is_whole || cells.len() != self.places.len() {
            return None;
        }
        let made = allocate(self.class.bind(py))?;
        let start = self.values_of(&made);
        // SAFETY: the instance has a header, as was learned of its class; it is ours alone.
        let header = unsafe { &mut *start.cast::<[u8; 4]>() };
        let [capacity, 0, 1, 1] = *header else {
            return None;
        };
        if capacity < self.room || usize::from(capacity) > MOST {
            return None;
        }
        header[1] = self.order.len() as u8;
        for (place, cell) in self.places.iter().zip(cells) {
            if let (Some(place), Some(value)) = (place, cell.take_if(|_| place.is_some())) {
                // SAFETY: the place is below the capacity; a new instance has null there.
                unsafe { value_at(start, (*place).into()).write(value.into_ptr()) };
            }
        }
        // SAFETY: the bytes behind the values, one for each; `order` is no longer than the capacity.
        unsafe {
            value_at(start, capacity.into())
                .cast::<u8>()
                .copy_from(self.order.as_ptr(), self.order.len());
        };
        Some(made)
    }

    /// The values of an instance in which `count` are set, and the order of those; None where it is otherwise.
    fn look<'a>(
        &self,
        object: &'a Bound<'_, PyAny>,
        count: usize,
    ) -> Option<(&'a [*mut ffi::PyObject], &'a [u8])> {
        let start = self.values_of(object);
        // SAFETY: `is_known` says that a header of four bytes follows the instance.
        let [capacity, size, embedded, valid] = unsafe { start.cast::<[u8; 4]>().read() };
        let capacity = usize::from(capacity);
        let is_expected = usize::from(size) == count && embedded == 1 && valid == 1;
        if !is_expected || capacity < count || capacity > MOST {
            return None;
        }
        // SAFETY: the header says how many values there are; they stay while `object` is borrowed and untouched.
        let values = unsafe { from_raw_parts(value_at(start, 0), capacity) };
        // SAFETY: as many bytes follow the values.
        let order = unsafe { from_raw_parts(value_at(start, capacity).cast::<u8>(), count) };
        Some((values, order))
    }

    #[inline]
    fn values_of(&self, object: &Bound<'_, PyAny>) -> *mut u8 {
        object.as_ptr().cast::<u8>().wrapping_add(self.size)
    }
}

/// The address of the value at `place`.
///
/// # Safety
/// `start` is the header of an instance's values, and `place` is at most its capacity.
#[inline]
#[allow(
    clippy::cast_ptr_alignment,
    reason = "the header follows an instance, whose size is a multiple of a pointer's"
)]
unsafe fn value_at(start: *mut u8, place: usize) -> *mut *mut ffi::PyObject {
    // SAFETY: the caller's promise; the values are aligned as pointers are.
    unsafe { start.add(HEADER).cast::<*mut ffi::PyObject>().add(place) }
}

/// Whether the interpreter and the class are what this file is about. `__del__` would see the instances learned from.
fn is_known(class: &Bound<'_, PyType>) -> bool {
    let version = class.py().version_info();
    if (version.major, version.minor) != (3, 13) || !has_gil(class.py()) || size_of::<usize>() != 8
    {
        return false;
    }
    // SAFETY: a type object; its flags are read.
    let flags = unsafe { ffi::PyType_GetFlags(class.as_type_ptr()) };
    // SAFETY: a type object, of which one field is read.
    let items = unsafe { (*class.as_type_ptr()).tp_itemsize };
    let is_inline = flags & INLINE_VALUES != 0
        && items == 0
        && basic_size(class).is_multiple_of(size_of::<usize>());
    is_inline && has_plain_new(class) && !class.hasattr("__del__").unwrap_or(true)
}

/// Whether the interpreter was built with the lock that this file relies on.
fn has_gil(py: Python<'_>) -> bool {
    let flags = py.import("sys").and_then(|sys| sys.getattr("abiflags"));
    flags.is_ok_and(|flags| !flags.to_string().contains('t'))
}

fn basic_size(class: &Bound<'_, PyType>) -> usize {
    // SAFETY: a type object, of which one field is read.
    unsafe { (*class.as_type_ptr()).tp_basicsize }.cast_unsigned()
}

/// Objects that are all distinct.
fn markers(py: Python<'_>, count: usize) -> Option<Vec<Bound<'_, PyAny>>> {
    let class = py.import("builtins").ok()?.getattr("object").ok()?;
    (0..count).map(|_| class.call0().ok()).collect()
}
