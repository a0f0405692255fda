//! A server of closures, a client that reads one answer at a time, and a gate to wait at.
//!
//! Knows nothing of what the tests assert. Everything runs in one `LocalRuntime`.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use covet_server::access_log::AccessLog;
use covet_server::counters::Counters;
use covet_server::handler::{Answer, Full, Handler, Request, Route, Service, Slow};
use covet_server::response::{Payload, Response, TEXT};
use covet_server::routing::{Pattern, RouterBuilder};
use covet_server::server::Server;
use covet_server::settings::Settings;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// A test that waits longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(20);

type Call = Box<dyn Fn(&Request<'_>) -> Answer>;

/// Run `test` to its end; its runtime, and with it every task, is gone afterwards.
pub(crate) fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(tokio::runtime::LocalOptions::default())
        .unwrap()
        .block_on(async { tokio::time::timeout(PATIENCE, test).await })
        .expect("the test hangs");
}

/// Let the server run until `count` changes no more.
pub(crate) async fn stalled(count: &Cell<usize>) {
    let (mut before, mut still) = (0, 0);
    while still < 1000 {
        still = if count.get() == before { still + 1 } else { 0 };
        before = count.get();
        tokio::task::yield_now().await;
    }
}

/// A text answer.
pub(crate) fn text(body: impl Into<Vec<u8>>) -> Response {
    Response::new(200, Some(TEXT), Payload::Shared(Box::new(body.into())))
}

/// A text answer that is here.
pub(crate) fn now(body: &str) -> Answer {
    Answer::Now(text(body))
}

/// An answer that comes later.
pub(crate) fn later(work: impl Future<Output = Response> + 'static) -> Answer {
    Answer::Later(Box::pin(work))
}

/// A closed door that opens once, for all who wait.
#[derive(Clone, Default)]
pub(crate) struct Gate(Rc<(Cell<bool>, RefCell<Vec<Waker>>)>);

impl Gate {
    pub(crate) fn open(&self) {
        self.0.0.set(true);
        for waker in self.0.1.take() {
            waker.wake();
        }
    }

    pub(crate) async fn passed(&self) {
        poll_fn(|cx| {
            if self.is_open() {
                return Poll::Ready(());
            }
            self.0.1.borrow_mut().push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    pub(crate) fn is_open(&self) -> bool {
        self.0.0.get()
    }
}

/// A closure that answers `body` once it is released, and the gates that say so: started, released.
pub(crate) fn held(body: &'static str) -> (impl Fn(&Request<'_>) -> Answer, Gate, Gate) {
    let (started, released) = (Gate::default(), Gate::default());
    let gates = (started.clone(), released.clone());
    let call = move |_: &Request<'_>| {
        let (started, released) = gates.clone();
        later(async move {
            started.open();
            released.passed().await;
            text(body)
        })
    };
    (call, started, released)
}

/// Opens its gate when dropped.
pub(crate) struct OpensOnDrop(pub(crate) Gate);

impl Drop for OpensOnDrop {
    fn drop(&mut self) {
        self.0.open();
    }
}

/// Routes and the closures that answer them.
#[derive(Default)]
pub(crate) struct Site {
    router: RouterBuilder<Route>,
    calls: Vec<Call>,
    panics: Rc<RefCell<Vec<String>>>,
    slow: Rc<RefCell<Vec<String>>>,
    full: Rc<RefCell<Vec<Full>>>,
}

impl Site {
    /// A site whose `GET /` answers `hello`.
    pub(crate) fn new() -> Self {
        Self::default().on("GET", "/", |_| now("hello"))
    }

