//! A listening socket that several workers share, and the loop that accepts from it.
//!
//! On Linux each worker watches the socket through an epoll of its own with `EPOLLEXCLUSIVE`,
//! nested in the runtime's. The outer watch is edge-triggered, so readiness is cleared only after
//! the inner one came back empty.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrAny, SocketFlags, acceptfrom_with, getsockname};
use tokio::io::unix::AsyncFd;
use tokio::net::{TcpStream, UnixStream};

use crate::connection::Connection;
use crate::tasks;
use crate::worker::Worker;

/// Connections accepted before others get their turn.
const BATCH: usize = 16;
/// How long a worker that is ahead of the others leaves new connections to them.
const LEAVE: Duration = Duration::from_millis(1);
/// First and longest pause when the process is out of descriptors.
const EXHAUSTED: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// A listening socket of this worker.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: OwnedFd,
    ready: AsyncFd<OwnedFd>,
    is_unix: bool,
}

/// What one attempt to accept gave.
enum Accepted {
    Connection(OwnedFd, Option<SocketAddr>),
    /// This one failed, the next may not.
    Failed,
    Empty,
    OutOfDescriptors,
}

impl Listener {
    /// Watch `socket`, which is listening already. Must be called inside the runtime.
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Self> {
        let name = socket2::SockRef::from(&socket);
        name.set_nonblocking(true)?;
        let is_unix = getsockname(&socket)?.address_family() == AddressFamily::UNIX;
        if !is_unix {
            name.set_tcp_nodelay(true)?; // inherited by what is accepted
        }
        let watch = watch(&socket)?;
        #[allow(
            deprecated,
            reason = "its soundness asks for an owned descriptor: this is one"
        )]
        let ready = AsyncFd::with_interest(watch, tokio::io::Interest::READABLE)?;
        Ok(Self {
            socket,
            ready,
            is_unix,
        })
    }

    fn accept(&self) -> Accepted {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        match acceptfrom_with(&self.socket, flags) {
            Ok((socket, from)) => Accepted::Connection(socket, from.and_then(address)),
            Err(Errno::AGAIN) => Accepted::Empty,
            Err(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
                Accepted::OutOfDescriptors
            }
            Err(_) => Accepted::Failed,
        }
    }

    /// Accept for `worker` until it drains; then what is waiting already, and end.
    pub(crate) async fn run(self, worker: Rc<Worker>) {
        let mut pause = EXHAUSTED.0;
        while self.wait(&worker).await {
            if worker.counters.is_ahead() {
                tokio::time::sleep(LEAVE).await;
            }
            for _ in 0..BATCH {
                match self.accept() {
                    Accepted::Connection(socket, client) => {
                        pause = EXHAUSTED.0;
                        self.serve(&worker, socket, client);
                    }
                    Accepted::Failed => {}
                    Accepted::Empty => {
                        self.settle();
                        break;
                    }
                    Accepted::OutOfDescriptors => {
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(EXHAUSTED.1);
                        break;
                    }
                }
            }
            tokio::task::yield_now().await;
        }
        // Closing a listening socket resets its backlog: take it first.
        while let Accepted::Connection(socket, client) = self.accept() {
            self.serve(&worker, socket, client);
        }
        drop(self);
        worker.counters.stopped_listening();
    }

    /// Wait until something can be accepted; false once the worker drains.
    async fn wait(&self, worker: &Worker) -> bool {
        std::future::poll_fn(|cx| {
            worker.on_drain(cx.waker());
            if worker.is_draining() {
                return Poll::Ready(false);
            }
            // An error means the runtime is going down.
            self.ready.poll_read_ready(cx).map(|ready| ready.is_ok())
        })
        .await
    }

    /// Start a connection, or refuse it where it is one too many.
    fn serve(&self, worker: &Rc<Worker>, socket: OwnedFd, client: Option<SocketAddr>) {
        let refused = worker.is_full_for(client);
        if refused && worker.has_no_room_to_refuse() {
            return;
        }
        if self.is_unix {
            if let Ok(stream) = UnixStream::from_std(socket.into()) {
                start(worker, stream, None, refused);
            }
        } else if let Ok(stream) = TcpStream::from_std(socket.into()) {
            start(worker, stream, client, refused);
        }
    }

    /// Clear the outer readiness if the inner watch has nothing either.
    fn settle(&self) {
        let mut cx = std::task::Context::from_waker(Waker::noop());
        if let Poll::Ready(Ok(mut guard)) = self.ready.poll_read_ready(&mut cx)
            && is_quiet(self.ready.get_ref())
        {
            guard.clear_ready();
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn watch(socket: &OwnedFd) -> io::Result<OwnedFd> {
    use rustix::event::epoll;
    let inner = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let events = epoll::EventFlags::IN | epoll::EventFlags::EXCLUSIVE;
    epoll::add(&inner, socket, epoll::EventData::new_u64(0), events)?;
    Ok(inner)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_quiet(inner: &OwnedFd) -> bool {
    use rustix::event::{Timespec, epoll};
    let mut events = [epoll::Event {
        flags: epoll::EventFlags::empty(),
        data: epoll::EventData::new_u64(0),
    }; 1];
    let zero = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    matches!(epoll::wait(inner, &mut events[..], Some(&zero)), Ok(0))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn watch(socket: &OwnedFd) -> io::Result<OwnedFd> {
    socket.try_clone()
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn is_quiet(_: &OwnedFd) -> bool {
    true
}

fn address(from: SocketAddrAny) -> Option<SocketAddr> {
    SocketAddr::try_from(from).ok()
}

fn start<S: crate::connection::socket::Socket + 'static>(
    worker: &Rc<Worker>,
    stream: S,
    client: Option<SocketAddr>,
    refused: bool,
) {
    let mut connection = Connection::new(stream, Rc::clone(worker), client);
    if refused {
        connection.turn_away();
    }
    tasks::spawn(connection);
}
