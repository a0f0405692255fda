//! Sockets of asyncio programs on Tokio's reactor: stream transports, and waiting for `sock_*` operations.
//!
//! A socket is registered once, with edges; a task of the runtime reads it and calls the protocol directly, with no
//! handle in between. Words and rare paths (reports, the end of a connection) are `covet._transports`'s.
//!
//! - `descriptor`: a socket's system calls; its registration, which ends safely whatever Python did to the socket
//! - `output`: what is written and not sent yet; flow control
//! - `state`: what a transport remembers, behind its lock
//! - `transport`: the class, as Python sees it
//! - `opening`, `bare_socket`: connecting and accepting; a socket that no Python object has
//! - `accepting`: a listening socket's task
//! - `beginning`, `ending`: a transport's first and last moments
//! - `finalizing`: a transport that was never closed
//! - `describing`, `registered`: what `get_extra_info` answers; which descriptors are transports'
//! - `room`: the memory that is read into
//! - `reading`, `writing`: the two directions
//! - `serving`: the transport's task
//! - `waiting`: futures for "this descriptor is ready" and for what it receives; `bell`: how the reactor says so

mod accepting;
mod bare_socket;
mod beginning;
mod bell;
mod describing;
mod descriptor;
mod ending;
mod finalizing;
mod opening;
mod output;
mod reading;
mod registered;
mod room;
mod serving;
mod state;
mod transport;
mod waiting;
mod writing;

pub(super) use waiting::{Waits, receive_now, serve_waits, when_ready, when_received};
pub(crate) use writing::{os_error, os_error_of_file};
pub(super) use writing::{send_deferred, send_now};

pub use accepting::Listener;
pub use bare_socket::BareSocket;
pub use registered::Registered;
pub use transport::StreamTransport;
