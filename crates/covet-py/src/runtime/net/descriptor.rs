//! A socket's system calls, and its registration with the reactor.
//!
//! The descriptor belongs to a Python socket, which Python code may close behind our back. A registration of such a
//! descriptor is given up without touching it: the number may be another file's by now. Knows nothing of protocols.

#![allow(unsafe_code)]

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::task::{Context, Poll};

use pyo3::buffer::PyBuffer;
use tokio::io::ReadBuf;
use tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};

/// A registered descriptor of a socket that someone else owns.
pub(super) struct Watched {
    registration: AsyncFd<Borrowed>,
    proof: Proof,
}

/// That a socket is ready, until it is cleared.
pub(super) type Readiness<'a> = AsyncFdReadyGuard<'a, Borrowed>;

/// The number of a descriptor that is another's, or -1.
#[derive(Debug)]
pub(super) struct Borrowed(AtomicI32);

impl AsRawFd for Borrowed {
    fn as_raw_fd(&self) -> RawFd {
        self.0.load(Ordering::Relaxed)
    }
}

/// How it is known that the descriptor is still the socket's when the registration ends.
enum Proof {
    /// The kernel is asked whether it is this file.
    File(Identity),
    /// The owner says so, or says nothing.
    Word(bool),
}

/// The file behind a descriptor: device and number. Sockets that live have different ones.
type Identity = (u64, u64);

impl Watched {
    /// Registers `fd` for both directions. The runtime must be entered.
    ///
    /// # Errors
    ///
    /// The reactor's: the descriptor is bad, is registered already or cannot be watched.
    pub(super) fn new(fd: RawFd) -> io::Result<Self> {
        Self::register(fd, Proof::File(identity(fd)?))
    }

    /// Registers `fd` for an owner who says when it ends whether the descriptor is still the socket's.
    ///
    /// # Errors
    ///
    /// As for [`Self::new`].
    pub(super) fn for_owner(fd: RawFd) -> io::Result<Self> {
        Self::register(fd, Proof::Word(false))
    }

    /// The same, of a registration that nobody's word was needed for.
    pub(super) fn given_to_owner(mut self) -> Self {
        self.proof = Proof::Word(false);
        self
    }

    /// The owner says that the descriptor is still the socket's.
    pub(super) fn vouch(&mut self) {
        self.proof = Proof::Word(true);
    }

    fn register(fd: RawFd, proof: Proof) -> io::Result<Self> {
        // SAFETY: the caller's object keeps the socket open while this lives; where Python closed it all the same,
        // `Drop` makes the deregistration fail, and the reactor keeps what the kernel may still name until its end.
        let registration = unsafe { AsyncFd::register(Borrowed(AtomicI32::new(fd))) }?;
        Ok(Self {
            registration,
            proof,
        })
    }

    /// Whether the descriptor still names the socket that was registered.
    pub(super) fn is_current(&self) -> bool {
        match self.proof {
            Proof::File(file) => {
                identity(self.registration.as_raw_fd()).is_ok_and(|now| now == file)
            }
            Proof::Word(word) => word,
        }
    }

    /// The socket may have bytes, or its end.
    pub(super) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<Readiness<'_>>> {
        self.registration.poll_read_ready(cx)
    }

    /// The socket may take bytes.
    pub(super) fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<Readiness<'_>>> {
        self.registration.poll_write_ready(cx)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.is_current() {
            self.registration.get_ref().0.store(-1, Ordering::Relaxed);
        }
    }
}

fn identity(fd: RawFd) -> io::Result<Identity> {
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: `stat` has room for the answer; a bad descriptor is an error.
    check(unsafe { libc::fstat(fd, stat.as_mut_ptr()) } as isize)?;
    // SAFETY: the call succeeded, so it was filled.
    let stat = unsafe { stat.assume_init() };
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_sign_loss,
        reason = "the types differ between systems"
    )]
    Ok((stat.st_dev as u64, stat.st_ino as u64))
}

/// Receives into the memory of a Python object; returns how many bytes.
pub(super) fn receive_buffer(fd: RawFd, buffer: &PyBuffer<u8>) -> io::Result<usize> {
    if buffer.readonly() || !buffer.is_c_contiguous() {
        let text = "get_buffer() must return a contiguous buffer that can be written";
        return Err(io::Error::other(text));
    }
    // SAFETY: the memory may be written over its whole length, and the interpreter is held meanwhile.
    check(unsafe { libc::recv(fd, buffer.buf_ptr(), buffer.len_bytes(), 0) })
}

