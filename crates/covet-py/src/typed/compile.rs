//! From the Python tree of `covet._types.nodes` to the arena: attributes are read once, by name.
//!
//! Nodes are known by identity, because the tree may contain itself. What cannot be compiled is a
//! mistake of the application and raises `ConfigurationError`.

use std::collections::HashMap;

use covet_server::json::KeyPattern;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString,
    PyTuple, PyType,
};
use regex::Regex;

use super::node::{
    Bound as Limit, Build, Checked, Choice, Custom, Default, Dict, Field, JsonKind, Lengths, List,
    ListKind, Node, NodeId, Object, StrRules, Tag, Text, TextName, Union, Unix, Wire, WireField,
};
use super::problems::Code;
use super::union::find_candidates;
use crate::imports;
use crate::runtime::building::{self, Slots};
use crate::runtime::inline_values::InlineValues;

/// Compiles `root` and all it refers to. The root is the first node.
///
/// # Errors
/// `ConfigurationError`, or what reading an attribute raised.
pub(super) fn compile(root: &Bound<'_, PyAny>) -> PyResult<Vec<Node>> {
    let mut compiler = Compiler {
        nodes: Vec::new(),
        known: HashMap::new(),
        kept: Vec::new(),
        waiting: Vec::new(),
    };
    compiler.id(root)?;
    while let Some((id, node)) = compiler.waiting.pop() {
        compiler.nodes[id as usize] = compiler.node(&node)?;
    }
    let mut nodes = compiler.nodes;
    find_candidates(&mut nodes);
    Ok(nodes)
}

struct Compiler<'py> {
    nodes: Vec<Node>,
    /// By the address of the Python node.
    known: HashMap<usize, NodeId>,
    /// Keeps every node alive, so that an address means one node.
    kept: Vec<Bound<'py, PyAny>>,
    /// Nodes that have a place and are not compiled yet.
    waiting: Vec<(NodeId, Bound<'py, PyAny>)>,
}

impl<'py> Compiler<'py> {
    /// The place of `node`, which is compiled later: no recursion, however deep the tree.
    fn id(&mut self, node: &Bound<'py, PyAny>) -> PyResult<NodeId> {
        if let Some(&id) = self.known.get(&(node.as_ptr() as usize)) {
            return Ok(id);
        }
        let id = NodeId::try_from(self.nodes.len())
            .map_err(|_| PyValueError::new_err("a type of more than 2^32 nodes"))?;
        self.nodes.push(Node::Any);
        self.known.insert(node.as_ptr() as usize, id);
        self.kept.push(node.clone());
        self.waiting.push((id, node.clone()));
        Ok(id)
    }

    fn child(&mut self, node: &Bound<'py, PyAny>, name: &str) -> PyResult<NodeId> {
        self.id(&node.getattr(name)?)
    }

    fn children(&mut self, node: &Bound<'py, PyAny>, name: &str) -> PyResult<Vec<NodeId>> {
        let children = node.getattr(name)?;
        children.try_iter()?.map(|child| self.id(&child?)).collect()
    }

    fn node(&mut self, node: &Bound<'py, PyAny>) -> PyResult<Node> {
        let kind: String = node.getattr("kind")?.extract()?;
        Ok(match kind.as_str() {
            "any" => Node::Any,
            "none" => Node::None,
            "bool" => Node::Bool,
            "int" => Node::Int(number_bounds(node)?),
            "float" => Node::Float(number_bounds(node)?),
            "str" => Node::Str(Box::new(str_rules(node)?)),
            "bytes" => bytes(node)?,
            "text" => Node::Text(text(node)?),
            "enum" => Node::Choice(Box::new(choice(node)?)),
            "list" => self.list(node)?,
            "tuple" => Node::Tuple(self.children(node, "items")?.into()),
            "dict" => self.dict(node)?,
            "object" => Node::Object(Box::new(self.object(node)?)),
            "union" => self.union(node)?,
            "nullable" => Node::Nullable(self.child(node, "inner")?),
            "checked" => self.checked(node)?,
            "custom" => self.custom(node)?,
            other => {
                return Err(PyValueError::new_err(format!(
                    "no such kind of node: {other}"
                )));
            }
        })
    }

