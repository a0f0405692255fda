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

use super::fields::{Fields, Names};
use crate::runtime::output::Literal;

/// Types that are remembered. A program that makes more (in a loop, say) starts over, so that
/// the table neither grows nor keeps dead classes for ever.
const MAX_TYPES: usize = 1_024;

/// How the values of a type are encoded.
pub(crate) enum Kind {
    /// A subclass of `str`: its text.
    Str,
    /// A subclass of `int`: its number.
    Int,
    /// A subclass of `float`: its number.
    Float,
    /// A mapping, a subclass of `dict` too: what its `items()` returns.
    Mapping,
    /// A subclass of `list`.
    List,
    /// A subclass of `tuple`: an array.
    Tuple,
    /// A named tuple: an object.
    Named(Names),
    /// A set, deque or other sequence: an array of what iterating gives.
    Iterable,
    /// A dataclass, Struct or attrs class: an object of its declared fields.
    Object(Box<Fields>),
    /// A pydantic model: what its `model_dump()` returns.
    Model,
    /// An enumeration: the member's value.
    Enum,
    /// A string.
    Text(Text),
    /// JSON has no form for it.
    Unknown,
}

/// How a value becomes text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    /// 8-4-4-4-12 hexadecimal digits.
    Uuid,
    /// RFC 3339 where it knows its offset.
    DateTime,
    /// RFC 3339's full-date.
    Date,
    /// RFC 3339's time.
    Time,
    /// An ISO 8601 duration.
    Duration,
    /// Base64.
    Bytes,
    /// What `str()` gives.
    Str,
}

/// The kinds of the types that were met last, without a lock.
#[derive(Default)]
pub(crate) struct KindCache([Option<(Py<PyType>, Arc<Kind>)>; 4]);

impl KindCache {
    /// The kind of the values of `value`'s type.
    ///
    /// # Errors
    /// What Python code of the type raised while it was looked at.
    #[inline]
    pub(crate) fn of(&mut self, value: &Bound<'_, PyAny>) -> PyResult<Arc<Kind>> {
        let address = value.get_type_ptr() as usize;
        let slot = (address >> 5 ^ address >> 9) % self.0.len();
        if let Some((known, kind)) = &self.0[slot]
            && known.as_ptr() as usize == address
        {
            return Ok(Arc::clone(kind));
        }
        let kind = kind_of(value)?;
        let owner = value.get_type().unbind();
        self.0[slot] = Some((owner, Arc::clone(&kind)));
        Ok(kind)
    }
}

struct Entry {
    /// Keeps the type alive, so that its address is not given to another.
    _owner: Py<PyType>,
    kind: Arc<Kind>,
}

type Table = HashMap<usize, Entry, BuildHasherDefault<AddressHasher>>;

/// Of all threads: the worker's and, where handlers run in a pool, the pool's.
static TABLE: Mutex<Option<Table>> = Mutex::new(None);

/// The kind of the values of `value`'s type.
fn kind_of(value: &Bound<'_, PyAny>) -> PyResult<Arc<Kind>> {
    let address = value.get_type_ptr() as usize;
    let known = |table: &Table| table.get(&address).map(|entry| Arc::clone(&entry.kind));
    let remembered = TABLE
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .as_ref()
        .and_then(known);
    if let Some(kind) = remembered {
        return Ok(kind);
    }
    let owner = value.get_type();
    let kind = Arc::new(classify(&owner)?);
    remember(
        address,
        Entry {
            _owner: owner.unbind(),
            kind: Arc::clone(&kind),
        },
    );
    Ok(kind)
}

fn remember(address: usize, entry: Entry) {
    let mut table = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
    let full = table.take_if(|table| table.len() >= MAX_TYPES);
    let replaced = table.get_or_insert_default().insert(address, entry);
    drop(table);
    // Only now: the last reference to a class may run Python code.
    drop((full, replaced));
}

fn classify(owner: &Bound<'_, PyType>) -> PyResult<Kind> {
    let is = |module, name| is_subclass(owner, module, name);
    Ok(if is("enum", "Enum")? {
        Kind::Enum
    } else if let Some(fields) = declared_fields(owner)? {
        Kind::Object(Box::new(fields))
    } else if owner.is_subclass_of::<PyString>()? {
        Kind::Str
    } else if owner.is_subclass_of::<PyInt>()? {
        Kind::Int
    } else if owner.is_subclass_of::<PyFloat>()? {
        Kind::Float
    } else if owner.is_subclass_of::<PyDict>()? {
        Kind::Mapping
    } else if owner.is_subclass_of::<PyList>()? {
        Kind::List
    } else if owner.is_subclass_of::<PyTuple>()? {
        Names::of(owner).map_or(Kind::Tuple, Kind::Named)
    } else if let Some(text) = text_of(owner)? {
        Kind::Text(text)
    } else if owner.hasattr(intern!(owner.py(), "__pydantic_serializer__"))?
        && owner.hasattr(intern!(owner.py(), "model_dump"))?
    {
        Kind::Model
    } else if is("collections.abc", "Mapping")? {
        Kind::Mapping
    } else if is("collections.abc", "Set")? && !is("collections.abc", "MappingView")?
        || is("collections.abc", "Sequence")?
    {
        Kind::Iterable
    } else {
        Kind::Unknown
    })
}

