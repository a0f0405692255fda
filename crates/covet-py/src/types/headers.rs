//! `Headers`: the fields of a received head as a read-only mapping, decoded when asked for.
//!
//! The shape is Starlette's: the first value of a name wins in `[]`, while iteration, `keys`,
//! `values`, `items` and `len` see every field in the order sent, names in lower case.

use std::sync::Arc;

use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyList, PyString, PyTuple};

use super::fields::FieldBlock;
use super::text::{as_str, latin1, latin1_str};
use crate::imports;

/// Header fields; names compare without case, the first value wins in `[]`.
#[pyclass(frozen, mapping, weakref, module = "covet.requests")]
pub struct Headers {
    block: Arc<FieldBlock>,
}

impl Headers {
    /// The fields of `block`, which is shared, not copied.
    #[must_use]
    pub fn new(block: Arc<FieldBlock>) -> Self {
        Self { block }
    }

    fn first(&self, key: &str) -> Option<&[u8]> {
        self.block.all(key.as_bytes()).next()
    }

    /// Name in lower case and value of each field, sorted: what equality compares.
    fn sorted(&self) -> Vec<(Vec<u8>, &[u8])> {
        let mut fields: Vec<_> = self
            .block
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect();
        fields.sort_unstable();
        fields
    }
}

fn lower<'py>(py: Python<'py>, name: &[u8]) -> Bound<'py, PyString> {
    latin1_str(py, &name.to_ascii_lowercase())
}

#[pymethods]
impl Headers {
    fn __getitem__<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Bound<'py, PyString>> {
        self.first(key)
            .map(|value| latin1_str(py, value))
            .ok_or_else(|| PyKeyError::new_err(key.to_owned()))
    }

    fn __contains__(&self, key: &Bound<'_, PyAny>) -> bool {
        as_str(key).is_some_and(|key| self.first(key).is_some())
    }

    fn __len__(&self) -> usize {
        self.block.fields.len()
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        PyList::new(py, self.block.iter().map(|(name, _)| lower(py, name)))?.try_iter()
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> Option<bool> {
        let other = other.cast::<Self>().ok()?.get();
        Some(Arc::ptr_eq(&self.block, &other.block) || self.sorted() == other.sorted())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("Headers({})", self.pairs(py)?.repr()?))
    }

    /// The first value of `key`, or `default`.
    #[pyo3(signature = (key, default = None, /))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        key: &str,
        default: Option<Bound<'py, PyAny>>,
    ) -> Option<Bound<'py, PyAny>> {
        match self.first(key) {
            Some(value) => Some(latin1_str(py, value).into_any()),
            None => default,
        }
    }

    /// Every value of `key`, in order; empty where absent.
    fn getlist(&self, key: &str) -> Vec<String> {
        self.block
            .all(key.as_bytes())
            .map(|value| latin1(value).into_owned())
            .collect()
    }

    /// A view of the name of each field, in order, in lower case.
    fn keys<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        imports::field_keys(slf.py())?.call1((slf,))
    }

    /// A view of the value of each field, in order.
    fn values<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        imports::field_values(slf.py())?.call1((slf,))
    }

    /// A view of name, in lower case, and value of each field, in order.
    fn items<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        imports::field_items(slf.py())?.call1((slf,))
    }

    /// Name and value of each field, for the views.
    #[pyo3(name = "_fields")]
    fn pairs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let pairs: Vec<Bound<'py, PyTuple>> = self
            .block
            .iter()
            .map(|(name, value)| PyTuple::new(py, [lower(py, name), latin1_str(py, value)]))
            .collect::<PyResult<_>>()?;
        PyList::new(py, pairs)
    }
}
