//! An object with known fields: what is built, how, and from which fields.

use std::collections::HashMap;

use covet_server::json::KeyPattern;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

use super::{NodeId, Wire};
use crate::runtime::building::Slots;
use crate::runtime::inline_values::InlineValues;

/// How an object is built from its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// Allocated, then each field written through its member descriptor.
    Slots,
    /// Allocated, then each field as by `object.__setattr__`.
    Attributes,
    /// `cls(**fields)`.
    Call,
    /// A plain dict.
    Dict,
    /// `tuple.__new__(cls, values)`.
    Tuple,
}

/// The value of a field that is absent.
#[derive(Debug)]
pub enum Default {
    /// There is none: absent is an error, or stays absent (`dict`, `call`).
    None,
    /// This object.
    Value(Py<PyAny>),
    /// A copy of this list, dict or set.
    Copied(Py<PyAny>),
    /// What this returns.
    Factory(Py<PyAny>),
}

/// One field of an object.
#[derive(Debug)]
pub struct Field {
    /// The attribute, keyword or key in Python.
    pub name: Py<PyString>,
    /// What [`Build::Call`] passes it as, where that is not `name`.
    pub keyword: Option<Py<PyString>>,
    /// The name on the wire.
    pub alias: String,
    /// Its type.
    pub node: NodeId,
    /// The object that stands for no field: one that is this very object is not written.
    pub absent: Option<Py<PyAny>>,
    /// Whether absent is an error.
    pub required: bool,
    /// What it is where it is absent.
    pub default: Default,
    /// Passed to `__post_init__`, not stored.
    pub init_only: bool,
    /// False: never read from the wire.
    pub init: bool,
}

/// A constant field on the wire.
#[derive(Debug)]
pub struct Tag {
    /// Its name.
    pub field: String,
    /// Its name, as it is mostly written.
    pub key: KeyPattern,
    /// Its value on the wire.
    pub wire: Wire,
    /// Its value.
    pub value: Py<PyAny>,
}

/// An object with known fields.
#[derive(Debug)]
pub struct Object {
    /// What is built.
    pub class: Py<PyType>,
    /// For messages.
    pub name: String,
    /// How it is built.
    pub build: Build,
    /// Whether the type's allocator makes its instances, without `__new__`.
    pub plain_new: bool,
    /// For [`Build::Slots`]: the members, numbered as `fields` are.
    pub slots: Option<Slots>,
    /// For [`Build::Attributes`]: where instances hold them, if that is known.
    pub inline: Option<InlineValues>,
    /// In declared order.
    pub fields: Vec<Field>,
    /// Whether unknown fields are errors; None: as the caller says.
    pub forbid_unknown: Option<bool>,
    /// Whether `__post_init__` is called.
    pub post_init: bool,
    /// The constant field.
    pub tag: Option<Tag>,
    /// The fields that are read, in declared order.
    pub wire: Vec<WireField>,
    /// The place in `wire` by alias.
    pub places: HashMap<String, usize>,
}

/// A field that is read, as its reader needs it.
#[derive(Debug)]
pub struct WireField {
    /// Its place in `fields`.
    pub place: usize,
    /// Its type.
    pub node: NodeId,
    /// Its alias, as it is mostly written.
    pub key: KeyPattern,
}
