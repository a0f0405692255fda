//! Raw writing at the end of a byte vector: room is made once for several stores, which then are
//! not checked. Knows nothing of what the bytes mean.
//!
//! A copy whose size is known late costs a call, so short pieces are stored in blocks of fixed
//! size that overlap or reach too far; only the length counts.

#![allow(unsafe_code, reason = "stores within room that was made before")]
#![allow(
    clippy::inline_always,
    reason = "a pen that is not inlined lives in memory, and each value waits for the one before"
)]

use std::ptr::copy_nonoverlapping;

/// Room for `more` bytes after the end, and where they start.
#[inline]
fn room(out: &mut Vec<u8>, more: usize) -> *mut u8 {
    out.reserve(more);
    out.spare_capacity_mut().as_mut_ptr().cast()
}

/// Appends the lowest `length` bytes of `word`, at most 8.
#[inline]
pub(crate) fn push_word(out: &mut Vec<u8>, word: u64, length: usize) {
    let at = room(out, 8);
    debug_assert!(length <= 8, "a word has 8 bytes");
    // SAFETY: there is room for a word after the end.
    unsafe { at.cast::<u64>().write_unaligned(word.to_le()) };
    let end = out.len() + length.min(8);
    // SAFETY: at most 8 bytes more, which were just written.
    unsafe { out.set_len(end) };
}

/// Appends up to 32 bytes; more are appended as well, at the price of a call.
#[inline]
pub(crate) fn push_short(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = bytes.len();
    let (from, to) = (bytes.as_ptr(), room(out, length));
    match length {
        // SAFETY: `from` and `to` have `length` bytes, and the blocks do not leave them.
        16..=32 => unsafe { copy_ends::<16>(from, to, length) },
        // SAFETY: as above.
        8..=15 => unsafe { copy_ends::<8>(from, to, length) },
        // SAFETY: as above.
        4..=7 => unsafe { copy_ends::<4>(from, to, length) },
        // SAFETY: as above.
        _ => unsafe { copy_nonoverlapping(from, to, length) },
    }
    // SAFETY: `length` bytes were just written after the end.
    unsafe { out.set_len(out.len() + length) };
}

/// Copies `length` bytes as two blocks that may overlap.
///
/// # Safety
/// Both sides have `length` bytes, and `SIZE <= length <= 2 * SIZE`.
#[inline]
unsafe fn copy_ends<const SIZE: usize>(from: *const u8, to: *mut u8, length: usize) {
    let last = length - SIZE;
    // SAFETY: the first block ends within `length`.
    unsafe { copy_nonoverlapping(from, to, SIZE) };
    // SAFETY: the last block starts at `last` and ends at `length`.
    unsafe { copy_nonoverlapping(from.add(last), to.add(last), SIZE) };
}

/// Bytes that are appended often: kept in whole blocks, so that appending has no call and mostly
/// no branch.
#[derive(Debug)]
pub(crate) struct Literal {
    /// At least `length`, filled up with zeros.
    blocks: Box<[[u8; 16]]>,
    length: usize,
}

impl Literal {
    /// A copy of `bytes`.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let block = |part: &[u8]| {
            let mut block = [0; 16];
            block[..part.len()].copy_from_slice(part);
            block
        };
        Self {
            blocks: bytes.chunks(16).map(block).collect(),
            length: bytes.len(),
        }
    }

    /// How many bytes it is.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// The bytes.
    #[cfg(test)]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.blocks.as_flattened()[..self.length]
    }

    /// Appends the bytes.
    pub(crate) fn push_to(&self, out: &mut Vec<u8>) {
        let mut pen = Pen::new(out);
        self.put(&mut pen);
        pen.finish();
    }

    /// Appends the bytes.
    #[inline(always)]
    pub(super) fn put(&self, pen: &mut Pen<'_>) {
        let Some((last, blocks)) = self.blocks.split_last() else {
            return;
        };
        pen.reserve(self.blocks.len() * 16);
        for block in blocks {
            // SAFETY: there is room for every block.
            unsafe { pen.put(*block, 16) };
        }
        // SAFETY: as above.
        unsafe { pen.put(*last, self.length - blocks.len() * 16) };
    }
}

