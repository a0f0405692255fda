//! What a transport was given to write and the socket has not taken: `bytes` objects, held and not copied.
//!
//! Knows the water marks; who is told of them is `writing.rs`'s.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::RawFd;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::descriptor::{send, send_parts};

/// asyncio's default high-water mark, in bytes.
const HIGH_WATER: usize = 64 * 1024;
/// So many pieces go into one system call; the kernel's limit is 1024.
const MOST_PARTS: usize = 64;

/// Bytes that wait for the socket, and how many may.
pub(super) struct Output {
    pieces: VecDeque<Piece>,
    size: usize,
    /// Above so many bytes the protocol is told to pause.
    pub(super) high: usize,
    /// At so many bytes or fewer it is told to go on.
    pub(super) low: usize,
    /// The protocol was told to pause.
    pub(super) is_paused: bool,
    /// The socket's buffer was seen full: nothing is tried until it is writable.
    pub(super) is_blocked: bool,
}

struct Piece {
    bytes: Py<PyBytes>,
    sent: usize,
}

impl Output {
    /// Nothing to send.
    pub(super) fn new() -> Self {
        Self {
            pieces: VecDeque::new(),
            size: 0,
            high: HIGH_WATER,
            low: HIGH_WATER / 4,
            is_paused: false,
            is_blocked: false,
        }
    }

    /// Sets the water marks, of which one follows from the other where it is not said, as asyncio's do.
    ///
    /// # Errors
    ///
    /// `ValueError`.
    pub(super) fn set_limits(&mut self, high: Option<i64>, low: Option<i64>) -> PyResult<()> {
        let usual = HIGH_WATER.cast_signed() as i64;
        let high = high.unwrap_or_else(|| low.map_or(usual, |low| low.saturating_mul(4)));
        let low = low.unwrap_or(high.div_euclid(4));
        match (usize::try_from(high), usize::try_from(low)) {
            (Ok(checked_high), Ok(checked_low)) if high >= low => {
                (self.high, self.low) = (checked_high, checked_low);
                Ok(())
            }
            _ => Err(PyValueError::new_err(format!(
                "high ({high}) must be >= low ({low}) must be >= 0"
            ))),
        }
    }

    /// How many bytes wait.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// Appends `bytes` from `sent` on.
    pub(super) fn push(&mut self, bytes: &Bound<'_, PyBytes>, sent: usize) {
        self.size += bytes.as_bytes().len() - sent;
        self.pieces.push_back(Piece {
            bytes: bytes.clone().unbind(),
            sent,
        });
    }

    /// Takes what waits, to be dropped without the lock.
    pub(super) fn take(&mut self) -> impl Sized + use<> {
        self.size = 0;
        self.is_blocked = false;
        std::mem::take(&mut self.pieces)
    }

    /// Sends `bytes` at once where nothing waits; returns how many the socket took.
    ///
    /// # Errors
    ///
    /// What ends the connection. A full socket is none: it is noted.
    pub(super) fn send_now(&mut self, fd: RawFd, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.note(send(fd, bytes))?;
        self.is_blocked = sent < bytes.len();
        Ok(sent)
    }

    /// Sends until all is sent or the socket is full.
    ///
    /// # Errors
    ///
    /// As for [`Self::send_now`].
    pub(super) fn send_all(&mut self, py: Python<'_>, fd: RawFd) -> io::Result<()> {
        while !self.is_empty() && !self.is_blocked {
            let mut parts: Vec<_> = self
                .pieces
                .iter()
                .take(MOST_PARTS)
                .map(|piece| IoSlice::new(&piece.bytes.as_bytes(py)[piece.sent..]))
                .collect();
            let offered: usize = parts.iter().map(|part| part.len()).sum();
            let sent = match &mut *parts {
                [only] => send(fd, only),
                many => send_parts(fd, many),
            };
            let sent = self.note(sent)?;
            self.is_blocked = sent < offered;
            self.forget(py, sent);
        }
        Ok(())
    }

    /// A system call that would block or was interrupted sent nothing.
    fn note(&mut self, sent: io::Result<usize>) -> io::Result<usize> {
        match sent {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) =>
            {
                self.is_blocked = true;
                Ok(0)
            }
            other => other,
        }
    }

    /// Exact `bytes` have no finalizer, so they are dropped under the lock.
    fn forget(&mut self, py: Python<'_>, mut sent: usize) {
        self.size -= sent;
        while let Some(first) = self.pieces.front_mut() {
            let waits = first.bytes.as_bytes(py).len() - first.sent;
            if waits > sent {
                first.sent += sent;
                return;
            }
            sent -= waits;
            self.pieces.pop_front();
        }
    }
}
