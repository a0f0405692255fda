//! Sending an answer that comes in parts: ask for a part, frame it, flush when no more is ready.
//!
//! The stream is left alone while too much is unsent. Neighbours: `ending.rs` starts this and
//! sends what is whole, [`crate::streaming`] says what a stream is.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::Sleep;

use super::active::{Active, Phase};
use super::socket::Socket;
use super::{Connection, Step};
use crate::access_log::End;
use crate::body::BodyError;
use crate::deadlines::{Millis, NEVER};
use crate::http1::{AnswerLength, CHUNK_END, LAST_CHUNK, Refusal, Version, encode_chunk_size};
use crate::response::{Payload, Response};
use crate::streaming::{Broken, Part, Stream};

/// Parts that one stream sends before other connections get their turn.
const TURN_PARTS: usize = 64;
/// Bytes that it sends before they do.
const TURN_BYTES: usize = 1024 * 1024;

/// An answer that is being sent in parts.
pub(super) struct Streaming {
    stream: Box<dyn Stream>,
    /// What the head is made of; its body is the stream.
    head: Response,
    head_is_sent: bool,
    /// Bytes of the body so far.
    given: u64,
    /// The rest of the handler's time; it counts until the head is written.
    timeout: Option<Pin<Box<Sleep>>>,
    framing: Framing,
    /// Whether the connection lives on after the answer, as the head said.
    keep: bool,
    /// Whether the stream knows that the server drains.
    told: bool,
}

/// How the parts are framed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Framing {
    Chunked,
    /// Bytes still to come.
    Left(u64),
    UntilClose,
}

impl Streaming {
    /// The body of `head`, for a client of `version`.
    pub(super) fn new(stream: Box<dyn Stream>, head: Response, version: Version) -> Self {
        let framing = match (stream.length(), version) {
            (Some(length), _) => Framing::Left(length),
            (None, Version::Http11) => Framing::Chunked,
            (None, Version::Http10) => Framing::UntilClose,
        };
        Self {
            stream,
            head,
            head_is_sent: false,
            given: 0,
            timeout: None,
            framing,
            keep: false,
            told: false,
        }
    }

    fn length(&self) -> AnswerLength {
        match self.framing {
            Framing::Chunked => AnswerLength::Chunked,
            Framing::Left(length) => AnswerLength::Known(length),
            Framing::UntilClose => AnswerLength::UntilClose,
        }
    }

    pub(super) fn head_is_sent(&self) -> bool {
        self.head_is_sent
    }

    pub(super) fn head(&self) -> &Response {
        &self.head
    }

    /// Bytes of the body that were given to the connection.
    pub(super) fn given(&self) -> u64 {
        self.given
    }
}

impl<S: Socket> Connection<S> {
    /// Phase [`Phase::Streaming`].
    pub(super) fn stream(&mut self, cx: &mut Context<'_>, now: Millis) -> Step {
        let max_unsent = self.worker.settings.max_unsent;
        let (mut parts, mut bytes) = (0, 0);
        loop {
            let mut deadline = NEVER;
            if self.body_is_wanted() {
                match self.pump_body(cx, now) {
                    Step::Again => {}
                    Step::Wait(at) => deadline = at,
                    other => return other,
                }
            }
            if self.output_is_full(max_unsent) || parts == TURN_PARTS || bytes >= TURN_BYTES {
                if self.flush(cx, now).is_err() {
                    return Step::Over;
                }
                if self.output_is_full(max_unsent) {
                    return self.rest_of_stream(cx, now, deadline);
                }
                if parts == TURN_PARTS || bytes >= TURN_BYTES {
                    return Step::Yield;
                }
            }
            let draining = self.worker.is_draining();
            let Some(streaming) = self.streaming() else {
                return Step::Again;
            };
            if draining && !mem::replace(&mut streaming.told, true) {
                streaming.stream.drain();
            }
            match streaming.stream.poll_next(cx) {
                Poll::Ready(Ok(Part::Chunk(chunk))) => {
                    parts += 1;
                    bytes += chunk.as_slice().len();
                    self.start_stream();
                    if self.send_chunk(chunk).is_err() {
                        return self.break_stream(Broken::default());
                    }
                }
                Poll::Ready(Ok(Part::End(trailers))) => {
                    self.start_stream();
                    return self.end_stream(&trailers);
                }
                Poll::Ready(Err(broken)) => return self.break_stream(broken),
                Poll::Pending => {
                    if self.body_is_wanted() && deadline == NEVER {
                        continue; // asked for during the poll
                    }
                    if streaming_is_late(self.streaming(), cx) {
                        self.leave_phase();
                        self.answer(late());
                        return Step::Again;
                    }
                    return self.rest_of_stream(cx, now, deadline);
                }
            }
        }
    }

