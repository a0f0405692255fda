//! [`Received`]: the bytes of a form between the socket and the disk.
//!
//! The buffer that the socket is read into is what is written of a large file: two of them take turns, and no byte
//! is copied in between. Knows neither parts nor files. Neighbour: `intake.rs`.

use std::mem;
use std::ops::Range;

use tokio::io::ReadBuf;

/// Bytes that were received: those that are to be written, then those that nobody has looked at.
#[derive(Debug, Default)]
pub(super) struct Received {
    /// The first `filled` bytes count.
    kept: Vec<u8>,
    filled: usize,
    /// Where the bytes are that are to be written.
    pending: Range<usize>,
    /// Where the bytes begin that are not parsed.
    parsed: usize,
    /// What the last batch was in.
    spare: Vec<u8>,
}

impl Received {
    /// Have `fill` put at most `most` bytes behind what is here.
    pub(super) fn read(&mut self, most: usize, fill: &mut dyn FnMut(&mut ReadBuf<'_>)) {
        let end = self.filled + most;
        if self.kept.len() < end {
            self.kept.resize(end, 0);
        }
        let mut room = ReadBuf::new(&mut self.kept[self.filled..end]);
        fill(&mut room);
        self.filled += room.filled().len();
    }

    /// A body that is here as a whole.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.kept.truncate(self.filled);
        self.kept.extend_from_slice(bytes);
        self.filled = self.kept.len();
    }

    /// What is not parsed.
    pub(super) fn unparsed(&self) -> &[u8] {
        &self.kept[self.parsed..self.filled]
    }

    /// So many bytes say nothing more.
    pub(super) fn skip(&mut self, count: usize) {
        self.parsed += count;
    }

    /// The next `count` bytes are to be written, behind those that are already: nothing was skipped in between.
    pub(super) fn keep(&mut self, count: usize) {
        if self.pending.is_empty() {
            self.pending = self.parsed..self.parsed;
        }
        debug_assert_eq!(self.pending.end, self.parsed, "the bytes of one part");
        self.parsed += count;
        self.pending.end = self.parsed;
    }

    /// How many bytes are to be written.
    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// The bytes that are to be written, and where they are in it. What is not parsed stays.
    pub(super) fn take_pending(&mut self) -> (Vec<u8>, Range<usize>) {
        let mut next = mem::take(&mut self.spare);
        let left = self.filled - self.parsed;
        if next.len() < left {
            next.resize(left, 0);
        }
        next[..left].copy_from_slice(self.unparsed());
        (self.filled, self.parsed) = (left, 0);
        let pending = mem::take(&mut self.pending);
        (mem::replace(&mut self.kept, next), pending)
    }

    /// A buffer that was written, for what comes next.
    pub(super) fn give_back(&mut self, buffer: Vec<u8>) {
        self.spare = buffer;
    }

    /// Make room: what is needed moves to the front.
    pub(super) fn move_to_front(&mut self) {
        let start = if self.pending.is_empty() {
            self.pending = 0..0;
            self.parsed
        } else {
            self.pending.start
        };
        if start > 0 {
            self.kept.copy_within(start..self.filled, 0);
            self.filled -= start;
            self.parsed -= start;
            self.pending = 0..self.pending.end.saturating_sub(start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(received: &mut Received, bytes: &[u8]) {
        received.read(bytes.len() + 3, &mut |room| room.put_slice(bytes));
    }

    #[test]
    fn what_is_kept_comes_out_once_and_in_order() {
        let mut received = Received::default();
        fill(&mut received, b"--headabc");
        received.skip(6);
        received.keep(2);
        assert_eq!((received.pending(), received.unparsed()), (2, &b"c"[..]));
        received.move_to_front();
        fill(&mut received, b"def--");
        received.keep(4);
        received.skip(1);
        received.move_to_front();
        assert_eq!((received.pending(), received.unparsed()), (6, &b"-"[..]));
        let (buffer, range) = received.take_pending();
        assert_eq!(&buffer[range], b"abcdef");
        assert_eq!((received.pending(), received.unparsed()), (0, &b"-"[..]));
        received.give_back(buffer);
        fill(&mut received, b"gh");
        received.skip(1);
        received.keep(2);
        let (buffer, range) = received.take_pending();
        assert_eq!(&buffer[range], b"gh");
        received.move_to_front();
        received.extend(b"end");
        assert_eq!(received.unparsed(), b"end");
    }

    #[test]
    fn two_buffers_take_turns() {
        let mut received = Received::default();
        let mut seen = Vec::new();
        for _ in 0..6 {
            fill(&mut received, b"abcdefgh");
            received.keep(8);
            let (buffer, _) = received.take_pending();
            seen.push(buffer.as_ptr());
            received.give_back(buffer);
        }
        assert_eq!(seen[2..4], seen[4..6]);
    }
}
