//! A body of an answer that comes in parts: what a stream is, and how it ends.
//!
//! The connection asks for the next part only while the client keeps up. Knows neither framing
//! nor sockets. Neighbours: handlers make one ([`Payload::Stream`]), `connection/streaming.rs`
//! sends it.

use std::fmt;
use std::task::{Context, Poll};

use crate::response::{Payload, Response};

/// What a stream gives next.
#[derive(Debug)]
pub enum Part {
    /// More bytes. None at all is allowed and sends nothing.
    Chunk(Payload),
    /// The end, with trailer fields as `name: value\r\n` each. They are sent where the framing has
    /// room for them (HTTP/1.1, no known length) and dropped elsewhere (RFC 9110 section 6.5.1).
    End(Vec<u8>),
}

impl Part {
    /// The end, without trailers.
    #[must_use]
    pub fn end() -> Self {
        Self::End(Vec::new())
    }
}

/// The stream cannot go on. The connection is cut, so that no part of an answer passes for the
/// whole; only if nothing of it was sent the client gets an answer `instead`, else a 500.
#[derive(Debug, Default)]
pub struct Broken {
    /// What is answered if that is still possible. A stream within it is not sent.
    pub instead: Option<Box<Response>>,
}

/// The body of an answer in parts. Dropped when the client leaves, also while it is pending.
/// Never polled for HEAD, 204 and 304, and not again after its end.
pub trait Stream {
    /// Bytes in total, where that is known. More or fewer cut the connection.
    fn length(&self) -> Option<u64> {
        None
    }

    /// The next part. While more than `Settings::max_unsent` bytes are unsent it is not asked for.
    ///
    /// # Errors
    /// [`Broken`]; whoever knows why has logged it.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Part, Broken>>;

    /// Whether the head waits for the first part, so that a failure before it can be a 500.
    fn holds_head(&self) -> bool {
        false
    }

    /// The server drains: a stream that has no end of its own should come to one. Called once.
    fn drain(&mut self) {}
}

impl fmt::Debug for dyn Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stream({:?} bytes)", self.length())
    }
}