    pub(crate) fn on(
        self,
        method: &str,
        path: &str,
        call: impl Fn(&Request<'_>) -> Answer + 'static,
    ) -> Self {
        self.route(method, path, |_| {}, call)
    }

    /// A route that `change` makes different from the usual: no limit, no timeout, takes a body.
    pub(crate) fn route(
        mut self,
        method: &str,
        path: &str,
        change: impl FnOnce(&mut Route),
        call: impl Fn(&Request<'_>) -> Answer + 'static,
    ) -> Self {
        let mut route = Route {
            id: self.calls.len(),
            max_body: None,
            timeout: None,
            cancel_on_disconnect: true,
            takes_body: true,
            compressed_body: false,
            compress: None,
            gate: None,
            files: None,
        };
        change(&mut route);
        let pattern = Pattern::parse(path).unwrap();
        self.router.add(&[method], pattern, route, path).unwrap();
        self.calls.push(Box::new(call));
        self
    }

    /// A server that does not listen yet.
    pub(crate) fn server(self, settings: Settings, access: Option<AccessLog>) -> Server {
        let service = Service {
            router: self.router.build(),
            handler: Box::new(Calls {
                by_route: self.calls,
                panics: self.panics,
                slow: self.slow,
                full: self.full,
            }),
        };
        Server::new(settings, service, access, Counters::default())
    }

    /// What panics said.
    pub(crate) fn panics(&self) -> Rc<RefCell<Vec<String>>> {
        Rc::clone(&self.panics)
    }

    /// The same site; it tells of slow requests there.
    pub(crate) fn tells_slow(mut self, told: &Rc<RefCell<Vec<String>>>) -> Self {
        self.slow = Rc::clone(told);
        self
    }

    /// What the server says of limits that turned connections away.
    pub(crate) fn full(&self) -> Rc<RefCell<Vec<Full>>> {
        Rc::clone(&self.full)
    }

    pub(crate) fn serve(self, settings: Settings) -> Served {
        Served::new(self.server(settings, None))
    }
}

struct Calls {
    by_route: Vec<Call>,
    panics: Rc<RefCell<Vec<String>>>,
    slow: Rc<RefCell<Vec<String>>>,
    full: Rc<RefCell<Vec<Full>>>,
}

impl Handler for Calls {
    fn call(&self, request: &Request<'_>) -> Answer {
        self.by_route[request.route.id](request)
    }

    fn slow(&self, request: &Slow<'_>) {
        assert!(request.took > Duration::ZERO);
        let (method, path) = (request.method, request.path);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let named = if request.request_id.is_some() {
            "named"
        } else {
            "nameless"
        };
        self.slow
            .borrow_mut()
            .push(format!("{} {} {named}", text(method), text(path)));
    }

    fn full(&self, full: Full) {
        self.full.borrow_mut().push(full);
    }

    fn panicked(&self, what: &str) {
        self.panics.borrow_mut().push(what.to_owned());
    }
}

/// A server on a port of the system's choice.
pub(crate) struct Served {
    pub(crate) server: Server,
    address: SocketAddr,
}

impl Served {
    pub(crate) fn new(server: Server) -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        server.listen(OwnedFd::from(listener)).unwrap();
        Self { server, address }
    }

    pub(crate) async fn try_connect(&self) -> std::io::Result<Client<TcpStream>> {
        TcpStream::connect(self.address).await.map(Client::new)
    }

    pub(crate) async fn connect(&self) -> Client<TcpStream> {
        self.try_connect().await.unwrap()
    }

    /// Let the server run until it holds `count` connections.
    pub(crate) async fn holds(&self, count: u64) {
        while self.server.counters().connections() != count {
            tokio::task::yield_now().await;
        }
    }
}

/// An answer as a client sees it.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
    /// The trailer section of a chunked body, a field a line.
    pub(crate) trailers: String,
}

impl Reply {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1);
        lines.find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Whether the server said that the connection ends.
    pub(crate) fn closes(&self) -> bool {
        self.field("connection") == Some("close")
    }
}

/// A client on one connection.
pub(crate) struct Client<S> {
    pub(crate) stream: S,
    received: Vec<u8>,
}

