//! Reading a body that has a content coding: off the wire, through its decoder, to the sink.
//!
//! The sink is filled before more is read, so that a few bytes that become many wait as they came.
//! Neighbours: `body_phase.rs` reads bodies without a coding, [`crate::compression`] decodes.

use std::task::{Context, Poll};

use super::body_phase::copy;
use super::socket::Socket;
use super::{Connection, Step};
use crate::body::BodyError;
use crate::compression::{Bounds, Codec, Incoming, Inflating, unsupported};
use crate::deadlines::{Millis, NEVER};
use crate::handler::Route;
use crate::http1::{CONTINUE, Framing, Head, Refusal};
use crate::response::Response;

/// Decoded bytes after which other connections get their turn.
const TURN: usize = 256 * 1024;

/// What a round of reading came to.
enum Round {
    /// Nothing more can be done now.
    Rest(Step),
    /// The body is complete.
    Complete,
    Refused(Refusal),
    Left,
}

impl<S: Socket> Connection<S> {
    /// As [`pump_body`](Self::pump_body), for a body that is decoded.
    pub(super) fn pump_inflated(
        &mut self,
        mut inflating: Box<Inflating>,
        cx: &mut Context<'_>,
        now: Millis,
    ) -> Step {
        let round = self.inflate(&mut inflating, cx, now);
        let Some(active) = &mut self.active else {
            return Step::Over;
        };
        match round {
            Round::Rest(step) => {
                active.inflating = Some(inflating);
                step
            }
            Round::Complete => {
                active.since = None;
                active.body.finish(Ok(()));
                Step::Again
            }
            Round::Refused(refusal) => {
                active.paused = None;
                self.lose_body(refusal);
                Step::Again
            }
            Round::Left => {
                self.abandon(BodyError::Disconnected);
                Step::Over
            }
        }
    }

    fn inflate(&mut self, inflating: &mut Inflating, cx: &mut Context<'_>, now: Millis) -> Round {
        let Some(active) = &mut self.active else {
            return Round::Rest(Step::Over);
        };
        let mut turn = 0;
        loop {
            while active.body.is_wanted() {
                match inflating.next(&*self.worker) {
                    Ok(Some(piece)) => {
                        copy(&active.body, &piece);
                        turn += piece.len();
                    }
                    Ok(None) => break,
                    Err(refusal) => return Round::Refused(refusal),
                }
                if turn >= TURN {
                    return Round::Rest(Step::Yield);
                }
            }
            if !active.body.is_wanted() {
                active.paused = Some(now);
                return Round::Rest(Step::Wait(NEVER));
            }
            let mut staged = 0;
            let decoded = active.decode(|_, bytes| {
                inflating.stage(bytes);
                staged += bytes.len();
            });
            match decoded {
                Err(refusal) => return Round::Refused(refusal),
                Ok(_) if staged > 0 => continue,
                Ok(true) => {
                    return match inflating.finish() {
                        Ok(()) => Round::Complete,
                        Err(refusal) => Round::Refused(refusal),
                    };
                }
                Ok(false) => {}
            }
            match active.input.poll_fill(&mut self.socket, cx) {
                Poll::Ready(Ok(0) | Err(_)) => return Round::Left,
                Poll::Ready(Ok(_)) => {
                    active.owes_continue = false;
                    active.progress = now;
                }
                Poll::Pending => {
                    if active.owes_continue {
                        active.owes_continue = false;
                        active.output.gather().extend_from_slice(CONTINUE);
                    }
                    return Round::Rest(Step::Wait(self.body_deadline()));
                }
            }
        }
    }
}

/// The coding of a body that the handler may ask for.
///
/// # Errors
/// The answer where the route does not take it.
pub(super) fn coding(head: &Head, bytes: &[u8], route: &Route) -> Result<Option<Codec>, Response> {
    if head.framing == Framing::None || !route.takes_body {
        return Ok(None);
    }
    match Incoming::of(head, bytes) {
        Incoming::Plain => Ok(None),
        Incoming::Coded(codec) if route.compressed_body => Ok(Some(codec)),
        Incoming::Coded(_) | Incoming::Unknown => Err(unsupported(route.compressed_body)),
    }
}

/// What decodes the body of a request to `route`, at most `ratio` times as large as it was sent.
/// Who reads it sees it decoded: the fields that say how it was sent are taken out of `head`.
pub(super) fn inflating(
    codec: Codec,
    head: &mut Head,
    bytes: &[u8],
    route: &Route,
    ratio: u64,
) -> Box<Inflating> {
    head.fields.retain(|field| {
        let name = field.name.of(bytes);
        !name.eq_ignore_ascii_case(b"content-encoding")
            && !name.eq_ignore_ascii_case(b"content-length")
    });
    let declared = match head.framing {
        Framing::Length(length) => Some(length),
        Framing::None | Framing::Chunked => None,
    };
    let bounds = Bounds {
        max_body: route.max_body,
        ratio,
        declared,
    };
    Box::new(Inflating::new(codec, bounds))
}
