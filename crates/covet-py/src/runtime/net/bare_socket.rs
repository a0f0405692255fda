//! A stream socket that no Python object has: how connections begin that the loop makes or accepts itself.
//!
//! A transport takes it over. Only Linux opens sockets this way; elsewhere `covet._connections` has Python do it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyString};

use super::opening;
use super::waiting::when_connected;
use super::writing::os_error;
use crate::runtime::Scheduler;

/// A stream socket on its way to a transport.
#[pyclass(frozen, module = "covet._native")]
pub struct BareSocket {
    fd: RawFd,
    open: Mutex<Option<Opened>>,
}

/// A socket and what is known of it.
pub(super) struct Opened {
    /// The socket, which does not block.
    pub(super) stream: TcpStream,
    /// Its own address.
    pub(super) local: Option<SocketAddr>,
    /// The other end's.
    pub(super) peer: Option<SocketAddr>,
    /// As `socket.socket.proto` says it: who accepts takes the listening socket's.
    pub(super) protocol: i32,
}

impl BareSocket {
    /// Of a connection that was accepted.
    pub(super) fn accepted(socket: OwnedFd, peer: SocketAddr, protocol: i32) -> Self {
        let stream = TcpStream::from(socket);
        let local = stream.local_addr().ok();
        Self::new(Opened {
            stream,
            local,
            peer: Some(peer),
            protocol,
        })
    }

    fn new(opened: Opened) -> Self {
        Self {
            fd: opened.stream.as_raw_fd(),
            open: Mutex::new(Some(opened)),
        }
    }

    /// The socket, for its transport.
    ///
    /// # Errors
    ///
    /// `ValueError` if it was taken or closed.
    pub(super) fn take(&self) -> PyResult<Opened> {
        let taken = self.open().take();
        taken.ok_or_else(|| PyValueError::new_err("the socket was taken or closed"))
    }

    fn open(&self) -> MutexGuard<'_, Option<Opened>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl BareSocket {
    /// A socket that connects to an address of IPv4; None where `host` and `port` are not such numbers.
    #[staticmethod]
    fn connecting(host: &Bound<'_, PyAny>, port: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        let Some(address) = number(host, port).filter(|_| cfg!(target_os = "linux")) else {
            return Ok(None);
        };
        let stream = opening::connect(address).map_err(|error| os_error(&error))?;
        Ok(Some(Self::new(Opened {
            stream,
            local: None,
            peer: Some(SocketAddr::V4(address)),
            protocol: libc::IPPROTO_TCP,
        })))
    }

    /// A future that is done when the attempt has come to its end.
    fn until_connected<'py>(
        &self,
        event_loop: &Bound<'py, Scheduler>,
    ) -> PyResult<Bound<'py, PyAny>> {
        when_connected(event_loop, self.fd)
    }

    /// Raises what became of the attempt, if it failed.
    fn check(&self) -> PyResult<()> {
        let mut open = self.open();
        let Some(opened) = &mut *open else {
            return Ok(());
        };
        if let Some(error) = opened.stream.take_error()? {
            let number = error.raw_os_error().unwrap_or_default();
            let Some(SocketAddr::V4(to)) = opened.peer else {
                return Err(os_error(&error));
            };
            let text = format!("Connect call failed ('{}', {})", to.ip(), to.port());
            return Err(PyOSError::new_err((number, text)));
        }
        opened.local = opened.stream.local_addr().ok();
        if opened.peer.is_some_and(|peer| peer.ip().is_unspecified()) {
            // Who connects to it reaches the host itself: the peer has another address.
            opened.peer = opened.stream.peer_addr().ok();
        }
        Ok(())
    }

    /// Closes it, unless a transport has it.
    pub(super) fn close(&self, event_loop: &Bound<'_, Scheduler>) {
        let Some(opened) = self.open().take() else {
            return;
        };
        event_loop
            .get()
            .waits()
            .forget(event_loop.py(), opened.stream.as_raw_fd());
        drop(opened);
    }
}

/// An address as the kernel takes it, which needs no looking up.
fn number(host: &Bound<'_, PyAny>, port: &Bound<'_, PyAny>) -> Option<SocketAddrV4> {
    let host: Ipv4Addr = host
        .cast_exact::<PyString>()
        .ok()?
        .to_str()
        .ok()?
        .parse()
        .ok()?;
    let port = port.cast_exact::<PyInt>().ok()?.extract().ok()?;
    Some(SocketAddrV4::new(host, port))
}

/// Sends small writes without delay, where asyncio does: `TCP_NODELAY`.
///
/// # Errors
///
/// `OSError`.
pub(super) fn send_at_once(opened: &Opened) -> io::Result<()> {
    if opened.protocol == libc::IPPROTO_TCP {
        opened.stream.set_nodelay(true)?;
    }
    Ok(())
}