    fn list(&mut self, node: &Bound<'py, PyAny>) -> PyResult<Node> {
        let class = class(node, "cls")?;
        let py = node.py();
        let kind = if class.is(py.get_type::<PyList>()) {
            ListKind::List
        } else if class.is(py.get_type::<PyTuple>()) {
            ListKind::Tuple
        } else if class.is(py.get_type::<PySet>()) {
            ListKind::Set
        } else if class.is(py.get_type::<PyFrozenSet>()) {
            ListKind::FrozenSet
        } else {
            ListKind::Called
        };
        Ok(Node::List(List {
            kind,
            class: class.unbind(),
            item: self.child(node, "item")?,
            lengths: lengths(node)?,
        }))
    }

    fn dict(&mut self, node: &Bound<'py, PyAny>) -> PyResult<Node> {
        let class = class(node, "cls")?;
        let own = class.is(node.py().get_type::<PyDict>());
        Ok(Node::Dict(Dict {
            class: (!own).then(|| class.unbind()),
            key: self.child(node, "key")?,
            value: self.child(node, "value")?,
            lengths: lengths(node)?,
        }))
    }

    fn object(&mut self, node: &Bound<'py, PyAny>) -> PyResult<Object> {
        let class = class(node, "cls")?;
        let build = match node.getattr("build")?.extract::<String>()?.as_str() {
            "slots" => Build::Slots,
            "attributes" => Build::Attributes,
            "call" => Build::Call,
            "dict" => Build::Dict,
            "tuple" => Build::Tuple,
            other => return Err(PyValueError::new_err(format!("no such build: {other}"))),
        };
        let mut fields = Vec::new();
        for field in node.getattr("fields")?.try_iter()? {
            fields.push(self.field(&field?)?);
        }
        let (mut wire_fields, mut places) = (Vec::new(), HashMap::new());
        for (place, field) in fields.iter().enumerate().filter(|(_, field)| field.init) {
            if places
                .insert(field.alias.clone(), wire_fields.len())
                .is_some()
            {
                let name = class.name()?;
                let message = format!(
                    "two fields of {name} are named {:?} on the wire",
                    field.alias
                );
                return Err(imports::configuration(node.py(), &message));
            }
            wire_fields.push(WireField {
                place,
                node: field.node,
                key: KeyPattern::new(&field.alias),
            });
        }
        let tag_field: Option<String> = node.getattr("tag_field")?.extract()?;
        let value = node.getattr("tag")?;
        let tag = tag_field
            .map(|field| {
                let wire = wire(&value)?;
                let value = value.unbind();
                PyResult::Ok(Tag {
                    key: KeyPattern::new(&field),
                    field,
                    wire,
                    value,
                })
            })
            .transpose()?;
        let slots = match build {
            Build::Slots => Some(slots(&class, &fields)?),
            _ => None,
        };
        let inline = match build {
            Build::Attributes => inline_values(&class, &fields),
            _ => None,
        };
        Ok(Object {
            inline,
            plain_new: has_plain_new(&class)?,
            slots,
            class: class.unbind(),
            name: node.getattr("name")?.extract()?,
            build,
            fields,
            forbid_unknown: node.getattr("forbid_unknown")?.extract()?,
            post_init: node.getattr("post_init")?.extract()?,
            tag,
            wire: wire_fields,
            places,
        })
    }

    fn field(&mut self, field: &Bound<'py, PyAny>) -> PyResult<Field> {
        let name: String = field.getattr("name")?.extract()?;
        let required: bool = field.getattr("required")?.extract()?;
        Ok(Field {
            name: PyString::intern(field.py(), &name).unbind(),
            alias: field.getattr("alias")?.extract()?,
            node: self.child(field, "node")?,
            required,
            default: default(field, required)?,
            init_only: field.getattr("init_only")?.extract()?,
            init: field.getattr("init")?.extract()?,
        })
    }

