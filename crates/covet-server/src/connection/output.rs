//! Answers on their way to the socket: small ones gathered in one buffer, a large one from where it lies, a file by
//! the kernel.

use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use crate::buffers::Buffer;
use crate::connection::socket::Socket;
use crate::files::{FileBody, Piece};
use crate::response::Payload;

/// A body up to this many bytes is copied behind its head; a larger one is sent from its own memory.
const COPIED: usize = 16 * 1024;
/// Bytes of a file that are sent before others get their turn.
const FILE_TURN: u64 = 1024 * 1024;
/// Bytes of a file that are read at once where the kernel cannot send it.
const FILE_PIECE: usize = 64 * 1024;

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
        if bytes.len() <= COPIED && !matches!(body, Payload::File(_)) {
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
        let file = match &self.large {
            Some(Payload::File(body)) => body.left() as usize,
            _ => 0,
        };
        self.unsent_in_memory() + file
    }

    fn unsent_in_memory(&self) -> usize {
        let large = self.large.as_ref().map_or(0, |body| {
            body.as_slice().len() + self.tail.len() - self.large_sent
        });
        self.gathered.len() - self.sent + large
    }

    /// Whether a file is being sent.
    pub(super) fn has_file(&self) -> bool {
        matches!(self.large, Some(Payload::File(_)))
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
        let mut turn = FILE_TURN;
        loop {
            ready!(self.poll_flush_memory(socket, cx, progress))?;
            self.gathered.clear();
            self.sent = 0;
            let Some(Payload::File(body)) = &mut self.large else {
                break;
            };
            match body.next() {
                None => break,
                Some(Piece::Text(text)) => self.gather().extend_from_slice(&text),
                Some(Piece::Part { .. }) if turn == 0 => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Piece::Part { offset, left }) if !body.is_copied() => {
                    let sent = ready!(poll_send_file(body, socket, cx, offset, left.min(turn)))?;
                    *progress |= sent > 0;
                    turn -= sent;
                }
                Some(Piece::Part { .. }) => {
                    if self.gathered.capacity() == 0 {
                        self.gathered = Buffer::with_capacity(FILE_PIECE);
                    }
                    body.read(&mut self.gathered, FILE_PIECE)?;
                    turn = turn.saturating_sub(self.gathered.len() as u64);
                }
            }
        }
        self.large = None;
        Poll::Ready(Ok(()))
    }

    fn poll_flush_memory(
        &mut self,
        socket: &impl Socket,
        cx: &mut Context<'_>,
        progress: &mut bool,
    ) -> Poll<io::Result<()>> {
        while self.unsent_in_memory() > 0 {
            let gathered = &self.gathered[self.sent..];
            let result = match &self.large {
                Some(Payload::File(body)) if body.left() > 0 => socket.send_more(gathered),
                None | Some(Payload::File(_)) => socket.send(&[IoSlice::new(gathered)]),
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
        Poll::Ready(Ok(()))
    }

    /// Give the buffers back.
    pub(super) fn release(&mut self) {
        *self = Self::default();
    }
}

/// Have the kernel send `most` bytes from `offset`, or fewer; ready with 0 where it is to be tried again.
fn poll_send_file(
    body: &mut FileBody,
    socket: &impl Socket,
    cx: &mut Context<'_>,
    offset: u64,
    most: u64,
) -> Poll<io::Result<u64>> {
    match socket.send_file(body.file(), offset, most as usize) {
        // The length was promised: nothing but the end of the connection can take it back.
        Ok(0) => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
        Ok(count) => {
            body.sent(count as u64);
            return Poll::Ready(Ok(count as u64));
        }
        Err(error) => match error.kind() {
            io::ErrorKind::WouldBlock => ready!(socket.poll_writable(cx))?,
            io::ErrorKind::Interrupted => {}
            // A file system, or a system, that cannot.
            io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput => body.copy(),
            _ => return Poll::Ready(Err(error)),
        },
    }
    Poll::Ready(Ok(0))
}
