//! What encoding needs of the nodes beyond what decoding does: keys and constants as JSON, the
//! shapes that are written without ado. Made once, numbered as the nodes are.

use std::sync::OnceLock;

use covet_server::json::write;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

use super::node::{Choice, Node, NodeId, Object, Wire};
use crate::json::fields::key_literal;
use crate::runtime::leaf::{Leaves, Shape};
use crate::runtime::members::{Members, Piece};
use crate::runtime::output::Literal;

/// Nodes that are looked through to find a shape; deeper ones are written the general way.
const DEEPEST: usize = 8;

/// What is known of a node beside it.
#[derive(Debug)]
pub(super) enum Plan {
    /// An object's fields.
    Object(Box<ObjectPlan>),
    /// The members' values with their commas, in their order.
    Choice(Box<[Literal]>),
    /// What items of a list and values of a dict are written without ado.
    Items(Shape),
    /// Nothing more.
    Plain,
}

/// The fields of an object that are written, in their order.
#[derive(Debug)]
pub(super) struct ObjectPlan {
    /// The attributes, interned.
    pub(super) names: Box<[Py<PyString>]>,
    /// Their types.
    pub(super) nodes: Box<[NodeId]>,
    /// Whether each must be there.
    pub(super) required: Box<[bool]>,
    /// The object that stands for no field, of each. No leaf, so that leaves need not be compared with it.
    absent: Box<[Option<Py<PyAny>>]>,
    /// Their keys and shapes.
    pub(super) pieces: Box<[Piece]>,
    /// The tag with its comma.
    pub(super) tag: Option<Literal>,
    /// Where the class's objects keep them, found with the first object.
    members: OnceLock<Members>,
}

impl ObjectPlan {
    /// Where objects of exactly `class`, the node's, keep the fields.
    ///
    /// Looking for them runs Python code, so nothing waits for who looks: two threads may both do, and the first one's
    /// are kept.
    pub(super) fn members(&self, class: &Bound<'_, PyType>) -> &Members {
        if let Some(known) = self.members.get() {
            return known;
        }
        let py = class.py();
        let names: Vec<_> = self
            .names
            .iter()
            .map(|name| name.bind(py).clone())
            .collect();
        let found = Members::of(class, &names);
        self.members.get_or_init(|| found)
    }

    /// Whether `value` says that the field number `index` is absent.
    #[inline]
    pub(super) fn is_absent(&self, index: usize, value: &Bound<'_, PyAny>) -> bool {
        matches!(&self.absent[index], Some(absent) if absent.is(value))
    }

    /// Takes back the key of the field number `index`, which was written last.
    pub(super) fn take_back(&self, index: usize, out: &mut Vec<u8>) {
        out.truncate(out.len() - self.pieces[index].key.len());
    }
}

/// The plans of all nodes.
pub(super) fn plans(py: Python<'_>, nodes: &[Node]) -> Box<[Plan]> {
    let plan = |node: &Node| match node {
        Node::Object(object) => Plan::Object(Box::new(object_plan(py, nodes, object))),
        Node::Choice(choice) => Plan::Choice(choice_plan(choice)),
        Node::List(list) => Plan::Items(shape(nodes, list.item)),
        Node::Dict(dict) => Plan::Items(shape(nodes, dict.value)),
        _ => Plan::Plain,
    };
    nodes.iter().map(plan).collect()
}

fn object_plan(py: Python<'_>, nodes: &[Node], object: &Object) -> ObjectPlan {
    let fields: Vec<_> = object
        .fields
        .iter()
        .filter(|field| !field.init_only)
        .collect();
    let tag = object.tag.as_ref().map(|tag| {
        let mut text = Vec::new();
        write::write_str_then(&mut text, &tag.field, b':');
        write_wire(&mut text, &tag.wire);
        Literal::new(&text)
    });
    ObjectPlan {
        names: fields
            .iter()
            .map(|field| field.name.clone_ref(py))
            .collect(),
        nodes: fields.iter().map(|field| field.node).collect(),
        required: fields.iter().map(|field| field.required).collect(),
        absent: fields
            .iter()
            .map(|field| field.absent.as_ref().map(|absent| absent.clone_ref(py)))
            .collect(),
        pieces: fields
            .iter()
            .map(|field| Piece {
                key: key_literal(&field.alias),
                shape: shape(nodes, field.node),
            })
            .collect(),
        tag,
        members: OnceLock::new(),
    }
}

fn choice_plan(choice: &Choice) -> Box<[Literal]> {
    let literal = |(wire, _): &(Wire, Py<PyAny>)| {
        let mut text = Vec::new();
        write_wire(&mut text, wire);
        Literal::new(&text)
    };
    choice.members.iter().map(literal).collect()
}

/// A constant and a comma.
fn write_wire(out: &mut Vec<u8>, wire: &Wire) {
    match wire {
        Wire::Null => write::write_null(out),
        Wire::Bool(word) => write::write_bool(out, *word),
        Wire::Int(number) => write::write_i64(out, *number),
        Wire::BigInt(digits) => out.extend_from_slice(digits.as_bytes()),
        Wire::Float(bits) => {
            let _ = write::write_f64(out, f64::from_bits(*bits));
        }
        Wire::Str(text) => write::write_str(out, text),
    }
    out.push(b',');
}

/// What values of a node are written without ado.
fn shape(nodes: &[Node], id: NodeId) -> Shape {
    let items = match inner(nodes, id) {
        Some(Node::List(list)) if list.kind == super::node::ListKind::List => {
            leaves(nodes, list.item, DEEPEST)
        }
        Some(Node::Any) => Leaves::ANY,
        _ => Leaves::NOTHING,
    };
    Shape {
        leaf: leaves(nodes, id, DEEPEST),
        items,
    }
}

/// The node behind those that add only null or checks.
fn inner(nodes: &[Node], mut id: NodeId) -> Option<&Node> {
    for _ in 0..DEEPEST {
        match nodes.get(id as usize)? {
            Node::Nullable(inner) => id = *inner,
            Node::Checked(checked) => id = checked.inner,
            node => return Some(node),
        }
    }
    None
}

/// The leaves among the values of a node.
fn leaves(nodes: &[Node], id: NodeId, deep: usize) -> Leaves {
    let Some(deep) = deep.checked_sub(1) else {
        return Leaves::NOTHING;
    };
    match &nodes[id as usize] {
        Node::Any => Leaves::ANY,
        Node::None => Leaves::NONE,
        Node::Bool => Leaves::BOOL,
        Node::Int(_) => Leaves::INT,
        Node::Float(_) => Leaves::FLOAT.or(Leaves::INT),
        Node::Str(_) => Leaves::STR,
        Node::Nullable(inner) => Leaves::NONE.or(leaves(nodes, *inner, deep)),
        Node::Checked(checked) => leaves(nodes, checked.inner, deep),
        Node::Union(union) => union.options.iter().fold(Leaves::NOTHING, |all, option| {
            all.or(leaves(nodes, *option, deep))
        }),
        _ => Leaves::NOTHING,
    }
}
