//! A peer's address as `covet.requests.Address`, the named tuple that Python declares.

use std::net::SocketAddr;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

static ADDRESS: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// `peer` as an `Address`. An IPv4 peer of a dual-stack socket has its IPv4 form.
pub(super) fn address(py: Python<'_>, peer: SocketAddr) -> PyResult<Bound<'_, PyAny>> {
    ADDRESS
        .import(py, "covet.requests", "Address")?
        .call1((peer.ip().to_canonical().to_string(), peer.port()))
}
