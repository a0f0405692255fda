//! Which option of a union a Python value is written as: by its type, not by what is inside it.

use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString,
    PyTuple, PyType,
};

use super::node::{Build, ListKind, Node, NodeId, TextName};
use super::schema::Schema;

/// How well a value's type fits a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It is exactly that type.
    Exact,
    /// It inherits it.
    Inherits,
    /// It is taken for it: an int for float, anything for `Any`.
    Taken,
}

/// Unions in unions that are looked into.
const DEEPEST: usize = 8;

/// The option that fits best; of equal ones the first.
pub(super) fn fits(
    schema: &Schema,
    options: &[NodeId],
    value: &Bound<'_, PyAny>,
) -> Option<NodeId> {
    let fit = |&option: &NodeId| Some((fit(schema, option, value, DEEPEST)?, option));
    let best = options.iter().filter_map(fit).min_by_key(|(fit, _)| *fit);
    best.map(|(_, option)| option)
}

fn fit(schema: &Schema, id: NodeId, value: &Bound<'_, PyAny>, deep: usize) -> Option<Fit> {
    let deep = deep.checked_sub(1)?;
    let py = value.py();
    let is = |class: &Bound<'_, PyType>| {
        if value.get_type().is(class) {
            return Some(Fit::Exact);
        }
        let inherits = value.is_instance(class).unwrap_or(false);
        inherits.then_some(Fit::Inherits)
    };
    let exact = |fits: bool| fits.then_some(Fit::Exact);
    let inside = |id| fit(schema, id, value, deep);
    match schema.node(id) {
        Node::Any => Some(Fit::Taken),
        Node::None => exact(value.is_none()),
        Node::Bool => exact(value.is_exact_instance_of::<PyBool>()),
        Node::Int(_) if value.is_exact_instance_of::<PyBool>() => None,
        Node::Int(_) => is(&py.get_type::<PyInt>()),
        Node::Float(_) if value.is_exact_instance_of::<PyInt>() => Some(Fit::Taken),
        Node::Float(_) => is(&py.get_type::<PyFloat>()),
        Node::Str(_) => is(&py.get_type::<PyString>()),
        Node::Bytes(..) => {
            is(&py.get_type::<PyBytes>()).or_else(|| is(&py.get_type::<PyByteArray>()))
        }
        Node::Text(text) => {
            let is_moment = value.is_instance_of::<pyo3::types::PyDateTime>();
            let wrong = text.name == TextName::Date && is_moment;
            is(text.class.bind(py)).filter(|_| !wrong)
        }
        Node::Choice(choice) => match &choice.class {
            Some(class) => is(class.bind(py)),
            None => exact(choice.members.iter().any(|(_, member)| {
                let member = member.bind(py);
                member.get_type().is(value.get_type()) && member.eq(value).unwrap_or(false)
            })),
        },
        Node::List(list) => match list.kind {
            ListKind::List => is(&py.get_type::<PyList>()),
            ListKind::Tuple => is(&py.get_type::<PyTuple>()),
            ListKind::Set => is(&py.get_type::<PySet>()),
            ListKind::FrozenSet => is(&py.get_type::<PyFrozenSet>()),
            ListKind::Called => is(list.class.bind(py)),
        },
        Node::Tuple(items) => {
            let tuple = value.cast::<PyTuple>().ok()?;
            (tuple.len() == items.len()).then_some(Fit::Exact)
        }
        Node::Dict(dict) => match &dict.class {
            Some(class) => is(class.bind(py)),
            None => is(&py.get_type::<PyDict>()),
        },
        Node::Object(object) if object.build == Build::Dict => {
            let dict = value.cast::<PyDict>().ok()?;
            let has = |name: &Py<_>| dict.contains(name.bind(py)).unwrap_or(false);
            let mut required = object.fields.iter().filter(|field| field.required);
            required.all(|field| has(&field.name)).then_some(Fit::Exact)
        }
        Node::Object(object) => is(object.class.bind(py)),
        Node::Nullable(_) if value.is_none() => Some(Fit::Exact),
        Node::Nullable(inner) => inside(*inner),
        Node::Checked(checked) => inside(checked.inner),
        Node::Custom(custom) => is(custom.class.bind(py).cast::<PyType>().ok()?),
        Node::Union(union) => union.options.iter().filter_map(|&id| inside(id)).min(),
    }
}
