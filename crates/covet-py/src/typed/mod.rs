//! Typed JSON: the tree of a type, compiled once, decodes bytes into final objects in one pass.
//!
//! # Layout
//! - `node`: the compiled tree; `compile`: from the Python tree of `covet._types.nodes` to it
//! - `problems`: what is wrong with a client's value, in a closed table of codes
//! - `union`: which option a value is tried with
//! - `schema`: the tree as a whole and as a Python class
//!
//! Knows nothing of requests. Text and numbers are found by `covet_server::json`.

mod compile;
mod node;
mod problems;
mod schema;
mod union;

pub use node::{
    Bound as Limit, Build, Checked, Choice, Custom, Default, Dict, Field, JsonKind, Lengths, List,
    ListKind, Node, NodeId, Object, StrRules, Tag, Text, TextName, Union, Unix, Wire,
};
pub use problems::{Code, MAX_PROBLEMS, Problem, Refused};
pub use schema::Schema;
