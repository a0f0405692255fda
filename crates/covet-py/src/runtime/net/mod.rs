//! Sockets of asyncio programs on Tokio's reactor: stream transports, and waiting for `sock_*` operations.
//!
//! A socket is registered once, with edges; a task of the runtime reads it and calls the protocol directly, with no
//! handle in between. Words and rare paths (reports, the end of a connection) are `covet._transports`'s.
//!
//! - `descriptor`: a socket's system calls; its registration, which ends safely whatever Python did to the socket
//! - `output`: what is written and not sent yet; flow control
//! - `state`: what a transport remembers, behind its lock
//! - `transport`: the class, as Python sees it
//! - `room`: the memory that is read into
//! - `reading`, `writing`: the two directions
//! - `serving`: the transport's task
//! - `waiting`: futures for "this descriptor is ready" and for what it receives; `bell`: how the reactor says so

mod bell;
mod descriptor;
mod output;
mod reading;
mod room;
mod serving;
mod state;
mod transport;
mod waiting;
mod writing;

pub(super) use waiting::{Waits, receive_now, serve_waits, when_ready, when_received};
pub(crate) use writing::{os_error, os_error_of_file};
pub(super) use writing::{send_deferred, send_now};

pub use transport::StreamTransport;
