//! The server over real sockets, driven by closures: no Python, port 0, one runtime a test.

mod admission;
mod answers;
mod bodies;
mod body_streams;
mod coded;
mod compressed_bodies;
mod compression;
mod departures;
#[allow(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]
mod directory;
mod drain;
mod feeding;
#[allow(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]
mod file_sends;
#[allow(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]
mod files;
mod interim;
mod limits;
mod log;
mod names;
mod panics;
mod proxies;
mod proxy_protocol;
mod stream_pace;
mod streams;
#[allow(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]
mod support;
mod uploads;
