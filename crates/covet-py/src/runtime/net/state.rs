//! What a transport remembers, behind its lock. The lock is never held across a call into Python.

use std::net::TcpStream;
use std::task::Waker;

use pyo3::prelude::*;

use super::describing::Described;
use super::descriptor::Watched;
use super::output::Output;

/// Whose the descriptor of a transport is.
pub(super) enum Socket {
    /// The transport's own: no Python object was asked for yet.
    Bare(TcpStream, i32),
    /// A Python socket's.
    Python(Py<PyAny>),
    /// Nobody's any more.
    Gone,
}

/// The changing part of a transport.
#[allow(
    clippy::struct_excessive_bools,
    reason = "asyncio's own flags, each of which its contract names"
)]
pub(super) struct State {
    /// None after the connection's end.
    pub(super) protocol: Option<Py<PyAny>>,
    /// The protocol has `get_buffer` and `buffer_updated`.
    pub(super) is_buffered: bool,
    /// The last read gave much.
    pub(super) expects_much: bool,
    /// None before `_start` and after the end.
    pub(super) watched: Option<Watched>,
    /// Who owns the descriptor. It is dropped after the registration.
    pub(super) socket: Socket,
    /// What is known of the connection beside its socket.
    pub(super) described: Described,
    /// Wakes the transport's task.
    pub(super) waker: Option<Waker>,
    /// The task runs: it looks at everything before it rests.
    pub(super) is_served: bool,
    /// What waits to be sent.
    pub(super) output: Output,
    /// The turn of the last write that was tried at once.
    pub(super) wrote_in: u64,
    /// The loop will send what waits at the end of its turn.
    pub(super) is_deferred: bool,
    /// `close()` or `abort()` was called, or the connection failed.
    pub(super) is_closing: bool,
    /// `pause_reading()` was called.
    pub(super) is_paused: bool,
    /// The peer's end was told to the protocol, which keeps the connection.
    pub(super) has_ended: bool,
    /// `write_eof()` was called.
    pub(super) is_eof_written: bool,
    /// A file is being sent: nothing else may be written.
    pub(super) is_sealed: bool,
    /// asyncio's `_conn_lost`: not 0 once `connection_lost` is scheduled; then counts writes.
    pub(super) lost: u32,
    /// The socket is given up: the task ends.
    pub(super) is_over: bool,
}

impl State {
    /// A new connection of `protocol`.
    pub(super) fn new(protocol: Py<PyAny>, is_buffered: bool, socket: Socket) -> Self {
        Self {
            protocol: Some(protocol),
            is_buffered,
            expects_much: false,
            watched: None,
            socket,
            described: Described::default(),
            waker: None,
            is_served: false,
            output: Output::new(),
            wrote_in: 0,
            is_deferred: false,
            is_closing: false,
            is_paused: false,
            has_ended: false,
            is_eof_written: false,
            is_sealed: false,
            lost: 0,
            is_over: false,
        }
    }

    /// Whether bytes that arrive are wanted now.
    pub(super) fn wants_input(&self) -> bool {
        !(self.is_closing || self.is_paused || self.has_ended) && self.lost == 0
    }

    /// Runs the task soon, unless it runs.
    pub(super) fn wake(&self) {
        if !self.is_served {
            self.waker.iter().for_each(Waker::wake_by_ref);
        }
    }
}
