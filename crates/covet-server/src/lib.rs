//! The engine of CovetPy, in pure Rust: bytes become a request, a response becomes bytes.
//!
//! Nothing here knows Python; `pyo3` is not in this crate's dependency tree. What answers a
//! request implements the trait `Handler`.
//!
//! # Layout
//! - [`server`]: starts, drains and ends; its `listener` accepts, its `worker` is what connections share
//! - `connection`: one connection, from readiness to close
//! - [`handler`]: the seam: what answers a request; [`body`] and [`response`] cross it; [`gathering`]: a body whole;
//!   [`body_stream`]: one in pieces; [`streaming`]: an answer in parts; [`exchange`]: what goes on meanwhile
//! - [`admission`]: how many requests are in flight, and who waits for a turn
//! - [`settings`], [`buffers`], [`counters`], [`access_log`], [`request_id`], `chance`, `deadlines`, `turned_away`, [`tasks`]: what all of it leans on
//! - [`cookies`], [`query`], [`media_type`]: the `Cookie` field, query strings and forms, `Content-Type`
//! - [`proxies`]: the client, scheme and host of a request that came through proxies
//! - [`compression`]: content codings of answers and of requests' bodies
//! - [`files`]: files as answers: conditions, ranges, resolving, media types
//! - [`http1`]: the sans-IO codec of HTTP/1.1
//! - [`multipart`]: the sans-IO codec of forms with files; [`spool`]: keeps them while they arrive
//! - [`routing`]: patterns, the segment tree, the router; [`percent`]: its escapes
//! - [`json`]: the parts of JSON that need no Python

pub mod access_log;
pub mod admission;
pub mod body;
pub mod body_stream;
pub mod buffers;
mod chance;
pub mod compression;
mod connection;
pub mod cookies;
pub mod counters;
mod deadlines;
pub mod exchange;
pub mod files;
pub mod gathering;
pub mod handler;
pub mod http1;
pub mod json;
mod listener;
pub mod media_type;
pub mod multipart;
pub mod percent;
pub mod proxies;
pub mod query;
pub mod request_id;
pub mod response;
pub mod routing;
pub mod server;
pub mod settings;
pub mod spool;
pub mod streaming;
pub mod tasks;
mod turned_away;
mod worker;
