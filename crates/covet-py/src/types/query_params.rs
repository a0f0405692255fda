//! `QueryParams`: the decoded pairs of a query as a read-only mapping, parsed at first use.
//!
//! The shape is Starlette's: the last value of a name wins in `[]`, each name is seen once by
//! iteration, and `multi_items` and `getlist` give every pair in the order sent.

use std::sync::Arc;

use covet_server::http1::Span;
use covet_server::query;
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::pyclass::{PyTraverseError, PyVisit};
use pyo3::types::{PyDict, PyIterator, PyString};

use super::fields::FieldBlock;
use super::lazy::Lazy;
use super::text::latin1;

/// Query fields; the last value wins in `[]`, as in Starlette.
#[pyclass(frozen, mapping, weakref, module = "covet.requests")]
pub struct QueryParams {
    block: Arc<FieldBlock>,
    raw: Option<Span>,
    last: Lazy<PyDict>,
}

impl QueryParams {
    /// The query at `raw` in `block`; None is a target without a query.
    #[must_use]
    pub fn new(block: Arc<FieldBlock>, raw: Option<Span>) -> Self {
        Self {
            block,
            raw,
            last: Lazy::new(),
        }
    }

    fn raw(&self) -> &[u8] {
        self.raw.map_or(b"", |raw| raw.of(&self.block.bytes))
    }

    fn last<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.last.get_or_make(py, || {
            let last = PyDict::new(py);
            for (name, value) in query::pairs(self.raw()) {
                last.set_item(name, value)?;
            }
            Ok(last)
        })
    }

    fn sorted(&self) -> Vec<(String, String)> {
        let mut pairs = self.multi_items();
        pairs.sort_unstable();
        pairs
    }
}

#[pymethods]
impl QueryParams {
    fn __getitem__<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.last(py)?
            .get_item(key)?
            .ok_or_else(|| PyKeyError::new_err(key.clone().unbind()))
    }

    fn __contains__(&self, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.last(key.py())?.contains(key)
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.last(py)?.len())
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.last(py)?.try_iter()
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> Option<bool> {
        let other = other.cast::<Self>().ok()?.get();
        Some(self.raw() == other.raw() || self.sorted() == other.sorted())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let raw = PyString::new(py, &latin1(self.raw()));
        Ok(format!("QueryParams({})", raw.repr()?))
    }

    /// The last value of `key`, or `default`.
    #[pyo3(signature = (key, default = None, /))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(self.last(py)?.get_item(key)?.or(default))
    }

    /// Every value of `key`, in order; empty where absent.
    fn getlist(&self, key: &str) -> Vec<String> {
        query::pairs(self.raw())
            .filter(|(name, _)| name == key)
            .map(|(_, value)| value.into_owned())
            .collect()
    }

    /// Every pair, in order, names as often as they were sent.
    fn multi_items(&self) -> Vec<(String, String)> {
        query::pairs(self.raw())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect()
    }

    /// Each name once, in the order of its first pair.
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.last(py)?.call_method0("keys")
    }

    /// The last value of each name.
    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.last(py)?.call_method0("values")
    }

    /// Each name with its last value.
    fn items<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.last(py)?.call_method0("items")
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.last.traverse(&visit)
    }
}
