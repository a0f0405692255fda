//! Reading the fields of objects from where their class keeps them: a slot at an offset, or the
//! values inside the object (CPython 3.13). What is kept in neither way is left to the caller.
//!
//! Where the fields are is found once for a class and holds as long as the class is not changed,
//! which its version tells.

#![allow(unsafe_code, reason = "reads the memory of instances")]
#![allow(
    clippy::cast_ptr_alignment,
    reason = "the interpreter aligns references in objects"
)]

use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};
use pyo3::{Borrowed, ffi};

use super::leaf::{Shape, put_flat};
use super::output::{Literal, Pen};

/// Where the objects of one class keep some of their fields.
#[derive(Debug)]
pub(crate) struct Members {
    class: Py<PyType>,
    /// The class's version when the places were found; zero is none.
    version: u32,
    places: Box<[Place]>,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    /// A reference at this offset of the object, null while it is not set.
    Offset(usize),
    /// This one of the object's inline values.
    #[cfg(all(Py_3_13, not(Py_3_14), not(Py_GIL_DISABLED)))]
    Inline(usize),
    /// Only Python's way finds it.
    Attribute,
}

/// How a field is written.
#[derive(Debug)]
pub(crate) struct Piece {
    /// Its name in quotes and the colon.
    pub(crate) key: Literal,
    /// What its value may be, to be written without ado.
    pub(crate) shape: Shape,
}

/// A field that was not written as a leaf.
pub(crate) struct Member<'py> {
    /// Which one.
    pub(crate) index: usize,
    /// Its value, where it is in its place. Otherwise its name has to be looked up.
    pub(crate) value: Option<Bound<'py, PyAny>>,
}

impl Members {
    /// Finds the fields `names` of `class`, of which there must have been an object already.
    pub(crate) fn of(class: &Bound<'_, PyType>, names: &[Bound<'_, PyString>]) -> Self {
        let plain = has_plain_attributes(class);
        let place = |name| {
            if plain {
                place_of(class, name)
            } else {
                Place::Attribute
            }
        };
        let places = names.iter().map(place).collect();
        Self {
            class: class.clone().unbind(),
            version: version(class.as_type_ptr()),
            places,
        }
    }

    /// Appends fields as JSON from number `from` on, each behind its key and with a comma, up
    /// to one that its shape does not allow: of that one the key is written, and it is returned. Lists are
    /// only written with `lists`; leaves are of any type unless `CHECKED`.
    #[inline]
    pub(crate) fn push_leaves<'py, const CHECKED: bool>(
        &self,
        object: &Bound<'py, PyAny>,
        pieces: &[Piece],
        from: usize,
        lists: bool,
        out: &mut Vec<u8>,
    ) -> Option<Member<'py>> {
        let holds = self.holds_for(object);
        let mut pen = Pen::new(out);
        let mut stop = None;
        for (index, piece) in pieces.iter().enumerate().skip(from) {
            piece.key.put(&mut pen);
            let value = if holds {
                self.read(object, index)
            } else {
                None
            };
            match value {
                Some(value) if put_flat::<CHECKED>(&mut pen, value, piece.shape.with(lists)) => {}
                value => {
                    let value = value.map(Borrowed::to_owned);
                    stop = Some(Member { index, value });
                    break;
                }
            }
        }
        pen.finish();
        stop
    }

    /// Whether the places are those of `object`. Without the interpreter's lock no memory is read: other threads write it.
    #[inline]
    fn holds_for(&self, object: &Bound<'_, PyAny>) -> bool {
        if cfg!(Py_GIL_DISABLED) {
            return false;
        }
        let class = object.get_type_ptr();
        class == self.class.as_ptr().cast() && self.version != 0 && version(class) == self.version
    }

    /// The places hold for `object`.
    #[inline]
    fn read<'a, 'py>(
        &self,
        object: &'a Bound<'py, PyAny>,
        index: usize,
    ) -> Option<Borrowed<'a, 'py, PyAny>> {
        let start = object.as_ptr().cast::<u8>();
        let value = match *self.places.get(index)? {
            // SAFETY: the class has a member of a reference there, and this is its object.
            Place::Offset(offset) => unsafe {
                start.add(offset).cast::<*mut ffi::PyObject>().read()
            },
            #[cfg(all(Py_3_13, not(Py_3_14), not(Py_GIL_DISABLED)))]
            Place::Inline(index) => inline::read(object, index),
            Place::Attribute => return None,
        };
        if value.is_null() {
            return None;
        }
        // SAFETY: the object owns it while nothing runs; users make it owned before that.
        Some(unsafe { Borrowed::from_ptr(object.py(), value) })
    }
}

/// Whether attributes of the class's objects are found by the usual rules.
fn has_plain_attributes(class: &Bound<'_, PyType>) -> bool {
    // SAFETY: a class, which lives.
    let getter = unsafe { (*class.as_type_ptr()).tp_getattro };
    let usual: ffi::getattrofunc = ffi::PyObject_GenericGetAttr;
    getter.is_some_and(|getter| std::ptr::fn_addr_eq(getter, usual))
}

