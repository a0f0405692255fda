//! The part of a connection that exists only while something happens on it.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;

use tokio::time::Sleep;

use super::input::Input;
use super::output::Output;
use super::streaming::Streaming;
use super::waiting::Waiting;
use crate::access_log::{AccessLog, Noted};
use crate::admission::Pass;
use crate::body::BodyCell;
use crate::compression::{Inflating, Offered};
use crate::deadlines::Millis;
use crate::exchange::Exchange;
use crate::files::Asked;
use crate::http1::{BodyDecoder, BodyLimits, Framing, Head, HeadParser};
use crate::proxies::Origin;
use crate::response::Response;
use crate::routing::Params;
use crate::settings::Settings;

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
    /// Too many requests are in flight: this one waits for its turn.
    Waiting(Box<Waiting>),
    /// A handler works; it may be reading the body.
    Handling(Pending),
    /// The answer comes in parts.
    Streaming(Box<Streaming>),
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
    pub(super) exchange: Exchange,
    /// Whether the connection may live on after the current answer.
    pub(super) keep: bool,
    /// Whether the current answer ends with the connection.
    pub(super) until_close: bool,
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
    /// Who sent the current request.
    pub(super) origin: Origin,
    /// Its name; empty where requests have none.
    pub(super) request_id: String,
    /// What the log will say of the current request: only where somebody asks.
    pub(super) noted: Option<Noted>,
    /// What the current request says about a file that may answer it.
    pub(super) asked: Option<Box<Asked>>,
    /// What the current answer may be compressed to, where its route says so.
    pub(super) offered: Option<Offered>,
    /// What decodes the current body, where it has a content coding.
    pub(super) inflating: Option<Box<Inflating>>,
    /// Its place among those in flight, where they are counted.
    pub(super) pass: Option<Pass>,
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
            exchange: Exchange::default(),
            keep: true,
            until_close: false,
            owes_continue: false,
            turn: 0,
            since: None,
            paused: None,
            progress: 0,
            stalled: None,
            discarded: 0,
            origin: Origin::default(),
            request_id: String::new(),
            noted: None,
            asked: None,
            offered: None,
            inflating: None,
            pass: None,
        }
    }

    /// Find out who asks. `told`: the peer's word about that counts, as these settings say.
    pub(super) fn identify(&mut self, peer: Option<SocketAddr>, told: Option<&Settings>) {
        self.origin = match told {
            None => Origin::direct(peer, &self.head),
            Some(settings) => Origin::told(
                peer,
                &self.head,
                self.input.bytes(),
                &settings.trusted_proxies,
                settings.forwarded_fields,
            ),
        };
    }

    /// Keep what the log will say of the request whose head is complete.
    pub(super) fn note_request(&mut self, log: Option<&AccessLog>) {
        let format = log.map(|log| &log.format);
        let bytes = self.input.bytes();
        self.noted = Some(Noted::of(&self.head, bytes, self.origin.client, format));
    }

    /// Whether the client still waits: a handler works, or its answer is not out.
    pub(super) fn owes(&self) -> bool {
        let works = matches!(
            self.phase,
            Phase::Waiting(_) | Phase::Handling(_) | Phase::Streaming(_)
        );
        works || self.output.unsent() > 0
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
        self.until_close = false;
        self.owes_continue = false;
        self.turn = 0;
        self.since = None;
        self.paused = None;
        self.stalled = None;
        self.discarded = 0;
        self.request_id.clear();
        self.noted = None;
        self.asked = None;
        self.offered = None;
        self.inflating = None;
        self.pass = None;
    }
}

impl fmt::Debug for Active {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Active")
            .field("turn", &self.turn)
            .finish_non_exhaustive()
    }
}
