//! [`Lazy`]: a Python object that is made when it is first asked for and then kept.
//!
//! Two threads may both make it; the first one's is kept and both get it. So nothing waits while
//! it holds the interpreter, and the collector can look inside at any moment.

use std::sync::OnceLock;

use pyo3::prelude::*;
use pyo3::pyclass::{PyTraverseError, PyVisit};

/// A slot for a Python object of type `T`, empty at first.
pub(super) struct Lazy<T>(OnceLock<Py<T>>);

impl<T> Default for Lazy<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Lazy<T> {
    /// An empty slot.
    pub(super) const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// A slot that holds `object` from the start, where there is one.
    pub(super) fn with(object: Option<Py<T>>) -> Self {
        Self(object.map_or_else(OnceLock::new, OnceLock::from))
    }

    /// The object, if it was made.
    pub(super) fn get(&self) -> Option<&Py<T>> {
        self.0.get()
    }

    /// The object, made by `make` where the slot is empty.
    pub(super) fn get_or_make<'py>(
        &self,
        py: Python<'py>,
        make: impl FnOnce() -> PyResult<Bound<'py, T>>,
    ) -> PyResult<Bound<'py, T>> {
        if let Some(made) = self.0.get() {
            return Ok(made.bind(py).clone());
        }
        let object = make()?.unbind();
        let kept = match self.0.set(object.clone_ref(py)) {
            Ok(()) => object,
            Err(_) => self.0.get().map_or(object, |first| first.clone_ref(py)),
        };
        Ok(kept.into_bound(py))
    }

    /// Shows the object to the garbage collector.
    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.0.get() {
            Some(object) => visit.call(object),
            None => Ok(()),
        }
    }
}
