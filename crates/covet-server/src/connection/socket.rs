//! What a connection needs of a stream socket: readiness without a buffer, quiet sending.

use std::fs::File;
use std::io::{self, IoSlice};
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, Interest};
use tokio::net::{TcpStream, UnixStream};

/// A connected stream socket.
pub(crate) trait Socket: AsyncRead + Unpin {
    /// Whether a read may bring something; registers the task if not.
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    /// Whether a send may take something; registers the task if not.
    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    /// Send what the kernel takes now. Never raises SIGPIPE, unlike a vectored `write`.
    fn send(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize>;
    /// As `send`, of one piece that more follows at once: the kernel may wait for it.
    fn send_more(&self, piece: &[u8]) -> io::Result<usize>;
    /// Have the kernel send at most `count` bytes of a file. `Unsupported` where it cannot.
    fn send_file(&self, file: &File, offset: u64, count: usize) -> io::Result<usize>;
    /// Tell the peer that nothing more comes.
    fn finish_sending(&self) -> io::Result<()>;
    /// Make the coming close an error to the peer, where the transport can (TCP: a reset).
    fn reset_on_close(&self);
}

#[cfg(target_vendor = "apple")]
const QUIET: i32 = 0; // the listener sets SO_NOSIGPIPE on what it accepts
#[cfg(not(target_vendor = "apple"))]
const QUIET: i32 = libc::MSG_NOSIGNAL;

#[cfg(target_os = "linux")]
const MORE: i32 = QUIET | libc::MSG_MORE;
#[cfg(not(target_os = "linux"))]
const MORE: i32 = QUIET;

macro_rules! socket {
    ($stream:ty) => {
        impl Socket for $stream {
            fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.poll_read_ready(cx)
            }

            fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.poll_write_ready(cx)
            }

            fn send(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
                self.try_io(Interest::WRITABLE, || match pieces {
                    [one] => SockRef::from(self).send_with_flags(one, QUIET),
                    _ => SockRef::from(self).send_vectored_with_flags(pieces, QUIET),
                })
            }

            fn send_more(&self, piece: &[u8]) -> io::Result<usize> {
                self.try_io(Interest::WRITABLE, || {
                    SockRef::from(self).send_with_flags(piece, MORE)
                })
            }

            #[cfg(target_os = "linux")]
            fn send_file(&self, file: &File, offset: u64, count: usize) -> io::Result<usize> {
                self.try_io(Interest::WRITABLE, || {
                    let mut at = offset;
                    Ok(rustix::fs::sendfile(self, file, Some(&mut at), count)?)
                })
            }

            #[cfg(not(target_os = "linux"))]
            fn send_file(&self, _: &File, _: u64, _: usize) -> io::Result<usize> {
                Err(io::ErrorKind::Unsupported.into())
            }

            fn finish_sending(&self) -> io::Result<()> {
                SockRef::from(self).shutdown(std::net::Shutdown::Write)
            }

            fn reset_on_close(&self) {
                // A socket that cannot is closed already, or has no such thing.
                let _ = SockRef::from(self).set_linger(Some(std::time::Duration::ZERO));
            }
        }
    };
}

socket!(TcpStream);
socket!(UnixStream);