/// Receives into the free part of `buffer`; returns how many bytes, 0 at the end of the stream.
pub(super) fn receive_into(fd: RawFd, buffer: &mut ReadBuf<'_>) -> io::Result<usize> {
    // SAFETY: nothing is made uninitialised: the kernel only writes.
    let room = unsafe { buffer.unfilled_mut() };
    let (start, length) = (room.as_mut_ptr().cast(), room.len());
    // SAFETY: `room` may be written over its whole length; a bad descriptor is an error.
    let received = check(unsafe { libc::recv(fd, start, length, libc::MSG_DONTWAIT) })?;
    // SAFETY: that many bytes were just written at the start of the free part.
    unsafe { buffer.assume_init(received) };
    buffer.advance(received);
    Ok(received)
}

/// Sends what the socket takes of `bytes` now.
pub(super) fn send(fd: RawFd, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: `bytes` may be read over its whole length; a bad descriptor is an error.
    check(unsafe { libc::send(fd, bytes.as_ptr().cast(), bytes.len(), SEND_FLAGS) })
}

/// Sends what the socket takes of all `parts` now, in one call.
pub(super) fn send_parts(fd: RawFd, parts: &mut [IoSlice<'_>]) -> io::Result<usize> {
    // SAFETY: a header of noughts is an empty one.
    let mut message: libc::msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    message.msg_iov = parts.as_mut_ptr().cast();
    message.msg_iovlen = parts.len() as _;
    // SAFETY: `IoSlice` has the layout of `iovec`, and the slices live through the call.
    check(unsafe { libc::sendmsg(fd, &raw const message, SEND_FLAGS) })
}

/// Tells the peer that nothing more will be sent.
pub(super) fn shut_down_sending(fd: RawFd) -> io::Result<()> {
    // SAFETY: a bad descriptor is an error.
    check(unsafe { libc::shutdown(fd, libc::SHUT_WR) } as isize).map(drop)
}

#[cfg(target_os = "linux")]
const SEND_FLAGS: libc::c_int = libc::MSG_NOSIGNAL;
/// Python ignores SIGPIPE from its start.
#[cfg(not(target_os = "linux"))]
const SEND_FLAGS: libc::c_int = 0;

fn check(result: isize) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_pair_exchanges_bytes_and_ends() {
        let (ours, mut theirs) = UnixStream::pair().expect("a pair");
        let fd = ours.as_raw_fd();
        assert_eq!(send(fd, b"one").expect("sent"), 3);
        let mut parts = [IoSlice::new(b"two"), IoSlice::new(b"three")];
        assert_eq!(send_parts(fd, &mut parts).expect("sent"), 8);
        shut_down_sending(fd).expect("shut down");
        let mut text = String::new();
        theirs.read_to_string(&mut text).expect("read");
        assert_eq!(text, "onetwothree");
        theirs.write_all(b"back").expect("written");
        let mut room = [0; 16];
        let mut buffer = ReadBuf::new(&mut room);
        assert_eq!(receive_into(fd, &mut buffer).expect("received"), 4);
        assert_eq!(buffer.filled(), b"back");
    }

    #[test]
    fn a_registration_outlives_a_descriptor_that_was_closed_or_given_away() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let (first, mut peer) = UnixStream::pair().expect("a pair");
            first.set_nonblocking(true).expect("set");
            let fd = first.as_raw_fd();
            let stale = Watched::new(fd).expect("registered");
            drop(first);
            let (second, mut second_peer) = UnixStream::pair().expect("a pair");
            assert_eq!(second.as_raw_fd(), fd, "the number is used again");
            let fresh = Watched::new(fd).expect("registered");
            drop(stale);
            second_peer.write_all(b"x").expect("written");
            let ready =
                std::future::poll_fn(|cx| fresh.poll_readable(cx).map(|ready| ready.is_ok()));
            assert!(ready.await, "the new one still works");
            assert_eq!(peer.read(&mut [0]).expect("closed"), 0);
        });
    }
}
