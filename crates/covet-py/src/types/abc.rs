//! Makes the mappings instances of `collections.abc.Mapping` and `MutableMapping`, and an awaited
//! body, or piece of one, one of `Coroutine`, which is what asyncio asks of what it makes a task of.

use pyo3::PyTypeInfo;
use pyo3::prelude::*;
use pyo3::types::PyMapping;

use super::awaited_body::AwaitedBody;
use super::body_pieces::AwaitedPiece;
use super::{Headers, MutableHeaders, QueryParams};

/// Registers the classes; called once, while the module is initialised.
///
/// # Errors
/// Whatever `collections.abc` raises.
pub fn register(py: Python<'_>) -> PyResult<()> {
    PyMapping::register::<Headers>(py)?;
    PyMapping::register::<QueryParams>(py)?;
    let abc = py.import("collections.abc")?;
    abc.getattr("MutableMapping")?
        .call_method1("register", (MutableHeaders::type_object(py),))?;
    let coroutine = abc.getattr("Coroutine")?;
    coroutine.call_method1("register", (AwaitedBody::type_object(py),))?;
    coroutine.call_method1("register", (AwaitedPiece::type_object(py),))?;
    Ok(())
}
