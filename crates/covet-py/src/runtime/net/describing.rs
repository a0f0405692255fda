//! What `get_extra_info` answers, also after the socket was closed; the Python socket of a transport that has none.

use std::net::{SocketAddr, SocketAddrV6};
use std::os::fd::{AsRawFd, IntoRawFd};

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use super::bare_socket::Opened;
use super::state::Socket;
use super::transport::StreamTransport;

/// What is known of a connection beside its socket.
#[derive(Default)]
pub(super) struct Described {
    /// What was said or has been asked for.
    extra: Option<Py<PyDict>>,
    server: Option<Py<PyAny>>,
    local: Option<SocketAddr>,
    peer: Option<SocketAddr>,
    /// The transport opened with a bare socket: the names below are its to answer.
    is_bare: bool,
    protocol: i32,
}

impl Described {
    /// Of a socket that no Python object has.
    pub(super) fn of(opened: &Opened) -> Self {
        Self {
            local: opened.local,
            peer: opened.peer,
            is_bare: true,
            protocol: opened.protocol,
            ..Self::default()
        }
    }

    /// Keeps what the maker of the transport says.
    pub(super) fn keep(
        &mut self,
        extra: Option<Bound<'_, PyDict>>,
        server: Option<Bound<'_, PyAny>>,
    ) {
        self.extra = extra.map(Bound::unbind);
        self.server = server.map(Bound::unbind);
    }

    /// The server that accepted it, which is then forgotten.
    pub(super) fn take_server(&mut self) -> Option<Py<PyAny>> {
        self.server.take()
    }

    /// For the collector.
    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.extra)?;
        visit.call(&self.server)
    }

    /// Whether it is of IPv4, else of IPv6.
    fn is_ipv4(&self) -> bool {
        let known = self.local.or(self.peer);
        known.is_none_or(|address| address.is_ipv4())
    }

    fn extra<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyDict>> {
        Some(self.extra.as_ref()?.bind(py).clone())
    }
}

/// What of a bare socket is asked for.
enum Name {
    Socket,
    Local,
    Peer,
}

impl Name {
    fn of(name: &Bound<'_, PyAny>) -> Option<Self> {
        match name.cast::<pyo3::types::PyString>().ok()?.to_str().ok()? {
            "socket" => Some(Self::Socket),
            "sockname" => Some(Self::Local),
            "peername" => Some(Self::Peer),
            _ => None,
        }
    }
}

impl StreamTransport {
    /// What is known by this name.
    pub(super) fn extra_info<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (py, this) = (slf.py(), slf.get());
        let state = this.state();
        let (extra, is_bare) = (state.described.extra(py), state.described.is_bare);
        let (local, peer) = (state.described.local, state.described.peer);
        drop(state);
        if let Some(known) = extra.as_ref()
            && let Some(value) = known.get_item(name)?
        {
            return Ok(Some(value));
        }
        let Some(asked) = Name::of(name).filter(|_| is_bare) else {
            return Ok(None);
        };
        let value = match asked {
            Name::Socket => slf.call_method0(intern!(py, "_make_socket_info"))?,
            Name::Local => to_python(py, local)?,
            Name::Peer => to_python(py, peer)?,
        };
        let extra = extra.unwrap_or_else(|| PyDict::new(py));
        extra.set_item(name, &value)?;
        this.state().described.extra = Some(extra.unbind());
        Ok(Some(value))
    }

    /// The Python socket. A bare one is given to it.
    pub(super) fn socket<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (py, this) = (slf.py(), slf.get());
        let mut state = this.state();
        let (stream, protocol) = match std::mem::replace(&mut state.socket, Socket::Gone) {
            Socket::Gone => return Ok(None),
            Socket::Python(sock) => {
                let known = sock.bind(py).clone();
                state.socket = Socket::Python(sock);
                return Ok(Some(known));
            }
            Socket::Bare(stream, protocol) => (stream, protocol),
        };
        let is_ipv4 = state.described.is_ipv4();
        drop(state);
        let words = (stream.as_raw_fd(), is_ipv4, protocol);
        let made = slf.call_method1(intern!(py, "_make_socket"), words);
        let mut state = this.state();
        match made {
            Ok(made) => {
                // It is the Python socket's from now on.
                let _ = stream.into_raw_fd();
                state.socket = Socket::Python(made.clone().unbind());
                Ok(Some(made))
            }
            Err(error) => {
                state.socket = Socket::Bare(stream, protocol);
                Err(error)
            }
        }
    }

    /// Family and protocol of a bare socket that is closed: whether it was of IPv4, and `socket.socket.proto`.
    pub(super) fn kind(&self) -> (bool, i32) {
        let state = self.state();
        (state.described.is_ipv4(), state.described.protocol)
    }
}

/// An address as Python's sockets say it.
fn to_python(py: Python<'_>, address: Option<SocketAddr>) -> PyResult<Bound<'_, PyAny>> {
    match address {
        None => Ok(py.None().into_bound(py)),
        Some(SocketAddr::V4(it)) => {
            let said = (it.ip().to_string(), it.port()).into_pyobject(py)?;
            Ok(said.into_any())
        }
        Some(SocketAddr::V6(it)) => version_six(py, it),
    }
}

/// The host as the system writes it, with the name of its link where it has one.
fn version_six(py: Python<'_>, it: SocketAddrV6) -> PyResult<Bound<'_, PyAny>> {
    static ASK: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let ask = ASK.import(py, "socket", "getnameinfo")?;
    let (host, flow, scope) = (it.ip().to_string(), it.flowinfo(), it.scope_id());
    let flags = libc::NI_NUMERICHOST | libc::NI_NUMERICSERV;
    let said = ask.call1(((host, it.port(), flow, scope), flags))?;
    let said = (said.get_item(0)?, it.port(), flow, scope).into_pyobject(py)?;
    Ok(said.into_any())
}
