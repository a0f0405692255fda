//! The Python face of CovetPy: convert, call, convert back.
//!
//! # Layout
//! - [`runtime`]: the only place that attaches, detaches or touches raw FFI
//! - [`json`]: Python values to JSON bytes and back

pub mod json;
pub mod runtime;

use pyo3::prelude::*;

/// The native half of the package `covet`.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::runtime::{Handle, Scheduler, TimerHandle};
}
