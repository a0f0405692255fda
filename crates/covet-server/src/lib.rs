//! The engine of CovetPy, in pure Rust: bytes become a request, a response becomes bytes.
//!
//! Nothing here knows Python; `pyo3` is not in this crate's dependency tree. What answers a
//! request implements the trait `Handler`.
//!
//! # Layout
//! - [`cookies`], [`query`]: the `Cookie` field, query strings and forms
//! - [`http1`]: the sans-IO codec of HTTP/1.1
//! - [`routing`]: patterns, the segment tree, the router
//! - [`json`]: the parts of JSON that need no Python

pub mod cookies;
pub mod http1;
pub mod json;
pub mod query;
pub mod routing;
