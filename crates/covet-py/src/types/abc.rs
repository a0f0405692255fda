//! Makes the mappings instances of `collections.abc.Mapping` and `MutableMapping`.

use pyo3::PyTypeInfo;
use pyo3::prelude::*;
use pyo3::types::PyMapping;

use super::{Headers, MutableHeaders, QueryParams};

/// Registers the mappings; called once, while the module is initialised.
///
/// # Errors
/// Whatever `collections.abc` raises.
pub fn register(py: Python<'_>) -> PyResult<()> {
    PyMapping::register::<Headers>(py)?;
    PyMapping::register::<QueryParams>(py)?;
    py.import("collections.abc")?
        .getattr("MutableMapping")?
        .call_method1("register", (MutableHeaders::type_object(py),))?;
    Ok(())
}
