//! The driver, the event loop and the thread pool: the only place that attaches, detaches or touches raw FFI.

pub(crate) mod ffi;
