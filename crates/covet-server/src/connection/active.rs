//! The part of a connection that exists only while something happens on it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Instant;

use tokio::time::Sleep;

use super::input::Input;
use super::output::Output;
use crate::body::BodyCell;
use crate::deadlines::Millis;
use crate::http1::{BodyDecoder, BodyLimits, Framing, Head, HeadParser};
use crate::response::Response;
use crate::routing::Params;

/// A handler that has not answered yet.
pub(crate) struct Pending {
    pub(super) future: Pin<Box<dyn Future<Output = Response>>>,
    pub(super) timeout: Option<Pin<Box<Sleep>>>,
    /// Whether its future is dropped when the client goes, or left to finish on its own.
    pub(super) cancel: bool,
}

/// Where a connection is.
pub(crate) enum Phase {
    /// A request head is awaited or being read.
    Head,
    /// A handler works; it may be reading the body.
    Handling(Pending),
    /// Answered; the rest of the body is read and thrown away.
    Discard,
    /// Answers are flushed, then the connection ends, lingering where bytes may still come.
    Closing { linger: bool },
    /// Our side is shut; bytes are thrown away until the peer has read the answer.
    Linger { until: Millis },
}

/// The state of a connection with something in flight. Lent by the worker, reused.
pub(crate) struct Active {
    pub(super) input: Input,
    pub(super) output: Output,
    pub(super) parser: HeadParser,
    pub(super) head: Head,
    pub(super) params: Params,
    pub(super) phase: Phase,
    pub(super) decoder: BodyDecoder,
    pub(super) limits: BodyLimits,
    pub(super) body: Rc<BodyCell>,
    /// Whether the connection may live on after the current answer.
    pub(super) keep: bool,
    /// Whether the client waits for a 100 before it sends the body.
    pub(super) owes_continue: bool,
    /// Requests answered since the task was polled.
    pub(super) turn: usize,
    /// When the first byte of the current head, or the current body, was awaited.
    pub(super) since: Option<Millis>,
    /// When a reader of the current body last had enough for the moment.
    pub(super) paused: Option<Millis>,
    /// When the body or the writing last made progress.
    pub(super) progress: Millis,
    /// When the socket first refused bytes since it last took some.
    pub(super) stalled: Option<Millis>,
    /// Bytes of the current body thrown away.
    pub(super) discarded: u64,
    /// The current request's method and target, and when its head was complete: only where logged.
    pub(super) noted: Option<(Vec<u8>, Instant)>,
}

impl Active {
    pub(crate) fn new(limits: BodyLimits) -> Self {
        Self {
            input: Input::default(),
            output: Output::default(),
            parser: HeadParser::new(),
            head: Head::new(),
            params: Params::new(),
            phase: Phase::Head,
            decoder: BodyDecoder::new(Framing::None),
            limits,
            body: Rc::default(),
            keep: true,
            owes_continue: false,
            turn: 0,
            since: None,
            paused: None,
            progress: 0,
            stalled: None,
            discarded: 0,
            noted: None,
        }
    }

    /// Keep what the access log will say of the request whose head is complete.
    pub(super) fn note_request(&mut self) {
        let bytes = self.input.bytes();
        let (method, path) = (self.head.method_name.of(bytes), self.head.path.of(bytes));
        let mut line = Vec::with_capacity(method.len() + path.len() + 64);
        line.extend_from_slice(method);
        line.push(b' ');
        line.extend_from_slice(path);
        if let Some(query) = &self.head.query {
            line.push(b'?');
            line.extend_from_slice(query.of(bytes));
        }
        self.noted = Some((line, Instant::now()));
    }

    /// Ready for another connection: no buffer, no future, nothing of the old one.
    pub(crate) fn clear(&mut self) {
        self.input.release();
        self.output.release();
        self.parser.reset();
        self.phase = Phase::Head;
        self.decoder = BodyDecoder::new(Framing::None);
        if Rc::strong_count(&self.body) > 1 {
            self.body = Rc::default();
        }
        self.keep = true;
        self.owes_continue = false;
        self.turn = 0;
        self.since = None;
        self.paused = None;
        self.stalled = None;
        self.discarded = 0;
        self.noted = None;
    }
}

impl fmt::Debug for Active {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Active")
            .field("turn", &self.turn)
            .finish_non_exhaustive()
    }
}
