//! Objects made at the level of the interpreter's memory: instances by their type's allocator, members at their offsets.
//!
//! Knows nothing of what they are used for. Nothing here raises; None means that an exception is set.

#![allow(unsafe_code, reason = "this folder is where raw FFI lives")]

use std::ptr::{copy_nonoverlapping, null_mut};
use std::vec::Drain;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

/// A class whose instances hold members at known offsets: `__slots__`, msgspec's Struct.
#[derive(Debug)]
pub struct Slots {
    class: Py<PyType>,
    /// Offsets of the members, in bytes; None for what is no member.
    offsets: Box<[Option<usize>]>,
}

/// A new instance whose members are being filled.
pub(crate) struct Shell<'a, 'py> {
    object: Bound<'py, PyAny>,
    offsets: &'a [Option<usize>],
}

impl Slots {
    /// The members `names` of `class`; None where one is no member descriptor of an object.
    #[must_use]
    pub fn of(class: &Bound<'_, PyType>, names: &[Option<&str>]) -> Option<Self> {
        let mut offsets = Vec::with_capacity(names.len());
        for name in names {
            offsets.push(match name {
                Some(name) => Some(member_offset(class, name)?),
                None => None,
            });
        }
        Some(Self {
            class: class.clone().unbind(),
            offsets: offsets.into(),
        })
    }

    /// Whether the name at `index` is a member.
    #[inline]
    pub(crate) fn has(&self, index: usize) -> bool {
        self.offsets.get(index).is_some_and(Option::is_some)
    }

    /// A new instance with no member set, made without `__new__`; None where memory is short.
    #[inline]
    pub(crate) fn allocate<'a, 'py>(&'a self, py: Python<'py>) -> Option<Shell<'a, 'py>> {
        Some(Shell {
            object: allocate(self.class.bind(py))?,
            offsets: &self.offsets,
        })
    }
}

impl<'py> Shell<'_, 'py> {
    /// Sets the member `index`; false where it was set before, or is no member.
    #[inline]
    pub(crate) fn set(&mut self, index: usize, value: Bound<'py, PyAny>) -> bool {
        let Some(offset) = self.offsets[index] else {
            return false;
        };
        // SAFETY: `member_offset` proved that instances of the class hold an object or null there; it is ours alone.
        let member = unsafe { &mut *member_at(&self.object, offset) };
        if !member.is_null() {
            return false;
        }
        *member = value.into_ptr();
        true
    }

    /// The instance.
    #[inline]
    pub(crate) fn finish(self) -> Bound<'py, PyAny> {
        self.object
    }
}

/// A new, empty instance of `class`, whose type must need no `__new__` of its own.
#[inline]
pub(crate) fn allocate<'py>(class: &Bound<'py, PyType>) -> Option<Bound<'py, PyAny>> {
    let kind = class.as_type_ptr();
    // SAFETY: a ready type always has an allocator; this thread is attached.
    let made = unsafe { (*kind).tp_alloc.map_or(null_mut(), |alloc| alloc(kind, 0)) };
    // SAFETY: a new reference, or null.
    unsafe { Bound::from_owned_ptr_or_opt(class.py(), made) }
}

/// Whether `object.__new__` makes the instances of `class`, so that its allocator alone does the same.
pub(crate) fn has_plain_new(class: &Bound<'_, PyType>) -> bool {
    // SAFETY: a type object, of which one field is read.
    let new = unsafe { (*class.as_type_ptr()).tp_new };
    // SAFETY: `object` is a static type.
    let plain = unsafe { ffi::PyBaseObject_Type.tp_new };
    // SAFETY: a type object; the flags are read.
    let flags = unsafe { ffi::PyType_GetFlags(class.as_type_ptr()) };
    new.map(|new| new as usize) == plain.map(|new| new as usize)
        && flags & ffi::Py_TPFLAGS_IS_ABSTRACT == 0
}

