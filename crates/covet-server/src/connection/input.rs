//! Bytes that have arrived and are not consumed yet.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::buffers::Buffer;

/// The least room to offer a read.
const ROOM: usize = 2 * 1024;

/// The read buffer: filled at the end, consumed from the front.
#[derive(Debug, Default)]
pub(super) struct Input {
    bytes: Buffer,
    consumed: usize,
}

impl Input {
    /// What is there.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[self.consumed..]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.len() == self.consumed
    }

    /// Drop the first `count` bytes.
    pub(super) fn consume(&mut self, count: usize) {
        self.consumed += count;
        debug_assert!(self.consumed <= self.bytes.len());
        if self.is_empty() {
            self.bytes.clear();
            self.consumed = 0;
        }
    }

    /// Read once. Ready(0) is the end of the stream.
    pub(super) fn poll_fill(
        &mut self,
        socket: &mut (impl AsyncRead + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.bytes.capacity() == 0 {
            self.bytes = Buffer::take();
        }
        if self.bytes.capacity() - self.bytes.len() < ROOM {
            self.make_room();
        }
        let bytes: &mut Vec<u8> = &mut self.bytes;
        let read = pin!(Pin::new(socket).get_mut().read_buf(bytes));
        std::future::Future::poll(read, cx)
    }

    fn make_room(&mut self) {
        if self.consumed > 0 {
            self.bytes.drain(..self.consumed);
            self.consumed = 0;
        }
        if self.bytes.capacity() - self.bytes.len() < ROOM {
            // Heads are bounded by the codec, so a buffer grows to a few classes at most.
            let mut larger = Buffer::with_capacity(self.bytes.len() * 2 + ROOM);
            larger.extend_from_slice(&self.bytes);
            self.bytes = larger;
        }
    }

    /// Give the buffer back.
    pub(super) fn release(&mut self) {
        *self = Self::default();
    }
}
