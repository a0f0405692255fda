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

/// Quiet before a TCP connection is probed for a peer that is gone, and between two probes.
const PROBE_AFTER: Duration = Duration::from_secs(30);
const PROBE_EVERY: Duration = Duration::from_secs(10);

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
    pub(crate) fn new(socket: OwnedFd, user_timeout: Option<Duration>) -> io::Result<Self> {
        let name = socket2::SockRef::from(&socket);
        name.set_nonblocking(true)?;
        let is_unix = getsockname(&socket)?.address_family() == AddressFamily::UNIX;
        if !is_unix {
            name.set_tcp_nodelay(true)?; // inherited by what is accepted, as the rest
            if let Some(patience) = user_timeout {
                notice_dead_clients(&name, patience)?;
            }
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

    /// Accept for `worker` until it drains; then what is waiting already, and end.
    pub(crate) async fn run(self, worker: Rc<Worker>) {
        let mut pause = EXHAUSTED.0;
        while self.wait(&worker).await {
            if worker.counters.is_ahead() {
                tokio::time::sleep(LEAVE).await;
            }
            for _ in 0..BATCH {
                match accept(&self.socket) {
                    Accepted::Connection(socket, client) => {
                        pause = EXHAUSTED.0;
                        serve(&worker, socket, client, self.is_unix);
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
        // Closing a listening socket resets its backlog: take it first. What comes after this is not told to us any
        // more, but to those that stay.
        drop(self.ready);
        while let Accepted::Connection(socket, client) = accept(&self.socket) {
            serve(&worker, socket, client, self.is_unix);
        }
        drop(self.socket);
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

fn accept(socket: &OwnedFd) -> Accepted {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    match acceptfrom_with(socket, flags) {
        Ok((socket, from)) => Accepted::Connection(socket, from.and_then(address)),
        Err(Errno::AGAIN) => Accepted::Empty,
        Err(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
            Accepted::OutOfDescriptors
        }
        Err(_) => Accepted::Failed,
    }
}

/// Start a connection, or refuse it where it is one too many.
fn serve(worker: &Rc<Worker>, socket: OwnedFd, client: Option<SocketAddr>, is_unix: bool) {
    let refused = worker.is_full_for(client);
    if refused && worker.has_no_room_to_refuse() {
        return;
    }
    if is_unix {
        if let Ok(stream) = UnixStream::from_std(socket.into()) {
            start(worker, stream, None, refused);
        }
    } else if let Ok(stream) = TcpStream::from_std(socket.into()) {
        start(worker, stream, client, refused);
    }
}

/// Probe idle connections, and give up on a peer that acknowledges nothing for `patience` (tcp(7)).
#[cfg(any(target_os = "linux", target_os = "android"))]
fn notice_dead_clients(socket: &socket2::SockRef<'_>, patience: Duration) -> io::Result<()> {
    let probes = socket2::TcpKeepalive::new()
        .with_time(PROBE_AFTER)
        .with_interval(PROBE_EVERY);
    socket.set_tcp_keepalive(&probes)?;
    socket.set_tcp_user_timeout(Some(patience))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn notice_dead_clients(_: &socket2::SockRef<'_>, _: Duration) -> io::Result<()> {
    Ok(())
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    fn accepted(user_timeout: Option<Duration>) -> OwnedFd {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .expect("a runtime");
        let _entered = runtime.enter();
        let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = socket.local_addr().expect("its address");
        let listener = Listener::new(socket.into(), user_timeout).expect("it listens");
        let _client = TcpStream::connect(address).expect("a connection");
        match accept(&listener.socket) {
            Accepted::Connection(socket, _) => socket,
            _ => panic!("nothing to accept"),
        }
    }

    #[test]
    fn what_is_accepted_notices_a_client_that_is_gone() {
        let socket = accepted(Some(Duration::from_secs(7)));
        let socket = socket2::SockRef::from(&socket);
        assert!(socket.keepalive().expect("an option"));
        assert_eq!(socket.tcp_keepalive_time().expect("an option"), PROBE_AFTER);
        assert_eq!(
            socket.tcp_keepalive_interval().expect("an option"),
            PROBE_EVERY
        );
        assert_eq!(
            socket.tcp_user_timeout().expect("an option"),
            Some(Duration::from_secs(7))
        );
    }

    #[test]
    fn without_the_setting_the_system_decides() {
        let socket = accepted(None);
        let socket = socket2::SockRef::from(&socket);
        assert!(!socket.keepalive().expect("an option"));
        assert_eq!(socket.tcp_user_timeout().expect("an option"), None);
    }
}