/// The end of a vector while much is appended to it: position and end of the room stay in
/// registers, the vector learns its length at the end.
///
/// What is not inlined takes the position and returns both by value, for the same reason.
pub(super) struct Pen<'out> {
    out: &'out mut Vec<u8>,
    at: *mut u8,
    end: *mut u8,
}

/// Position and end of a pen.
type Place = (*mut u8, *mut u8);

impl<'out> Pen<'out> {
    /// At the end of `out`.
    #[inline(always)]
    pub(super) fn new(out: &'out mut Vec<u8>) -> Self {
        let (at, end) = place(out);
        Self { out, at, end }
    }

    /// Makes room for `more` bytes.
    #[inline(always)]
    pub(super) fn reserve(&mut self, more: usize) {
        if (self.end as usize) - (self.at as usize) < more {
            (self.at, self.end) = grow(self.out, self.at, more);
        }
    }

    /// Stores `value` and goes on `length` bytes behind where it was.
    ///
    /// # Safety
    /// There is room for the whole `value`; `length` is at most its size, and that much of it is initialised.
    #[inline(always)]
    pub(super) unsafe fn put<T>(&mut self, value: T, length: usize) {
        debug_assert!(
            size_of::<T>() <= self.end as usize - self.at as usize,
            "no room"
        );
        // SAFETY: there is room, as the caller promises.
        unsafe { self.at.cast::<T>().write_unaligned(value) };
        // SAFETY: at most the end of the room.
        self.at = unsafe { self.at.add(length) };
    }

    /// Moves back by `length` bytes, which are written again or given up.
    ///
    /// # Safety
    /// The pen wrote that many bytes.
    #[inline(always)]
    pub(super) unsafe fn back(&mut self, length: usize) {
        // SAFETY: still within the vector.
        self.at = unsafe { self.at.sub(length) };
    }

    /// The bytes since the vector's start.
    #[inline(always)]
    pub(super) fn position(&self) -> usize {
        self.at as usize - self.out.as_ptr() as usize
    }

    /// Has `append` write at the end of the vector.
    #[inline(always)]
    pub(super) fn with(&mut self, append: impl FnOnce(&mut Vec<u8>)) {
        settle(self.out, self.at);
        append(self.out);
        (self.at, self.end) = place(self.out);
    }

    /// What was written counts.
    #[inline(always)]
    pub(super) fn finish(self) {
        settle(self.out, self.at);
    }
}

#[inline(always)]
fn place(out: &mut Vec<u8>) -> Place {
    let room = out.spare_capacity_mut().as_mut_ptr_range();
    (room.start.cast(), room.end.cast())
}

/// The vector ends at `at`.
#[inline(always)]
fn settle(out: &mut Vec<u8>, at: *mut u8) {
    let length = at as usize - out.as_ptr() as usize;
    // SAFETY: a pen's position is within the vector, and everything before it was written.
    unsafe { out.set_len(length) };
}

#[cold]
#[inline(never)]
fn grow(out: &mut Vec<u8>, at: *mut u8, more: usize) -> Place {
    settle(out, at);
    out.reserve(more);
    place(out)
}

#[cfg(test)]
mod tests {
    use super::{Literal, push_short, push_word};

    #[test]
    fn every_length_after_every_other() {
        let bytes: Vec<u8> = (0..80).collect();
        for before in 0..20 {
            for length in 0..80 {
                let mut out = bytes[..before].to_vec();
                out.shrink_to_fit();
                push_short(&mut out, &bytes[..length]);
                Literal::new(&bytes[..length]).push_to(&mut out);
                let expected = [&bytes[..before], &bytes[..length], &bytes[..length]].concat();
                assert_eq!(out, expected);
                assert_eq!(Literal::new(&bytes[..length]).as_bytes(), &bytes[..length]);
            }
        }
    }

    #[test]
    fn words_of_every_length() {
        for length in 0..=8 {
            let mut out = vec![0];
            push_word(&mut out, u64::from_le_bytes(*b"abcdefgh"), length);
            assert_eq!(out[1..], b"abcdefgh"[..length]);
        }
    }
}
