//! Where sockets are read into: memory that a thread keeps, from which a `bytes` of the right size is copied.
//!
//! A reader that expects much reads straight into a `bytes` instead, which is cut to what came: one copy less, but an
//! allocation of the full size. Knows nothing of transports.

#![allow(unsafe_code)]

use std::cell::RefCell;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::RawFd;
use std::slice::from_raw_parts_mut;

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokio::io::ReadBuf;

use super::descriptor::receive_into;
use crate::runtime::GrowingBytes;

/// So much is read in one system call at most: asyncio's `max_size`.
pub(super) const MOST_AT_ONCE: usize = 256 * 1024;
/// Who received so much at once is taken to receive much again.
pub(super) const MUCH: usize = 64 * 1024;

/// A cache line. On some processors the kernel's copy is slow to memory that begins 16 bytes into a page, which is
/// where the C library's allocator puts what is large.
#[repr(C, align(64))]
struct Line([MaybeUninit<u8>; 64]);

/// What the socket `fd` has now: at most `limit` bytes; none at the end of the stream.
///
/// # Errors
///
/// `OSError`, `WouldBlock` where there is nothing yet. Memory that is not to be had is one as well.
pub(super) fn receive(
    py: Python<'_>,
    fd: RawFd,
    limit: usize,
    expects_much: bool,
) -> io::Result<Bound<'_, PyBytes>> {
    if expects_much || limit > MOST_AT_ONCE {
        return receive_straight(py, fd, limit);
    }
    with_room(|room| {
        let mut buffer = ReadBuf::uninit(&mut room[..limit]);
        receive_into(fd, &mut buffer)?;
        Ok(PyBytes::new(py, buffer.filled()))
    })
}

fn receive_straight(py: Python<'_>, fd: RawFd, limit: usize) -> io::Result<Bound<'_, PyBytes>> {
    let no_memory = |_: PyErr| io::Error::from_raw_os_error(libc::ENOMEM);
    let mut bytes = GrowingBytes::with_capacity(py, limit).map_err(no_memory)?;
    let mut received = Ok(0);
    bytes
        .read(py, limit, &mut |buffer| {
            received = receive_into(fd, buffer);
        })
        .map_err(no_memory)?;
    received?;
    Ok(bytes.finish(py).map_err(no_memory)?.into_bound(py))
}

/// Runs `work` with this thread's room, which holds [`MOST_AT_ONCE`] bytes.
fn with_room<R>(work: impl FnOnce(&mut [MaybeUninit<u8>]) -> R) -> R {
    thread_local! {
        static ROOM: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
    }
    ROOM.with_borrow_mut(|lines| {
        let count = MOST_AT_ONCE / size_of::<Line>();
        lines.resize_with(count, || Line([MaybeUninit::uninit(); 64]));
        let start = lines.as_mut_ptr().cast::<MaybeUninit<u8>>();
        // SAFETY: so many lines were just made; a line has no padding, and any byte may be in it.
        work(unsafe { from_raw_parts_mut(start, MOST_AT_ONCE) })
    })
}
