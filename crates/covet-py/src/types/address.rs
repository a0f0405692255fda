//! `Address`: a peer, as the named tuple that the package shows as `covet.requests.Address`.

use std::net::SocketAddr;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{IntoPyDict, PyType};

static ADDRESS: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// The class `Address(host, port)`, made once.
///
/// # Errors
/// Whatever `collections.namedtuple` raises.
pub fn address_class(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    let class = ADDRESS.get_or_try_init(py, || {
        let options = [("module", "covet.requests")].into_py_dict(py)?;
        let class = py
            .import("collections")?
            .getattr("namedtuple")?
            .call(("Address", ("host", "port")), Some(&options))?;
        class.setattr(intern!(py, "__doc__"), "A peer.")?;
        Ok::<_, PyErr>(class.cast_into::<PyType>()?.unbind())
    })?;
    Ok(class.bind(py))
}

/// `peer` as an `Address`. An IPv4 peer of a dual-stack socket has its IPv4 form.
pub(super) fn address(py: Python<'_>, peer: SocketAddr) -> PyResult<Bound<'_, PyAny>> {
    address_class(py)?.call1((peer.ip().to_canonical().to_string(), peer.port()))
}
