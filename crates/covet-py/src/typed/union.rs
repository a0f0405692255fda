//! Which options of a union a value is tried with, by the kind of its JSON.

use super::node::{Choice, JsonKind, Node, NodeId, TextName, Wire};

/// How well a type fits a kind of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It is that type.
    Exact,
    /// It would convert: an int for float, a number for Decimal or for a time.
    Converts,
}

/// Fills the candidates of every union without a discriminator: the exact before the converting,
/// each in declared order.
pub(super) fn find_candidates(nodes: &mut [Node]) {
    for id in 0..nodes.len() {
        let Node::Union(union) = &nodes[id] else {
            continue;
        };
        let options = union.options.clone();
        let found = JsonKind::ALL.map(|kind| {
            let mut fits: Vec<(Fit, NodeId)> = options
                .iter()
                .filter_map(|&option| Some((fit(nodes, option, kind, &mut Vec::new())?, option)))
                .collect();
            fits.sort_by_key(|(fit, _)| *fit);
            fits.into_iter().map(|(_, option)| option).collect()
        });
        if let Node::Union(union) = &mut nodes[id] {
            union.candidates = found;
        }
    }
}

/// Whether a type contains itself with neither an object nor an array between: no value could be read.
pub(super) fn is_endless(nodes: &[Node]) -> bool {
    let mut done = vec![false; nodes.len()];
    (0..nodes.len()).any(|id| returns(nodes, id as NodeId, &mut Vec::new(), &mut done))
}

/// Whether the node is reached again from itself; `above` is the way to it.
fn returns(nodes: &[Node], id: NodeId, above: &mut Vec<NodeId>, done: &mut [bool]) -> bool {
    if above.contains(&id) {
        return true;
    }
    if done[id as usize] {
        return false;
    }
    above.push(id);
    let found = match &nodes[id as usize] {
        Node::Nullable(inner) => returns(nodes, *inner, above, done),
        Node::Checked(checked) => returns(nodes, checked.inner, above, done),
        Node::Custom(custom) => returns(nodes, custom.inner, above, done),
        Node::Union(union) => union
            .options
            .iter()
            .any(|&option| returns(nodes, option, above, done)),
        _ => false,
    };
    above.pop();
    done[id as usize] = true;
    found
}

/// How the node takes a value of that kind; None: it never does. `above` are the nodes whose
/// answer is being found: a type that is only itself takes nothing.
fn fit(nodes: &[Node], id: NodeId, kind: JsonKind, above: &mut Vec<NodeId>) -> Option<Fit> {
    if above.contains(&id) {
        return None;
    }
    let exact = |fits: bool| fits.then_some(Fit::Exact);
    match &nodes[id as usize] {
        Node::Any => Some(Fit::Exact),
        Node::None => exact(kind == JsonKind::Null),
        Node::Bool => exact(kind == JsonKind::Bool),
        Node::Int(_) => exact(kind == JsonKind::Int),
        Node::Float(_) if kind == JsonKind::Int => Some(Fit::Converts),
        Node::Float(_) => exact(kind == JsonKind::Float),
        Node::Str(_) | Node::Bytes(..) => exact(kind == JsonKind::Str),
        Node::Text(text) => match kind {
            JsonKind::Str => Some(Fit::Exact),
            JsonKind::Int | JsonKind::Float => {
                let takes = text.name == TextName::Decimal || text.unix.is_some();
                takes.then_some(Fit::Converts)
            }
            _ => None,
        },
        Node::Choice(choice) => exact(chooses(choice, kind)),
        Node::List(_) | Node::Tuple(_) => exact(kind == JsonKind::Array),
        Node::Dict(_) | Node::Object(_) => exact(kind == JsonKind::Object),
        Node::Nullable(_) if kind == JsonKind::Null => Some(Fit::Exact),
        Node::Nullable(inner) => inside(nodes, id, &[*inner], kind, above),
        Node::Checked(checked) => inside(nodes, id, &[checked.inner], kind, above),
        Node::Custom(custom) => inside(nodes, id, &[custom.inner], kind, above),
        Node::Union(union) => inside(nodes, id, &union.options, kind, above),
    }
}

/// The best fit of some inner nodes of `id`.
fn inside(
    nodes: &[Node],
    id: NodeId,
    inner: &[NodeId],
    kind: JsonKind,
    above: &mut Vec<NodeId>,
) -> Option<Fit> {
    above.push(id);
    let best = inner
        .iter()
        .filter_map(|&inner| fit(nodes, inner, kind, above))
        .min();
    above.pop();
    best
}

fn chooses(choice: &Choice, kind: JsonKind) -> bool {
    let of_members = choice.members.iter().any(|(wire, _)| match wire {
        Wire::Null => kind == JsonKind::Null,
        Wire::Bool(_) => kind == JsonKind::Bool,
        Wire::Int(_) | Wire::BigInt(_) => kind == JsonKind::Int,
        Wire::Float(_) => matches!(kind, JsonKind::Float | JsonKind::Int),
        Wire::Str(_) => kind == JsonKind::Str,
    });
    of_members || (choice.is_flag && kind == JsonKind::Int)
}