    fn union(&mut self, node: &Bound<'py, PyAny>) -> PyResult<Node> {
        let options = self.children(node, "options")?;
        let field: Option<String> = node.getattr("discriminator")?.extract()?;
        let mut discriminator = None;
        if let Some(field) = field {
            let mut tags = HashMap::new();
            for pair in node.getattr("tags")?.try_iter()? {
                let (value, place): (Bound<'_, PyAny>, usize) = pair?.extract()?;
                if place >= options.len() {
                    return Err(PyValueError::new_err("a tag of no option"));
                }
                tags.insert(wire(&value)?, place);
            }
            discriminator = Some((field, tags));
        }
        Ok(Node::Union(Box::new(Union {
            options,
            discriminator,
            candidates: [const { Vec::new() }; JsonKind::COUNT],
        })))
    }

    fn checked(&mut self, node: &Bound<'py, PyAny>) -> PyResult<Node> {
        let mut bounds = Vec::new();
        for pair in node.getattr("bounds")?.try_iter()? {
            let (name, value): (String, Bound<'_, PyAny>) = pair?.extract()?;
            bounds.push(bound(&name, &value)?);
        }
        let validators = node.getattr("validators")?.try_iter()?;
        Ok(Node::Checked(Box::new(Checked {
            inner: self.child(node, "inner")?,
            bounds,
            validators: validators
                .map(|validator| validator.map(Bound::unbind))
                .collect::<PyResult<_>>()?,
        })))
    }

    fn custom(&mut self, node: &Bound<'py, PyAny>) -> PyResult<Node> {
        Ok(Node::Custom(Box::new(Custom {
            class: node.getattr("cls")?.unbind(),
            inner: self.child(node, "inner")?,
            decode: node.getattr("decode")?.unbind(),
            encode: node.getattr("encode")?.unbind(),
        })))
    }
}

/// The members of the fields that are stored; a field's place among them is its place in `fields`.
fn slots(class: &Bound<'_, PyType>, fields: &[Field]) -> PyResult<Slots> {
    let names: Vec<Option<&str>> = fields
        .iter()
        .map(|field| match field.init_only {
            true => Ok(None),
            false => field.name.to_str(class.py()).map(Some),
        })
        .collect::<PyResult<_>>()?;
    Slots::of(class, &names).ok_or_else(|| {
        PyTypeError::new_err(format!(
            "a field of {class} has no slot: build it otherwise"
        ))
    })
}

/// Where the fields that are stored lie in an instance.
fn inline_values(class: &Bound<'_, PyType>, fields: &[Field]) -> Option<InlineValues> {
    let py = class.py();
    let names: Vec<_> = fields
        .iter()
        .map(|field| (!field.init_only).then(|| field.name.bind(py)))
        .collect();
    InlineValues::learn(class, &names)
}

/// Whether instances may be made by the allocator alone. msgspec's Struct has a `__new__` that wants the fields.
fn has_plain_new(class: &Bound<'_, PyType>) -> PyResult<bool> {
    let meta = class.get_type();
    let is_struct = meta.name()? == "StructMeta" && meta.module()?.to_str()?.starts_with("msgspec");
    Ok(is_struct || building::has_plain_new(class))
}

fn class<'py>(node: &Bound<'py, PyAny>, name: &str) -> PyResult<Bound<'py, PyType>> {
    Ok(node.getattr(name)?.cast_into::<PyType>()?)
}

fn lengths(node: &Bound<'_, PyAny>) -> PyResult<Lengths> {
    let min: Option<usize> = node.getattr("min_length")?.extract()?;
    let max: Option<usize> = node.getattr("max_length")?.extract()?;
    Ok(Lengths {
        min: min.unwrap_or(Lengths::ANY.min),
        max: max.unwrap_or(Lengths::ANY.max),
    })
}

