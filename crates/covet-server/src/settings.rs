//! What a server allows and how it behaves: one frozen object, read by every connection.
//!
//! The defaults are those of the documented table of limits. Knows no Python and no socket.

use std::time::Duration;

use crate::http1::{BodyLimits, HeadLimits};
use crate::proxies::{Fields, Trusted};

/// Limits and timeouts of a worker. Times are exact to about 50 ms.
#[derive(Clone, Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "switches that have nothing to do with each other"
)]
pub struct Settings {
    /// Target, field and count limits of a request head. Over: 414 or 431.
    pub head: HeadLimits,
    /// Limits of a chunked body's framing; `max_body` comes from the route.
    pub body: BodyLimits,
    /// Time for a whole request head, from its first byte. Over: 408.
    pub head_timeout: Duration,
    /// Time without a byte of a body that is awaited. Over: 408.
    pub body_timeout: Duration,
    /// Bytes a second that a body must bring on average, after `body_rate_grace`. Over: 408.
    pub body_min_rate: u64,
    /// Time before `body_min_rate` counts.
    pub body_rate_grace: Duration,
    /// Time without progress while an answer is written. Over: close.
    pub write_timeout: Duration,
    /// Time a connection may idle between requests. Over: close.
    pub keep_alive: Duration,
    /// Age at which a connection gets `Connection: close` on its next answer.
    pub max_age: Duration,
    /// Time after the last answer in which a closing connection still reads and throws away.
    pub linger: Duration,
    /// Time an idle connection is kept for while draining: a request may be on its way.
    pub drain_quiet: Duration,
    /// Open connections a worker. Over: 503 and close.
    pub max_connections: usize,
    /// Open connections an address; `None` is unlimited. Loopback and trusted proxies are
    /// never counted. Over: 503.
    pub max_connections_per_address: Option<usize>,
    /// Requests that handlers work on, a worker; `None` is unlimited. Over: they wait.
    pub max_concurrency: Option<usize>,
    /// Requests that wait for that. Over: 503.
    pub queue: usize,
    /// Requests answered on one connection in one turn, before others get theirs.
    pub max_pipelined: usize,
    /// Unsent bytes of answers above which a connection stops reading, and asks a stream for no more.
    pub max_unsent: usize,
    /// Bytes of a body that nobody read which are read and thrown away to keep the connection.
    pub max_discard: u64,
    /// Times its size as sent that a compressed body may have once it is decoded. Over: 413.
    pub max_body_ratio: u64,
    /// Whether a client that shut its sending side down still waits for its answer.
    pub half_close: bool,
    /// Peers whose word counts about who asked. None by default.
    pub trusted_proxies: Trusted,
    /// The fields in which they say it.
    pub forwarded_fields: Fields,
    /// Whether each connection starts with a header of the PROXY protocol: from a trusted proxy,
    /// where some are named. Else: close.
    pub proxy_protocol: bool,
    /// Whether requests have names: the client's X-Request-ID or a new one, sent back.
    pub request_ids: bool,
    /// Time to an answer from which on the handler's world is told. `None`: never.
    pub slow_request: Option<Duration>,
    /// Time in which a client's system must acknowledge what was sent to it, or a probe of an idle
    /// connection. Over: close. `None`: the system's own bounds, and no probes. TCP on Linux only.
    pub tcp_user_timeout: Option<Duration>,
    /// Whether files are sent by sendfile, else by copying. It needs SIGPIPE to be ignored, as
    /// programs in Rust and in Python have it from their start.
    pub sendfile: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            head: HeadLimits::default(),
            body: BodyLimits::default(),
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            body_min_rate: 500,
            body_rate_grace: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            keep_alive: Duration::from_secs(75),
            max_age: Duration::from_secs(3600),
            linger: Duration::from_secs(2),
            drain_quiet: Duration::from_secs(1),
            max_connections: 16_384,
            max_connections_per_address: None,
            max_concurrency: None,
            queue: 0,
            max_pipelined: 32,
            max_unsent: 64 * 1024,
            max_discard: 256 * 1024,
            max_body_ratio: 10,
            half_close: false,
            trusted_proxies: Trusted::default(),
            forwarded_fields: Fields::default(),
            proxy_protocol: false,
            request_ids: false,
            slow_request: None,
            tcp_user_timeout: Some(Duration::from_secs(30)),
            sendfile: true,
        }
    }
}
