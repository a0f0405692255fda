//! [`FileBody`]: what of an open file is sent, with text between its parts where they are several.
//!
//! Reading and sending are the connection's; this keeps what is left.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::conditional::Validators;
use super::range::ByteRange;
use super::stored::StoredFile;
use crate::buffers::Buffer;

/// What comes next of a body.
#[derive(Debug)]
pub(crate) enum Piece {
    /// Text between parts.
    Text(Vec<u8>),
    /// This many bytes of the file, from this offset.
    Part { offset: u64, left: u64 },
}

/// The body of an answer that is a file or parts of one.
#[derive(Debug)]
pub struct FileBody {
    file: File,
    pieces: VecDeque<Piece>,
    left: u64,
    /// Of a whole file whose conditions and ranges are still to be looked at.
    whole: Option<(Validators, u64)>,
    copied: bool,
}

impl FileBody {
    /// The whole file, or what of it the client's conditions and ranges leave.
    #[must_use]
    pub fn whole(stored: StoredFile) -> Self {
        let mut body = Self::part(stored.file, 0, stored.length);
        body.whole = Some((stored.validators, stored.length));
        body
    }

    /// The whole file to everyone, whatever the client has or asked for.
    #[must_use]
    pub fn unconditional(stored: StoredFile) -> Self {
        Self::part(stored.file, 0, stored.length)
    }

    /// `length` bytes from `offset`, whatever the client asked for.
    #[must_use]
    pub fn part(file: File, offset: u64, length: u64) -> Self {
        let piece = Piece::Part {
            offset,
            left: length,
        };
        Self {
            file,
            pieces: VecDeque::from([piece]),
            left: length,
            whole: None,
            copied: false,
        }
    }

    /// Bytes still to be sent.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left
    }

    /// What identifies the whole file, and its size; `None` for a part, and when it was taken.
    pub(super) fn take_whole(&mut self) -> Option<(Validators, u64)> {
        self.whole.take()
    }

    /// Send only this.
    pub(super) fn narrow(&mut self, pieces: VecDeque<Piece>) {
        let length = |piece: &Piece| match piece {
            Piece::Text(text) => text.len() as u64,
            Piece::Part { left, .. } => *left,
        };
        self.left = pieces.iter().map(length).sum();
        self.pieces = pieces;
    }

    /// A part of the file as a piece.
    pub(super) fn piece(range: ByteRange) -> Piece {
        Piece::Part {
            offset: range.start,
            left: range.length(),
        }
    }

    /// Never use sendfile for it.
    pub(crate) fn copy(&mut self) {
        self.copied = true;
    }

    pub(crate) fn is_copied(&self) -> bool {
        self.copied
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// What comes next; text is taken out, a part stays until [`sent`](Self::sent) says so.
    pub(crate) fn next(&mut self) -> Option<Piece> {
        loop {
            match self.pieces.front()? {
                Piece::Part { left: 0, .. } => {
                    self.pieces.pop_front();
                }
                &Piece::Part { offset, left } => return Some(Piece::Part { offset, left }),
                Piece::Text(text) => {
                    self.left -= text.len() as u64;
                    return self.pieces.pop_front();
                }
            }
        }
    }

    /// This many bytes of the part that comes next are on their way.
    pub(crate) fn sent(&mut self, count: u64) {
        if let Some(Piece::Part { offset, left }) = self.pieces.front_mut() {
            *offset += count;
            *left -= count;
            self.left -= count;
        }
    }

    /// Read at most `most` bytes of the part that comes next and count them as sent.
    ///
    /// # Errors
    /// What reading says; `UnexpectedEof` where the file has become shorter.
    pub(crate) fn read(&mut self, out: &mut Vec<u8>, most: usize) -> io::Result<()> {
        let Some(Piece::Part { offset, left }) = self.next() else {
            return Ok(());
        };
        let start = out.len();
        out.resize(start + most.min(usize::try_from(left).unwrap_or(most)), 0);
        let count = self.file.read_at(&mut out[start..], offset)?;
        out.truncate(start + count);
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.sent(count as u64);
        Ok(())
    }

    /// All that is left, in memory.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(super) fn into_buffer(mut self) -> io::Result<Buffer> {
        let length = self.left as usize;
        let mut out = Buffer::with_capacity(length);
        while let Some(piece) = self.next() {
            match piece {
                Piece::Text(text) => out.extend_from_slice(&text),
                Piece::Part { .. } => self.read(&mut out, length)?,
            }
        }
        Ok(out)
    }
}
