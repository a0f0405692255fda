//! Seam 1: what answers a request. Everything below this trait is ours, everything above is theirs.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::admission::{Gate, Pass};
use crate::body::Body;
use crate::compression::Compress;
use crate::exchange::Exchange;
use crate::files::Files;
use crate::http1::Head;
use crate::proxies::Origin;
use crate::response::Response;
use crate::routing::{Params, Router};

/// What the server must know of a route before it calls the handler.
#[derive(Clone, Debug)]
pub struct Route {
    /// The handler's own number for it.
    pub id: usize,
    /// Bytes of body; `None` is unlimited. Over: 413.
    pub max_body: Option<u64>,
    /// Time for the handler. Over: 504, and its future is dropped.
    pub timeout: Option<Duration>,
    /// Whether its future is dropped when the client goes.
    pub cancel_on_disconnect: bool,
    /// Whether it may ask for the body: else a body is thrown away unread.
    pub takes_body: bool,
    /// Whether it takes a body in a content coding, decoded: else 415.
    pub compressed_body: bool,
    /// How its answers are compressed; `None`: not at all.
    pub compress: Option<Compress>,
    /// How many of its requests are in flight and wait. Over: 503.
    pub gate: Option<Rc<Gate>>,
    /// Files that answer instead of the handler, by the last parameter: a path below them.
    pub files: Option<Arc<Files>>,
}

/// A request as the connection lends it to a handler for the length of one call.
#[derive(Debug)]
pub struct Request<'a> {
    /// Offsets into `bytes`.
    pub head: &'a Head,
    /// The head as received, from its first byte.
    pub bytes: &'a [u8],
    /// The route that matched.
    pub route: &'a Route,
    /// Decoded path parameters, in the pattern's order.
    pub params: &'a Params,
    /// Who asked, as the peer or the trusted proxies tell it. Its host is a span of `bytes`.
    pub origin: Origin,
    /// The request's name; `None` where they have none.
    pub request_id: Option<&'a str>,
    /// The body, unread.
    pub body: &'a Body,
    /// Interim answers, and whether the client is still there. To be cloned by who needs it later.
    pub exchange: &'a Exchange,
    /// Its place among those in flight, where they are counted. To be cloned by work that may outlive the answer.
    pub pass: Option<&'a Pass>,
}

/// A handler's answer.
pub enum Answer {
    /// It is here.
    Now(Response),
    /// It comes later. Dropping the future cancels the work.
    Later(Pin<Box<dyn Future<Output = Response>>>),
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(response) => f.debug_tuple("Now").field(response).finish(),
            Self::Later(_) => f.write_str("Later"),
        }
    }
}

/// A request that took long.
#[derive(Debug)]
pub struct Slow<'a> {
    /// As received.
    pub method: &'a [u8],
    /// As received, without the query.
    pub path: &'a [u8],
    /// From the head to the answer.
    pub took: Duration,
    /// The request's name; `None` where they have none.
    pub request_id: Option<&'a str>,
}

/// Connections that a limit turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    /// The setting's name.
    pub limit: &'static str,
    /// Its value.
    pub most: usize,
    /// How many were turned away since this was last said of the limit, which is at most once a minute.
    pub turned_away: u64,
}

/// Answers requests. Nothing about it is `Send`: it lives on its worker's thread.
pub trait Handler {
    /// Answer one request. A panic costs the connection and is counted.
    fn call(&self, request: &Request<'_>) -> Answer;

    /// Called between requests that were answered without the handler, so that a streak of them
    /// cannot keep others (an interpreter's threads) from running.
    fn breathe(&self) {}

    /// Run `work` once, here and now. It takes longer than about 20 us and needs nothing of the
    /// handler's world, so that others of that world (an interpreter's threads) may run meanwhile.
    fn aside(&self, work: &mut dyn FnMut()) {
        work();
    }

    /// A request took longer than the settings call slow.
    fn slow(&self, request: &Slow<'_>) {
        let _ = request;
    }

    /// There were more connections than a limit allows.
    fn full(&self, full: Full) {
        let _ = full;
    }

    /// A panic was caught in a connection; `what` is its message.
    fn panicked(&self, what: &str) {
        let _ = what;
    }
}

/// A handler and the routes that lead to it.
pub struct Service {
    /// Which requests reach the handler, by method and path.
    pub router: Router<Route>,
    /// What answers them.
    pub handler: Box<dyn Handler>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Service")
    }
}
