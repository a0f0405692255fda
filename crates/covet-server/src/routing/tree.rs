//! The segment tree: which routes match a path, best first.
//!
//! Owns the order of the search. At every segment a literal comes before parameters, these go by
//! the rank of their converter, and a catch-all comes last; where a choice leads nowhere the
//! search goes back to the next. Each node has one parent, so a search enters no node twice:
//! its work is bounded by the number of nodes, whatever the path.

use super::literals::Literals;
use super::params::Params;
use super::{Converter, Pattern};
use crate::routing::pattern::Segment;

/// The number of a set of routes that share one shape; the router keeps what they are.
pub(super) type LeafId = u32;

/// The finished tree. Node 0 is the root, at which no segment has been read.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Box<[Node]>,
    /// The most segments of any pattern.
    depth: usize,
}

#[derive(Debug)]
struct Node {
    literals: Literals,
    /// In rank order, `Path` not among them.
    params: Box<[(Converter, u32)]>,
    catch_all: Option<LeafId>,
    leaf: Option<LeafId>,
}

/// What a search does with each leaf that matches: go on, or stop with an answer.
pub(super) trait Visit {
    /// What the search is for.
    type Found;

    /// Looks at one leaf; `None` sends the search on.
    fn leaf(&mut self, leaf: LeafId) -> Option<Self::Found>;
}

impl<F: FnMut(LeafId) -> Option<R>, R> Visit for F {
    type Found = R;

    fn leaf(&mut self, leaf: LeafId) -> Option<R> {
        self(leaf)
    }
}

impl Tree {
    /// How many segments of a path the search looks at one by one.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Shows `visit` the leaves that match the path in `params`, best first, with the parameters
    /// of each captured; they stay captured for the leaf at which `visit` stops.
    pub(super) fn search<V: Visit>(&self, params: &mut Params, visit: V) -> Option<V::Found> {
        let mut walk = Walk {
            nodes: &self.nodes,
            params,
            visit,
            entered: 0,
        };
        let found = walk.enter(0, 0);
        debug_assert!(walk.entered <= self.nodes.len(), "a node was entered twice");
        found
    }
}

struct Walk<'w, V> {
    nodes: &'w [Node],
    params: &'w mut Params,
    visit: V,
    /// How many nodes the search has entered: its cost.
    entered: usize,
}

impl<V: Visit> Walk<'_, V> {
    /// Searches below `node` from segment `i` on. The recursion is as deep as a pattern is long.
    fn enter(&mut self, node: u32, i: usize) -> Option<V::Found> {
        self.entered += 1;
        let nodes = self.nodes;
        let node = &nodes[node as usize];
        let Some(segment) = self.params.segment(i) else {
            return node
                .leaf
                .filter(|_| self.params.ends_at(i))
                .and_then(|leaf| self.visit.leaf(leaf));
        };
        let literal = node.literals.get(segment);
        if let Some(found) = literal.and_then(|child| self.enter(child, i + 1)) {
            return Some(found);
        }
        for (converter, child) in &node.params {
            if self
                .params
                .segment(i)
                .is_some_and(|segment| converter.accepts(segment))
            {
                self.params.capture(i);
                if let Some(found) = self.enter(*child, i + 1) {
                    return Some(found);
                }
                self.params.release();
            }
        }
        let leaf = node.catch_all?;
        if self.params.capture_rest(i) {
            if let Some(found) = self.visit.leaf(leaf) {
                return Some(found);
            }
            self.params.release();
        }
        None
    }
}

/// A tree that still grows.
#[derive(Debug)]
pub(super) struct Draft {
    nodes: Vec<DraftNode>,
    leaves: u32,
    depth: usize,
}

#[derive(Debug, Default)]
struct DraftNode {
    literals: std::collections::BTreeMap<String, u32>,
    params: std::collections::BTreeMap<Converter, u32>,
    catch_all: Option<LeafId>,
    leaf: Option<LeafId>,
}

impl Draft {
    /// The root alone.
    pub(super) fn new() -> Self {
        Self {
            nodes: vec![DraftNode::default()],
            leaves: 0,
            depth: 0,
        }
    }

    /// The leaf of every pattern with the shape of `pattern`: equal literals, equal converters.
    /// New leaves are numbered from 0 without a gap.
    pub(super) fn leaf(&mut self, pattern: &Pattern) -> LeafId {
        self.depth = self.depth.max(pattern.segments().len());
        let mut node = 0;
        for segment in pattern.segments() {
            let fresh = self.nodes.len() as u32;
            let parent: &mut DraftNode = &mut self.nodes[node as usize];
            node = match segment {
                Segment::Param(Converter::Path) => {
                    return claim(&mut parent.catch_all, &mut self.leaves);
                }
                Segment::Param(converter) => *parent.params.entry(*converter).or_insert(fresh),
                Segment::Literal(text) => *parent.literals.entry(text.clone()).or_insert(fresh),
            };
            if node == fresh {
                self.nodes.push(DraftNode::default());
            }
        }
        claim(&mut self.nodes[node as usize].leaf, &mut self.leaves)
    }

    /// The finished tree.
    pub(super) fn build(self) -> Tree {
        let nodes = self.nodes.into_iter().map(|node| Node {
            literals: Literals::new(node.literals.into_iter()),
            params: node.params.into_iter().collect(),
            catch_all: node.catch_all,
            leaf: node.leaf,
        });
        Tree {
            nodes: nodes.collect(),
            depth: self.depth,
        }
    }
}

fn claim(place: &mut Option<LeafId>, leaves: &mut u32) -> LeafId {
    *place.get_or_insert_with(|| {
        *leaves += 1;
        *leaves - 1
    })
}