    /// If the answer is a stream: the handler's time goes on until its head is written.
    pub(super) fn limit_stream(&mut self, timeout: impl FnOnce() -> Option<Pin<Box<Sleep>>>) {
        if let Some(streaming) = self.streaming()
            && streaming.stream.holds_head()
        {
            streaming.timeout = timeout();
        }
    }

    /// Nothing to do until the stream, the socket or the client moves.
    fn rest_of_stream(&mut self, cx: &mut Context<'_>, now: Millis, deadline: Millis) -> Step {
        if let Some(streaming) = self.streaming()
            && !streaming.stream.holds_head()
        {
            self.start_stream();
        }
        let flushed = self.flush(cx, now);
        if flushed.is_err() || self.client_left(cx) {
            return Step::Over;
        }
        if let Some(active) = &mut self.active {
            // A stream may rest for hours: it holds no buffer meanwhile.
            if active.output.unsent() == 0 {
                active.output.release();
            }
            if active.input.is_empty() {
                active.input.release();
            }
        }
        Step::Wait(deadline.min(self.write_deadline(now)))
    }

    /// Write the head, if that is still to be done.
    fn start_stream(&mut self) {
        let closes = match self.streaming() {
            Some(streaming) if !streaming.head_is_sent => streaming.head.close,
            _ => return,
        };
        let keeps = self.keeps(closes);
        let Some(active) = &mut self.active else {
            return;
        };
        let Phase::Streaming(mut streaming) = mem::replace(&mut active.phase, Phase::Head) else {
            return;
        };
        active.until_close = streaming.framing == Framing::UntilClose;
        active.owes_continue = false;
        streaming.keep = keeps && !active.until_close;
        streaming.head_is_sent = true;
        let (version, length) = (active.head.version, streaming.length());
        let keep = streaming.keep;
        self.worker
            .write(active, &streaming.head, version, length, keep);
        self.worker.tell_slow(active);
        active.phase = Phase::Streaming(streaming);
    }

    /// Frame one part.
    fn send_chunk(&mut self, chunk: Payload) -> Result<(), Broken> {
        let Some(active) = &mut self.active else {
            return Err(Broken::default());
        };
        let Phase::Streaming(streaming) = &mut active.phase else {
            return Err(Broken::default());
        };
        if matches!(chunk, Payload::Stream(_)) {
            return Err(Broken::default());
        }
        let length = chunk.as_slice().len();
        if length == 0 {
            return Ok(());
        }
        streaming.given += length as u64;
        match &mut streaming.framing {
            Framing::Chunked => {
                encode_chunk_size(active.output.gather(), length);
                active.output.framed(chunk, CHUNK_END);
            }
            Framing::Left(left) => {
                *left = left
                    .checked_sub(length as u64)
                    .ok_or_else(Broken::default)?;
                active.output.body(chunk);
            }
            Framing::UntilClose => active.output.body(chunk),
        }
        Ok(())
    }

