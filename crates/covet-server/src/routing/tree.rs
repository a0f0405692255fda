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

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(patterns: &[String]) -> Tree {
        let mut draft = Draft::new();
        for pattern in patterns {
            draft.leaf(&Pattern::parse(pattern).expect("a good pattern"));
        }
        draft.build()
    }

    /// The leaf that answers first, and how many nodes the search entered.
    fn cost(tree: &Tree, path: &str) -> (Option<LeafId>, usize) {
        let mut params = Params::new();
        params
            .split(path.as_bytes(), tree.depth())
            .expect("a good path");
        let nodes = &tree.nodes;
        let visit = |leaf: LeafId| Some(leaf);
        let mut walk = Walk {
            nodes,
            params: &mut params,
            visit,
            entered: 0,
        };
        let found = walk.enter(0, 0);
        let entered = walk.entered;
        assert!(
            found.is_some() || params.is_empty(),
            "a miss leaves no parameters"
        );
        (found, entered)
    }

    /// Plain parameters for the segments from `start` to 62.
    fn chain_of_params(start: usize) -> String {
        let params: Vec<String> = (start..63).map(|i| format!("/{{p{i}}}")).collect();
        params.concat()
    }

    #[test]
    fn a_long_near_miss_costs_one_step_a_segment() {
        let params = chain_of_params(0);
        let tree = tree(&[format!("{params}/x")]);
        let path = "/a".repeat(63);
        assert_eq!(cost(&tree, &format!("{path}/x")), (Some(0), 65));
        assert_eq!(cost(&tree, &format!("{path}/y")), (None, 64));
        assert_eq!(cost(&tree, &"/x".repeat(8000)), (None, 65));
    }

    #[test]
    fn competing_chains_cost_no_more_than_their_nodes() {
        // Chain n starts with n literals; each literal of the path forks the search once more.
        let chain = |n: usize| {
            let params = chain_of_params(n);
            format!("{}{params}/x", "/a".repeat(n))
        };
        let patterns: Vec<String> = (0..64).map(chain).collect();
        let tree = tree(&patterns);
        let (found, entered) = cost(&tree, &format!("{}/y", "/a".repeat(63)));
        assert_eq!(found, None);
        // The root, 63 literals, and from each of the first 63 nodes a chain of parameters.
        assert_eq!(entered, 1 + 63 + (1..=63).sum::<usize>());
        assert_eq!(tree.nodes.len(), entered + 64);
    }

    #[test]
    fn every_choice_at_every_segment_is_tried_once() {
        // Six segments, each int, float, plain or literal: "1" fits all four.
        let mut patterns = vec![String::new()];
        for depth in 0..6 {
            patterns = patterns
                .iter()
                .flat_map(|start| {
                    let params = ["int", "float", "str"].map(|c| format!("/{{p{depth}:{c}}}"));
                    [params.as_slice(), &["/1".to_owned()]]
                        .concat()
                        .into_iter()
                        .map(move |next| format!("{start}{next}"))
                })
                .collect();
        }
        let patterns: Vec<String> = patterns.iter().map(|start| format!("{start}/x")).collect();
        let tree = tree(&patterns);
        let (found, entered) = cost(&tree, "/1/1/1/1/1/1/y");
        assert_eq!(found, None);
        assert_eq!(
            entered,
            (0..=6).map(|level| 4_usize.pow(level)).sum::<usize>()
        );
        assert_eq!(tree.nodes.len(), entered + patterns.len());
        // The best choice is taken at once.
        assert_eq!(cost(&tree, "/1/1/1/1/1/1/x").1, 8);
    }
}
