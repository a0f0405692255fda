//! Which descriptors belong to transports: what asyncio keeps in a `WeakValueDictionary` that it calls `_transports`.

use std::collections::HashMap;
use std::os::fd::RawFd;

use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyWeakrefMethods, PyWeakrefReference};

use crate::runtime::held::{Held, Holding};

type Known = HashMap<RawFd, Py<PyWeakrefReference>>;

/// Descriptors and their transports, which it does not keep alive.
#[pyclass(frozen, mapping, module = "covet._native")]
pub struct Registered(Held<Known>);

impl Registered {
    /// No transports.
    pub(in crate::runtime) fn new() -> Self {
        Self(Held::new(Known::new()))
    }

    /// `transport` has its descriptor no more. Another one may have the number already.
    pub(super) fn forget(&self, fd: RawFd, transport: &Bound<'_, PyAny>) {
        let py = transport.py();
        let other = self.find(py, fd);
        if other.is_some_and(|other| !other.is(transport)) {
            return;
        }
        let gone = self.known(py).remove(&fd);
        drop(gone);
    }

    fn known<'a>(&'a self, py: Python<'a>) -> Holding<'a, Known> {
        self.0.hold(py)
    }

    fn find<'py>(&self, py: Python<'py>, fd: RawFd) -> Option<Bound<'py, PyAny>> {
        let known = self.known(py).get(&fd)?.bind(py).clone();
        known.upgrade()
    }
}

#[pymethods]
impl Registered {
    /// `_transports[fd] = transport`.
    pub(super) fn __setitem__(&self, fd: RawFd, transport: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = transport.py();
        let reference = PyWeakrefReference::new(transport)?.unbind();
        let before = self.known(py).insert(fd, reference);
        drop(before);
        Ok(())
    }

    fn __getitem__<'py>(&self, py: Python<'py>, fd: RawFd) -> PyResult<Bound<'py, PyAny>> {
        self.find(py, fd).ok_or_else(|| PyKeyError::new_err(fd))
    }

    fn __delitem__(&self, py: Python<'_>, fd: RawFd) -> PyResult<()> {
        let gone = self.known(py).remove(&fd);
        gone.map(drop).ok_or_else(|| PyKeyError::new_err(fd))
    }

    fn __contains__(&self, py: Python<'_>, fd: RawFd) -> bool {
        self.find(py, fd).is_some()
    }

    #[pyo3(signature = (fd, default=None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        fd: RawFd,
        default: Option<Bound<'py, PyAny>>,
    ) -> Option<Bound<'py, PyAny>> {
        self.find(py, fd).or(default)
    }

    fn values<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyAny>> {
        let known = self.known(py);
        let references: Vec<_> = known.values().map(|it| it.bind(py).clone()).collect();
        drop(known);
        references
            .iter()
            .filter_map(PyWeakrefMethods::upgrade)
            .collect()
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        self.values(py).len()
    }
}
