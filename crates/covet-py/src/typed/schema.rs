//! A compiled type: decoding, converting and encoding start here.

use pyo3::prelude::*;

use super::compile::compile;
use super::decode::decode;
use super::encode_plan::{Plan, plans};
use super::node::{Node, NodeId};
use super::problems::Refused;
use crate::json::{self, raise_encode_error};

/// A type that was compiled: its nodes, and which of them it is.
#[derive(Debug)]
pub struct Schema {
    /// Every node.
    pub nodes: Vec<Node>,
    /// The whole.
    pub root: NodeId,
    /// What encoding needs beside the nodes, numbered as they are.
    plans: Box<[Plan]>,
}

impl Schema {
    /// Compiles the tree whose outermost node is `root`, a `covet._types.nodes.Node`.
    ///
    /// # Errors
    /// `ConfigurationError` for what cannot be compiled, such as a malformed pattern.
    pub fn compile(root: &Bound<'_, PyAny>) -> PyResult<Self> {
        let nodes = compile(root)?;
        Ok(Self {
            plans: plans(root.py(), &nodes),
            nodes,
            root: 0,
        })
    }

    /// Decodes a JSON text. Every problem of it is collected, up to [`MAX_PROBLEMS`](super::MAX_PROBLEMS);
    /// `forbid_unknown` makes unknown fields problems where their type does not say.
    ///
    /// # Errors
    /// The client's problems, or what the application's code raised.
    pub fn decode<'py>(
        &self,
        py: Python<'py>,
        data: &[u8],
        forbid_unknown: bool,
    ) -> Result<Bound<'py, PyAny>, Refused> {
        decode(py, self, data, forbid_unknown)
    }

    /// Appends `value` as JSON to `out`: of the type of `schema`, or as its own type says where there is none.
    ///
    /// # Errors
    /// `EncodeError` of Python for a value of another type, or what the application's code raised.
    pub fn encode_or_value(
        schema: Option<&Self>,
        value: &Bound<'_, PyAny>,
        out: &mut Vec<u8>,
    ) -> PyResult<()> {
        let encoded = match schema {
            Some(schema) => schema.encode(value, false, out),
            None => json::encode(value, out),
        };
        encoded.map_err(|error| raise_encode_error(value.py(), error))
    }

    /// What encoding needs beside the node at `id`.
    #[inline]
    pub(super) fn plan(&self, id: NodeId) -> &Plan {
        &self.plans[id as usize]
    }

    /// The node at `id`.
    #[must_use]
    #[inline]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }
}