impl Client<TcpStream> {
    /// The two directions, to be used at the same time.
    pub(crate) fn split(self) -> (Client<OwnedReadHalf>, OwnedWriteHalf) {
        let (reading, writing) = self.stream.into_split();
        (Client::new(reading), writing)
    }
}

impl<S: AsyncWrite + AsyncRead + Unpin> Client<S> {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Send a request of one line and read its answer.
    pub(crate) async fn ask(&mut self, line: &str) -> Reply {
        self.send(format!("{line} HTTP/1.1\r\nhost: a\r\n\r\n"))
            .await;
        if line.starts_with("HEAD ") {
            return self.head().await;
        }
        self.reply().await
    }
}

impl<S: AsyncRead + Unpin> Client<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            received: Vec::new(),
        }
    }

    /// Read one answer.
    pub(crate) async fn reply(&mut self) -> Reply {
        let mut reply = self.head().await;
        if reply.field("transfer-encoding") == Some("chunked") {
            (reply.body, reply.trailers) = self.chunks().await;
            return reply;
        }
        let length = reply
            .field("content-length")
            .map_or(0, |length| length.parse().unwrap());
        while self.received.len() < length {
            self.read().await;
        }
        reply.body = self.received.drain(..length).collect();
        reply
    }

    /// Read a chunked body and its trailer section.
    pub(crate) async fn chunks(&mut self) -> (Vec<u8>, String) {
        let mut body = Vec::new();
        loop {
            let line = self.line().await;
            let size = usize::from_str_radix(&line, 16).unwrap();
            if size == 0 {
                break;
            }
            body.extend(self.take(size).await);
            assert_eq!(self.line().await, "", "a chunk ends where it says");
        }
        let mut trailers = String::new();
        loop {
            let line = self.line().await;
            if line.is_empty() {
                return (body, trailers);
            }
            trailers += &line;
            trailers += "\n";
        }
    }

    /// Read one chunk.
    pub(crate) async fn chunk(&mut self) -> Vec<u8> {
        let line = self.line().await;
        let chunk = self.take(usize::from_str_radix(&line, 16).unwrap()).await;
        assert_eq!(self.line().await, "", "a chunk ends where it says");
        chunk
    }

    /// Read a line; without its end.
    async fn line(&mut self) -> String {
        let end = loop {
            if let Some(at) = self.received.windows(2).position(|end| end == b"\r\n") {
                break at;
            }
            self.read().await;
        };
        let mut line = self.take(end + 2).await;
        line.truncate(end);
        String::from_utf8(line).unwrap()
    }

    /// Read this many bytes.
    pub(crate) async fn take(&mut self, count: usize) -> Vec<u8> {
        while self.received.len() < count {
            self.read().await;
        }
        self.received.drain(..count).collect()
    }

    /// Read the head of an answer that has no body.
    pub(crate) async fn head(&mut self) -> Reply {
        let end = loop {
            if let Some(at) = self.received.windows(4).position(|end| end == b"\r\n\r\n") {
                break at + 4;
            }
            self.read().await;
        };
        let head = String::from_utf8(self.received.drain(..end).collect()).unwrap();
        Reply {
            status: head[9..12].parse().unwrap(),
            head,
            body: Vec::new(),
            trailers: String::new(),
        }
    }

    async fn read(&mut self) {
        let count = self.stream.read_buf(&mut self.received).await.unwrap();
        assert_ne!(count, 0, "closed after {:?}", self.received);
    }

    /// Whether the connection ends with an error; what came before it is thrown away.
    pub(crate) async fn ends_in_reset(mut self) -> bool {
        self.stream.read_to_end(&mut self.received).await.is_err()
    }

    /// What comes until the server closes, without the answers that were read.
    pub(crate) async fn rest(mut self) -> Vec<u8> {
        self.stream.read_to_end(&mut self.received).await.unwrap();
        self.received
    }
}