/// The address of the member at `offset`.
///
/// # Safety
/// Instances of the object's class hold an object or null at `offset`.
#[inline]
unsafe fn member_at(object: &Bound<'_, PyAny>, offset: usize) -> *mut *mut ffi::PyObject {
    // SAFETY: the caller's promise; such members are aligned as pointers are.
    unsafe { object.as_ptr().byte_add(offset).cast() }
}

/// Where instances of `class` hold the member `name`: it must be a descriptor of an object that may be unset.
fn member_offset(class: &Bound<'_, PyType>, name: &str) -> Option<usize> {
    let found = class.getattr(name).ok()?;
    // SAFETY: only the address of a static type is taken.
    let kind = &raw mut ffi::PyMemberDescr_Type;
    if found.get_type().as_type_ptr() != kind {
        return None;
    }
    let descriptor = found.as_ptr().cast::<ffi::PyMemberDescrObject>();
    // SAFETY: the type says that it is such a descriptor, whose definition lives as long as it does.
    let (owner, member) = unsafe {
        (
            (*descriptor).d_common.d_type,
            &*(*descriptor).d_member.cast::<ffi::PyMemberDef>(),
        )
    };
    // SAFETY: both are type objects.
    let inherited = unsafe { ffi::PyType_IsSubtype(class.as_type_ptr(), owner) } != 0;
    // SAFETY: a type object, of which one field is read.
    let size = unsafe { (*class.as_type_ptr()).tp_basicsize }.cast_unsigned();
    let offset = usize::try_from(member.offset).ok()?;
    let fits = offset + size_of::<*mut ffi::PyObject>() <= size
        && offset.is_multiple_of(align_of::<usize>());
    (inherited && fits && member.type_code == ffi::Py_T_OBJECT_EX).then_some(offset)
}

/// An ASCII text as a `str`; None where it is too short to be made anew (the interpreter shares those) or
/// memory is short, which another way will say.
#[inline]
pub(crate) fn ascii_str<'py>(py: Python<'py>, text: &str) -> Option<Bound<'py, PyAny>> {
    if text.len() < 2 {
        return None;
    }
    // SAFETY: attached; a new, compact ASCII string of that many bytes, or null.
    let made = unsafe { ffi::PyUnicode_New(text.len().cast_signed(), 127) };
    // SAFETY: a new reference, or null.
    let made = unsafe { Bound::from_owned_ptr_or_opt(py, made) }?;
    debug_assert!(text.is_ascii());
    // SAFETY: the string is ours alone, compact, and has room for the text and a zero, which is set.
    unsafe {
        copy_nonoverlapping(
            text.as_ptr(),
            ffi::PyUnicode_DATA(made.as_ptr()).cast(),
            text.len(),
        );
    };
    Some(made)
}

/// A list of the items.
///
/// # Errors
/// `MemoryError`.
#[inline]
pub(crate) fn list_of<'py>(
    py: Python<'py>,
    items: Drain<'_, Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: attached; a new list whose items are all null.
    let made = unsafe { ffi::PyList_New(items.len().cast_signed()) };
    // SAFETY: a new reference, or null with an exception.
    let list = unsafe { Bound::from_owned_ptr_or_err(py, made) }?;
    for (index, item) in items.enumerate() {
        // SAFETY: the index is below the length; the list takes over the reference.
        unsafe { ffi::PyList_SET_ITEM(made, index.cast_signed(), item.into_ptr()) };
    }
    Ok(list)
}

/// As `object.__setattr__`.
///
/// # Errors
/// `AttributeError`, `MemoryError`.
#[inline]
pub(crate) fn set_attribute<'py>(
    object: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
    value: &Bound<'py, PyAny>,
) -> PyResult<()> {
    let (object, name, value, py) = (object.as_ptr(), name.as_ptr(), value.as_ptr(), value.py());
    // SAFETY: attached; three objects, the name is a str.
    match unsafe { ffi::PyObject_GenericSetAttr(object, name, value) } {
        0 => Ok(()),
        _ => Err(PyErr::fetch(py)),
    }
}
