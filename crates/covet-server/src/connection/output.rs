//! Answers on their way to the socket: small ones gathered in one buffer, a large one from where it lies.

use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use crate::buffers::Buffer;
use crate::connection::socket::Socket;
use crate::response::Payload;

/// A body up to this many bytes is copied behind its head; a larger one is sent from its own memory.
const COPIED: usize = 16 * 1024;

/// Unsent answers, in order: the gathered bytes, then at most one large body.
#[derive(Debug, Default)]
pub(super) struct Output {
    gathered: Buffer,
    sent: usize,
    large: Option<Payload>,
    /// Framing that follows the large body.
    tail: &'static [u8],
    /// Bytes of the large body and its tail that the socket took.
    large_sent: usize,
}

impl Output {
    /// Where heads are written.
    pub(super) fn gather(&mut self) -> &mut Vec<u8> {
        if self.gathered.capacity() == 0 {
            self.gathered = Buffer::take();
        }
        &mut self.gathered
    }

    /// Append a body.
    pub(super) fn body(&mut self, body: Payload) {
        self.framed(body, b"");
    }

    /// Append a body, or a part of one, and the framing after it.
    pub(super) fn framed(&mut self, body: Payload, tail: &'static [u8]) {
        let bytes = body.as_slice();
        if bytes.len() <= COPIED {
            let out = self.gather();
            out.extend_from_slice(bytes);
            out.extend_from_slice(tail);
        } else {
            self.large = Some(body);
            self.tail = tail;
            self.large_sent = 0;
        }
    }

    /// Bytes that the socket has not taken.
    pub(super) fn unsent(&self) -> usize {
        let large = self.large.as_ref().map_or(0, |body| {
            body.as_slice().len() + self.tail.len() - self.large_sent
        });
        self.gathered.len() - self.sent + large
    }

    /// Whether nothing more can be appended before this is sent.
    pub(super) fn is_full(&self, max_unsent: usize) -> bool {
        self.large.is_some() || self.gathered.len() - self.sent > max_unsent
    }

    /// Send. `progress` is set where the socket took at least a byte.
    pub(super) fn poll_flush(
        &mut self,
        socket: &impl Socket,
        cx: &mut Context<'_>,
        progress: &mut bool,
    ) -> Poll<io::Result<()>> {
        while self.unsent() > 0 {
            let gathered = &self.gathered[self.sent..];
            let result = match &self.large {
                None => socket.send(&[IoSlice::new(gathered)]),
                Some(body) => {
                    let body = body.as_slice();
                    let from_body = self.large_sent.min(body.len());
                    let (body, tail) = (
                        &body[from_body..],
                        &self.tail[self.large_sent - from_body..],
                    );
                    match (gathered, tail) {
                        ([], []) => socket.send(&[IoSlice::new(body)]),
                        ([], tail) => socket.send(&[IoSlice::new(body), IoSlice::new(tail)]),
                        (gathered, []) => {
                            socket.send(&[IoSlice::new(gathered), IoSlice::new(body)])
                        }
                        _ => socket.send(&[gathered, body, tail].map(IoSlice::new)),
                    }
                }
            };
            match result {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(count) => {
                    *progress = true;
                    let from_gathered = count.min(gathered.len());
                    self.sent += from_gathered;
                    self.large_sent += count - from_gathered;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(socket.poll_writable(cx))?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        self.gathered.clear();
        self.sent = 0;
        self.large = None;
        Poll::Ready(Ok(()))
    }

    /// Give the buffers back.
    pub(super) fn release(&mut self) {
        *self = Self::default();
    }
}
