//! From the Python tree of `covet._types.nodes` to the arena: attributes are read once, by name.
//!
//! Nodes are known by identity, because the tree may contain itself. What cannot be compiled is a
//! mistake of the application and raises `ConfigurationError`.

use std::collections::HashMap;

use covet_server::json::KeyPattern;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrozenSet, PyList, PySet, PyString, PyTuple, PyType};

use super::node::{
    Build, Checked, Custom, Dict, Field, JsonKind, List, ListKind, Node, NodeId, Object, Tag,
    Union, WireField,
};
use super::rules::{bound, bytes, choice, default, lengths, number_bounds, str_rules, text, wire};
use super::union::{find_candidates, is_endless};
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
    if is_endless(&nodes) {
        let message = "a type contains itself with neither an object nor an array between: nothing could be it";
        return Err(imports::configuration(root.py(), message));
    }
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
        let keyword: Option<String> = field.getattr("keyword")?.extract()?;
        let required: bool = field.getattr("required")?.extract()?;
        let interned = |name: String| PyString::intern(field.py(), &name).unbind();
        Ok(Field {
            name: interned(name),
            keyword: keyword.map(interned),
            alias: field.getattr("alias")?.extract()?,
            node: self.child(field, "node")?,
            required,
            default: default(field, required)?,
            absent: field.getattr("absent")?.extract()?,
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
        .map(|field| {
            let name = field.name.to_str(class.py());
            name.map(|name| (!field.init_only).then_some(name))
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

/// The class that an attribute names.
pub(super) fn class<'py>(node: &Bound<'py, PyAny>, name: &str) -> PyResult<Bound<'py, PyType>> {
    Ok(node.getattr(name)?.cast_into::<PyType>()?)
}