    /// The stream says that it is over.
    fn end_stream(&mut self, trailers: &[u8]) -> Step {
        let Some(active) = &mut self.active else {
            return Step::Over;
        };
        let Phase::Streaming(streaming) = &mut active.phase else {
            return Step::Again;
        };
        match streaming.framing {
            Framing::Left(1..) => return self.break_stream(Broken::default()),
            Framing::Chunked if trailers.is_empty() => {
                active.output.gather().extend_from_slice(LAST_CHUNK);
            }
            Framing::Chunked => {
                let out = active.output.gather();
                out.extend_from_slice(b"0\r\n");
                out.extend_from_slice(trailers);
                out.extend_from_slice(b"\r\n");
            }
            Framing::Left(0) | Framing::UntilClose => {}
        }
        let keep = streaming.keep;
        let end = End::whole(keep);
        self.worker.log_stream(active, self.client, end, 0);
        self.go_on(keep);
        Step::Again
    }

    /// The answer will never be whole: another one if the client has seen nothing, else the end of
    /// the connection, without what would look like the end of the answer.
    fn break_stream(&mut self, broken: Broken) -> Step {
        let Some(streaming) = self.streaming() else {
            return Step::Again;
        };
        if !streaming.head_is_sent {
            self.leave_phase();
            let instead = broken.instead.map(|instead| *instead);
            let whole = instead.filter(|it| !matches!(it.body, Payload::Stream(_)));
            self.answer(whole.unwrap_or_else(|| Response::problem(500, "")));
            return Step::Again;
        }
        let until_close = streaming.framing == Framing::UntilClose;
        if let Some(active) = &mut self.active {
            let unsent = if until_close {
                active.output.unsent()
            } else {
                0
            };
            self.worker
                .log_stream(active, self.client, End::Broken, unsent);
        }
        if until_close {
            return Step::Over; // `Drop` resets the connection: its end would say "whole"
        }
        self.go_on(false);
        Step::Again
    }

    /// The body that a stream reads from failed.
    pub(super) fn lose_body_of_stream(&mut self, refusal: Refusal) {
        let head_is_unsent = self.streaming().is_some_and(|it| !it.head_is_sent);
        if head_is_unsent {
            self.leave_phase();
            self.refuse(refusal);
        } else {
            // The stream learns it from the body and breaks, or ends; nothing can be read after.
            let Some(active) = &mut self.active else {
                return;
            };
            active.body.finish(Err(BodyError::Refused(refusal)));
            if let Phase::Streaming(streaming) = &mut active.phase {
                streaming.keep = false;
            }
        }
    }

    fn streaming(&mut self) -> Option<&mut Streaming> {
        match &mut self.active.as_mut()?.phase {
            Phase::Streaming(streaming) => Some(streaming),
            _ => None,
        }
    }

    fn leave_phase(&mut self) {
        if let Some(active) = &mut self.active {
            let before = mem::replace(&mut active.phase, Phase::Head);
            drop(before);
        }
    }

    fn output_is_full(&self, max_unsent: usize) -> bool {
        let active = self.active.as_ref();
        active.is_some_and(|active| active.output.is_full(max_unsent))
    }

    pub(super) fn body_is_wanted(&self) -> bool {
        let active = self.active.as_ref();
        active.is_some_and(|active| active.body.is_wanted())
    }
}

/// Whether the handler's time is over before a head was written.
fn streaming_is_late(streaming: Option<&mut Streaming>, cx: &mut Context<'_>) -> bool {
    streaming.is_some_and(|streaming| {
        let timeout = streaming.timeout.as_mut();
        !streaming.head_is_sent && timeout.is_some_and(|it| it.as_mut().poll(cx).is_ready())
    })
}

/// The answer of a handler that is over its time.
pub(super) fn late() -> Response {
    Response::problem(504, "the handler took longer than its timeout")
}

impl Active {
    /// Whether the client would take what it has got of an answer for the whole, were the
    /// connection closed now.
    pub(super) fn would_pass_for_whole(&self) -> bool {
        let ended = matches!(self.phase, Phase::Closing { .. } | Phase::Linger { .. });
        self.until_close && (!ended || self.output.unsent() > 0)
    }
}

#[cfg(test)]
mod tests;
