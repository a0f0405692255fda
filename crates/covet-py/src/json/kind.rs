//! How the values of a type are encoded: decided once for each type, then looked up.
//!
//! The exact built-in types never come here. Must not hold its lock while Python code runs:
//! classifying a type and dropping one both may.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use covet_server::json::write;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyInt, PyList, PyString, PyTuple, PyType};

/// Types that are remembered. A program that makes more (in a loop, say) starts over, so that
/// the table neither grows nor keeps dead classes for ever.
const MAX_TYPES: usize = 1_024;

/// How the values of a type are encoded.
pub(super) enum Kind {
    /// A subclass of `str`: its text.
    Str,
    /// A subclass of `int`: its number.
    Int,
    /// A subclass of `float`: its number.
    Float,
    /// A subclass of `dict`: what its `items()` returns.
    Dict,
    /// A subclass of `list`.
    List,
    /// A subclass of `tuple`, named tuples too: an array.
    Tuple,
    /// A dataclass: an object of its declared fields.
    Dataclass(Box<[Field]>),
    /// An enumeration: the member's value.
    Enum,
    /// A UUID: text.
    Uuid,
    /// A date or a time: what its `isoformat()` returns.
    DateOrTime,
    /// A date with a time: as RFC 3339 where it knows its offset.
    DateTime,
}

/// A declared field of a dataclass.
pub(super) struct Field {
    /// The attribute, interned.
    pub(super) name: Py<PyString>,
    /// `"name":`, ready to append.
    pub(super) prefix: Box<[u8]>,
}

struct Entry {
    /// Keeps the type alive, so that its address is not given to another.
    _owner: Py<PyType>,
    kind: Arc<Kind>,
}

type Table = HashMap<usize, Entry, BuildHasherDefault<AddressHasher>>;

/// Of all threads: the worker's and, where handlers run in a pool, the pool's.
static TABLE: Mutex<Option<Table>> = Mutex::new(None);

/// The kind of the values of `value`'s type. None where JSON has no form for them.
///
/// # Errors
/// What Python code of the type raised while it was looked at.
pub(super) fn kind_of(value: &Bound<'_, PyAny>) -> PyResult<Option<Arc<Kind>>> {
    let address = value.get_type_ptr() as usize;
    let known = |table: &Table| table.get(&address).map(|entry| Arc::clone(&entry.kind));
    let remembered = TABLE
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .as_ref()
        .and_then(known);
    if remembered.is_some() {
        return Ok(remembered);
    }
    let owner = value.get_type();
    let Some(kind) = classify(&owner)? else {
        return Ok(None);
    };
    let kind = Arc::new(kind);
    remember(
        address,
        Entry {
            _owner: owner.unbind(),
            kind: Arc::clone(&kind),
        },
    );
    Ok(Some(kind))
}

fn remember(address: usize, entry: Entry) {
    let mut table = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
    let full = table.take_if(|table| table.len() >= MAX_TYPES);
    let replaced = table.get_or_insert_default().insert(address, entry);
    drop(table);
    // Only now: the last reference to a class may run Python code.
    drop((full, replaced));
}

fn classify(owner: &Bound<'_, PyType>) -> PyResult<Option<Kind>> {
    let py = owner.py();
    let is = |module: &str, name: &str| owner.is_subclass(&py.import(module)?.getattr(name)?);
    Ok(Some(if is("enum", "Enum")? {
        Kind::Enum
    } else if owner.hasattr(intern!(py, "__dataclass_fields__"))? {
        Kind::Dataclass(declared_fields(owner)?)
    } else if owner.is_subclass_of::<PyString>()? {
        Kind::Str
    } else if owner.is_subclass_of::<PyInt>()? {
        Kind::Int
    } else if owner.is_subclass_of::<PyFloat>()? {
        Kind::Float
    } else if owner.is_subclass_of::<PyDict>()? {
        Kind::Dict
    } else if owner.is_subclass_of::<PyList>()? {
        Kind::List
    } else if owner.is_subclass_of::<PyTuple>()? {
        Kind::Tuple
    } else if is("uuid", "UUID")? {
        Kind::Uuid
    } else if is("datetime", "datetime")? {
        Kind::DateTime
    } else if is("datetime", "date")? || is("datetime", "time")? {
        Kind::DateOrTime
    } else {
        return Ok(None);
    }))
}

fn declared_fields(owner: &Bound<'_, PyType>) -> PyResult<Box<[Field]>> {
    let py = owner.py();
    let fields = py.import("dataclasses")?.call_method1("fields", (owner,))?;
    let field = |field: PyResult<Bound<'_, PyAny>>| {
        let text: String = field?.getattr("name")?.extract()?;
        let mut prefix = Vec::new();
        write::write_str_then(&mut prefix, &text, b':');
        Ok(Field {
            name: PyString::intern(py, &text).unbind(),
            prefix: prefix.into(),
        })
    };
    fields.try_iter()?.map(field).collect()
}

/// Addresses of types are spread well enough by one multiplication.
#[derive(Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_usize(usize::from(byte));
        }
    }

    fn write_usize(&mut self, value: usize) {
        let mixed = (self.0 ^ value as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ (mixed >> 32);
    }
}