/// The types of the standard library that are written as text, most used first.
const TEXTS: [(&str, &str, Text); 15] = [
    ("uuid", "UUID", Text::Uuid),
    ("datetime", "datetime", Text::DateTime),
    ("datetime", "date", Text::Date),
    ("datetime", "time", Text::Time),
    ("datetime", "timedelta", Text::Duration),
    ("decimal", "Decimal", Text::Str),
    ("builtins", "bytes", Text::Bytes),
    ("builtins", "bytearray", Text::Bytes),
    ("builtins", "memoryview", Text::Bytes),
    ("pathlib", "PurePath", Text::Str),
    ("ipaddress", "_BaseAddress", Text::Str),
    ("ipaddress", "_BaseNetwork", Text::Str),
    ("ipaddress", "IPv4Interface", Text::Str),
    ("ipaddress", "IPv6Interface", Text::Str),
    ("zoneinfo", "ZoneInfo", Text::Str),
];

fn text_of(owner: &Bound<'_, PyType>) -> PyResult<Option<Text>> {
    for (module, name, text) in TEXTS {
        if is_subclass(owner, module, name)? {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

/// Whether `owner` inherits the class `name` of `module`: not where the module was never loaded.
fn is_subclass(owner: &Bound<'_, PyType>, module: &str, name: &str) -> PyResult<bool> {
    let modules = owner.py().import("sys")?.getattr("modules")?;
    match modules.cast::<PyDict>()?.get_item(module)? {
        Some(module) => owner.is_subclass(&module.getattr(name)?),
        None => Ok(false),
    }
}

/// The fields of a dataclass, an attrs class or a Struct.
fn declared_fields(owner: &Bound<'_, PyType>) -> PyResult<Option<Fields>> {
    let py = owner.py();
    let by_name = |fields: Bound<'_, PyAny>| {
        let name = |field: PyResult<Bound<'_, PyAny>>| {
            let name: String = field?.getattr("name")?.extract()?;
            Ok((name.clone(), name))
        };
        fields.try_iter()?.map(name).collect::<PyResult<Vec<_>>>()
    };
    if owner.hasattr(intern!(py, "__dataclass_fields__"))? {
        let fields = py.import("dataclasses")?.call_method1("fields", (owner,))?;
        return Ok(Some(Fields::of(owner, &by_name(fields)?, None)));
    }
    if owner.hasattr(intern!(py, "__attrs_attrs__"))? {
        let fields = owner.getattr("__attrs_attrs__")?;
        return Ok(Some(Fields::of(owner, &by_name(fields)?, None)));
    }
    if !is_subclass(owner, "msgspec", "Struct")? {
        return Ok(None);
    }
    let names: Vec<String> = owner.getattr("__struct_fields__")?.extract()?;
    let wire: Vec<String> = owner.getattr("__struct_encode_fields__")?.extract()?;
    let fields: Vec<_> = names.into_iter().zip(wire).collect();
    let mut fields = Fields::of(owner, &fields, struct_tag(owner)?);
    fields.unset = Some(py.import("msgspec")?.getattr("UNSET")?.unbind());
    Ok(Some(fields))
}

/// `"tag_field":tag,` where a Struct has a tag.
fn struct_tag(owner: &Bound<'_, PyType>) -> PyResult<Option<Literal>> {
    let config = owner.getattr("__struct_config__")?;
    let (field, tag) = (config.getattr("tag_field")?, config.getattr("tag")?);
    if tag.is_none() || field.is_none() {
        return Ok(None);
    }
    let mut text = Vec::new();
    write::write_str_then(&mut text, &field.extract::<String>()?, b':');
    match tag.extract::<i64>() {
        Ok(number) => write::write_i64_then(&mut text, number, b','),
        Err(_) => write::write_str_then(&mut text, &tag.extract::<String>()?, b','),
    }
    Ok(Some(Literal::new(&text)))
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
