//! Typed JSON: the tree of a type, compiled once, decodes bytes into final objects in one pass.
//!
//! # Layout
//! - `node`: the compiled tree; `compile`, `rules`: from the Python tree of `covet._types.nodes` to it
//! - `problems`: what is wrong with a client's value, in a closed table of codes
//! - `union`: which option a value is tried with
//! - `decode`: scalars; `containers`: arrays, dicts; `object`: known fields; `options`: unions
//! - `convert`: from texts: path, query, form, header, the keys of a dict
//! - `text`, `times`, `time_text`, `bounds`: one value and its rules; `flaw`: what stands against it
//! - `encode`: Python objects to JSON; `encode_plan`: what it needs beside the nodes; `fits`: which option of a union
//! - `schema`: the tree as a whole; `class`: as a class of Python, with its error
//!
//! Knows nothing of requests. Text and numbers are found by `covet_server::json`.

mod bounds;
mod class;
mod compile;
mod containers;
mod convert;
mod decode;
mod encode;
mod encode_plan;
mod fits;
mod flaw;
mod node;
mod object;
mod options;
mod problems;
mod rules;
mod schema;
mod text;
mod time_text;
mod times;
mod union;

pub use class::{PySchema, ValidationError};
pub use node::{
    Bound as Limit, Build, Checked, Choice, Custom, Default, Dict, Field, JsonKind, Lengths, List,
    ListKind, Node, NodeId, Object, StrRules, Tag, Text, TextName, Union, Unix, Wire, WireField,
};
pub use problems::{Code, MAX_PROBLEMS, Problem, Refused};
pub use schema::Schema;
