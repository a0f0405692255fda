//! The Python face of CovetPy: convert, call, convert back.
//!
//! # Layout
//! - [`runtime`]: the only place that attaches, detaches or touches raw FFI
//! - [`engine`]: the server of one application, as Python starts and drains it
//! - `plan`: seam 2, how to call a handler; its parts are `parameters`, `bodies` and `answers`
//! - `invoke`: makes a handler's arguments, from `texts` and the body; `runner` calls it, `respond` encodes what it
//!   returned
//! - `static_files`: directories that answer without Python
//! - `streams`: answers that an iterator gives, part by part
//! - `forms`: a form with files, as Python has it
//! - `failure`: the one place that maps failures to answers; `imports`: what Rust looks up in Python
//! - [`json`]: Python values to JSON bytes and back
//! - [`typed`]: JSON bytes to typed Python objects
//! - [`types`]: the classes that users see
//! - `watcher`: which paths changed, for reloading

mod answers;
mod bodies;
pub mod engine;
mod failure;
mod forms;
mod imports;
mod invoke;
pub mod json;
mod parameters;
mod plan;
mod request_name;
mod respond;
mod runner;
pub mod runtime;
mod static_files;
mod streams;
mod texts;
pub mod typed;
pub mod types;
mod watcher;

use pyo3::prelude::*;

/// The native half of the package `covet`.
///
/// It does not need the GIL: docs/free-threading.md says what is proven of that.
#[pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use crate::engine::{Engine, set_parent_death_signal};
    #[pymodule_export]
    use crate::json::exceptions::{DecodeError, EncodeError};
    #[pymodule_export]
    use crate::json::{json_decode, json_encode};
    #[pymodule_export]
    use crate::runtime::{
        BareSocket, GuestDriver, Handle, Listener, Registered, Scheduler, StockDriver,
        StreamTransport, TimerHandle,
    };
    #[pymodule_export]
    use crate::typed::{PySchema, ValidationError};
    #[pymodule_export]
    use crate::types::{
        Event, EventSourceResponse, FileResponse, Headers, HtmlResponse, JsonResponse,
        MutableHeaders, PartReader, PlainTextResponse, QueryParams, RedirectResponse, Request,
        Response, State, StoredFile, StreamingResponse, Url,
    };

    #[pymodule_export]
    use crate::watcher::Watcher;

    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        module.add("Address", crate::types::address_class(py)?)?;
        #[cfg(feature = "count-allocations")]
        module.add_function(wrap_pyfunction!(
            crate::runtime::counting::allocation_counts,
            module
        )?)?;
        crate::runtime::add_frequent(py)?;
        crate::types::register(py)
    }
}