#[inline]
fn version(class: *mut ffi::PyTypeObject) -> u32 {
    // SAFETY: the class of a live object, or one that is held.
    unsafe { (*class).tp_version_tag }
}

fn place_of(class: &Bound<'_, PyType>, name: &Bound<'_, PyString>) -> Place {
    // For its effect: a look-up gives the class a version.
    let _ = class.getattr(name);
    let mro = class.mro();
    let mut namespaces = mro.iter().filter_map(|base| base.getattr("__dict__").ok());
    let Some(descriptor) = namespaces.find_map(|names| names.get_item(name).ok()) else {
        return inline_place(class, name);
    };
    if let Some(offset) = slot_offset(class, &descriptor) {
        return Place::Offset(offset);
    }
    // A class attribute that is no descriptor is a default.
    let is_descriptor = |method| descriptor.get_type().hasattr(method).unwrap_or(true);
    if is_descriptor("__get__") || is_descriptor("__set__") {
        return Place::Attribute;
    }
    inline_place(class, name)
}

/// The offset of a member that holds a reference, such as `__slots__` makes.
#[cfg(not(Py_GIL_DISABLED))]
fn slot_offset(class: &Bound<'_, PyType>, descriptor: &Bound<'_, PyAny>) -> Option<usize> {
    if descriptor.get_type_ptr() != &raw mut ffi::PyMemberDescr_Type {
        return None;
    }
    // SAFETY: the type was compared, and such a descriptor keeps its definition.
    let found = unsafe { &*descriptor.as_ptr().cast::<ffi::PyMemberDescrObject>() };
    // SAFETY: as above.
    let (owner, member) = unsafe { (found.d_common.d_type, &*found.d_member) };
    // SAFETY: both are classes, which live.
    let inherits = unsafe { ffi::PyType_IsSubtype(class.as_type_ptr(), owner) } != 0;
    let is_reference =
        member.type_code == ffi::Py_T_OBJECT_EX && member.flags & !ffi::Py_READONLY == 0;
    (inherits && is_reference).then(|| usize::try_from(member.offset).ok())?
}

#[cfg(Py_GIL_DISABLED)]
fn slot_offset(_class: &Bound<'_, PyType>, _descriptor: &Bound<'_, PyAny>) -> Option<usize> {
    None
}

#[cfg(all(Py_3_13, not(Py_3_14), not(Py_GIL_DISABLED)))]
fn inline_place(class: &Bound<'_, PyType>, name: &Bound<'_, PyString>) -> Place {
    inline::index(class, name).map_or(Place::Attribute, Place::Inline)
}

#[cfg(not(all(Py_3_13, not(Py_3_14), not(Py_GIL_DISABLED))))]
fn inline_place(_class: &Bound<'_, PyType>, _name: &Bound<'_, PyString>) -> Place {
    Place::Attribute
}

/// The values that CPython 3.13 keeps behind an object's head, in the order of keys which its
/// class has. An index, once given to a key, is never given to another.
#[cfg(all(Py_3_13, not(Py_3_14), not(Py_GIL_DISABLED)))]
mod inline {
    use super::super::dict_keys::{SPLIT, entries};
    use super::{Bound, PyAny, PyString, PyType, PyTypeMethods, ffi};

    /// `Py_TPFLAGS_INLINE_VALUES`
    const HAS_INLINE_VALUES: std::ffi::c_ulong = 1 << 2;

    /// `struct _dictvalues`, without what follows its head: the references.
    #[repr(C)]
    struct Values {
        capacity: u8,
        size: u8,
        embedded: u8,
        valid: u8,
    }

    /// The index of the value whose key is `name`.
    pub(super) fn index(class: &Bound<'_, PyType>, name: &Bound<'_, PyString>) -> Option<usize> {
        let address = class.as_type_ptr();
        // SAFETY: a class, which lives.
        let flags = unsafe { (*address).tp_flags };
        if flags & HAS_INLINE_VALUES == 0 {
            return None;
        }
        // SAFETY: only a class made by a class statement has the flag, and it has these keys.
        let keys = unsafe { (*address.cast::<ffi::PyHeapTypeObject>()).ht_cached_keys };
        // SAFETY: null or the keys of a class, which live as long as it; nothing runs meanwhile.
        let entries = unsafe { entries(keys.cast(), SPLIT) }?;
        entries.iter().position(|entry| entry.key == name.as_ptr())
    }

    /// The value number `index` of an object whose class has the flag; null where it is not set or
    /// the object keeps its values elsewhere by now.
    #[inline]
    pub(super) fn read(object: &Bound<'_, PyAny>, index: usize) -> *mut ffi::PyObject {
        // SAFETY: behind the head of such an object are its values.
        let values = unsafe { object.as_ptr().add(1) }.cast::<Values>();
        // SAFETY: as above.
        let head = unsafe { &*values };
        if head.valid == 0 || index >= usize::from(head.capacity) {
            return std::ptr::null_mut();
        }
        // SAFETY: the references follow a head of one word, and there are `capacity` of them.
        unsafe { values.cast::<*mut ffi::PyObject>().add(1 + index).read() }
    }
}