fn number_bounds(node: &Bound<'_, PyAny>) -> PyResult<Box<[Limit]>> {
    let mut bounds = Vec::new();
    for name in ["gt", "ge", "lt", "le", "multiple_of"] {
        let value = node.getattr(name)?;
        if !value.is_none() {
            bounds.push(bound(name, &value)?);
        }
    }
    Ok(bounds.into())
}

fn bound(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Limit> {
    let (code, message) = match name {
        "gt" => (Code::Gt, "is not greater than"),
        "ge" => (Code::Ge, "is less than"),
        "lt" => (Code::Lt, "is not less than"),
        "le" => (Code::Le, "is greater than"),
        "multiple_of" => (Code::MultipleOf, "is not a multiple of"),
        "min_length" => (Code::MinLength, "is shorter than"),
        "max_length" => (Code::MaxLength, "is longer than"),
        other => return Err(PyValueError::new_err(format!("no such bound: {other}"))),
    };
    if code == Code::MultipleOf && !value.is_truthy()? {
        let message = "multiple_of=0: nothing but 0 is a multiple of 0";
        return Err(imports::configuration(value.py(), message));
    }
    let number = value.is_instance_of::<PyInt>() || value.is_instance_of::<PyFloat>();
    let is_int = value.is_instance_of::<PyInt>();
    Ok(Limit {
        code,
        int: is_int.then(|| value.extract().ok()).flatten(),
        float: number.then(|| value.extract().ok()).flatten(),
        value: value.clone().unbind(),
        message: format!("{message} {value}"),
    })
}

fn str_rules(node: &Bound<'_, PyAny>) -> PyResult<StrRules> {
    let pattern: Option<String> = node.getattr("pattern")?.extract()?;
    let pattern = pattern
        .map(|text| {
            Regex::new(&text).map_err(|error| {
                let message = format!("the pattern {text:?} is not a regular expression: {error}");
                imports::configuration(node.py(), &message)
            })
        })
        .transpose()?;
    let lengths = lengths(node)?;
    Ok(StrRules {
        lengths,
        is_free: lengths == Lengths::ANY && pattern.is_none(),
        pattern,
    })
}

fn bytes(node: &Bound<'_, PyAny>) -> PyResult<Node> {
    let class = class(node, "cls")?;
    let py = node.py();
    let known = class.is(py.get_type::<PyBytes>());
    debug_assert!(
        known || class.is_subclass_of::<PyByteArray>()? || class.is_subclass_of::<PyBytes>()?
    );
    Ok(Node::Bytes(
        (!known).then(|| class.unbind()),
        lengths(node)?,
    ))
}

fn text(node: &Bound<'_, PyAny>) -> PyResult<Text> {
    let name: String = node.getattr("name")?.extract()?;
    let (name, exact) = match name.as_str() {
        "decimal" => (TextName::Decimal, ("decimal", "Decimal")),
        "uuid" => (TextName::Uuid, ("uuid", "UUID")),
        "datetime" => (TextName::Datetime, ("datetime", "datetime")),
        "date" => (TextName::Date, ("datetime", "date")),
        "time" => (TextName::Time, ("datetime", "time")),
        "timedelta" => (TextName::Timedelta, ("datetime", "timedelta")),
        "ipv4" => (
            TextName::Ip("is not an IPv4 address"),
            ("ipaddress", "IPv4Address"),
        ),
        "ipv6" => (
            TextName::Ip("is not an IPv6 address"),
            ("ipaddress", "IPv6Address"),
        ),
        "ipv4_network" => (
            TextName::Ip("is not an IPv4 network"),
            ("ipaddress", "IPv4Network"),
        ),
        "ipv6_network" => (
            TextName::Ip("is not an IPv6 network"),
            ("ipaddress", "IPv6Network"),
        ),
        "ipv4_interface" => (
            TextName::Ip("is not an IPv4 interface"),
            ("ipaddress", "IPv4Interface"),
        ),
        "ipv6_interface" => (
            TextName::Ip("is not an IPv6 interface"),
            ("ipaddress", "IPv6Interface"),
        ),
        "path" => (TextName::Path, ("pathlib", "Path")),
        other => return Err(PyValueError::new_err(format!("no such text: {other}"))),
    };
    let class = class(node, "cls")?;
    let unix: Option<String> = node.getattr("unix")?.extract()?;
    Ok(Text {
        name,
        exact: class.is(node.py().import(exact.0)?.getattr(exact.1)?),
        class: class.unbind(),
        timezone: node.getattr("timezone")?.extract()?,
        unix: unix.map(|unit| match unit.as_str() {
            "milliseconds" => Unix::Milliseconds,
            _ => Unix::Seconds,
        }),
    })
}

fn choice(node: &Bound<'_, PyAny>) -> PyResult<Choice> {
    let mut members = Vec::new();
    let (mut places, mut texts) = (HashMap::new(), HashMap::new());
    let mut shown = Vec::new();
    for pair in node.getattr("members")?.try_iter()? {
        let (value, built): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair?.extract()?;
        let key = wire(&value)?;
        shown.push(shown_wire(&key));
        match &key {
            Wire::Str(text) => texts.entry(text.clone()).or_insert(members.len()),
            other => places.entry(other.clone()).or_insert(members.len()),
        };
        members.push((key, built.unbind()));
    }
    let class: Option<Bound<'_, PyType>> = node.getattr("cls")?.extract()?;
    let is_flag = node.getattr("is_flag")?.extract()?;
    Ok(Choice {
        class: class.map(Bound::unbind),
        members,
        places,
        texts,
        is_flag,
        message: if is_flag {
            "is no combination of the flags".to_owned()
        } else {
            format!("is none of {}", shown.join(", "))
        },
    })
}

fn shown_wire(wire: &Wire) -> String {
    match wire {
        Wire::Null => "null".to_owned(),
        Wire::Bool(value) => value.to_string(),
        Wire::Int(value) => value.to_string(),
        Wire::Float(bits) => f64::from_bits(*bits).to_string(),
        Wire::BigInt(text) | Wire::Str(text) => text.clone(),
    }
}

/// The value on the wire of an Enum member, a Literal or a tag.
fn wire(value: &Bound<'_, PyAny>) -> PyResult<Wire> {
    if value.is_none() {
        return Ok(Wire::Null);
    }
    if let Ok(value) = value.cast::<PyBool>() {
        return Ok(Wire::Bool(value.is_true()));
    }
    if let Ok(value) = value.cast::<PyString>() {
        return Ok(Wire::Str(value.to_str()?.to_owned()));
    }
    if let Ok(value) = value.cast::<PyFloat>() {
        return Ok(Wire::Float(value.value().to_bits()));
    }
    if value.is_instance_of::<PyInt>() {
        let plain = value.py().get_type::<PyInt>().call1((value,))?;
        return Ok(match plain.extract() {
            Ok(small) => Wire::Int(small),
            Err(_) => Wire::BigInt(plain.str()?.to_str()?.to_owned()),
        });
    }
    let message =
        format!("{value:?} is no value that JSON text can choose: use str, int, bool or None");
    Err(imports::configuration(value.py(), &message))
}

fn default(field: &Bound<'_, PyAny>, required: bool) -> PyResult<Default> {
    if required {
        return Ok(Default::None);
    }
    let factory = field.getattr("default_factory")?;
    if !factory.is_none() {
        return Ok(Default::Factory(factory.unbind()));
    }
    let value = field.getattr("default")?;
    let copied = value.is_instance_of::<PyList>()
        || value.is_instance_of::<PyDict>()
        || value.is_instance_of::<PySet>();
    let value = value.unbind();
    Ok(if copied {
        Default::Copied(value)
    } else {
        Default::Value(value)
    })
}
