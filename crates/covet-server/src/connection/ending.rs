//! Sending and ending: frame an answer, flush, refuse, time out, linger, close.

use std::io;
use std::mem;
use std::task::{Context, Poll};

use super::active::{Active, Phase};
use super::socket::Socket;
use super::streaming::Streaming;
use super::{Connection, Step};
use crate::body::BodyError;
use crate::compression::Planned;
use crate::deadlines::{Millis, NEVER};
use crate::files::{Sending, settle};
use crate::http1::{AnswerHead, AnswerLength, Method, Reason, Refusal, Version, encode_head};
use crate::request_id;
use crate::response::{Payload, Response};
use crate::worker::Worker;

/// Bytes that a lingering connection reads and throws away at most.
const LINGER_BYTES: u64 = 4 * 1024 * 1024;

impl<S: Socket> Connection<S> {
    /// Refuse the current request: its framing cannot be trusted, or a limit was passed.
    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.worker.breathe();
        let Some(active) = &mut self.active else {
            return;
        };
        let mut response = Response::problem(refusal.status, refusal.reason.as_str());
        self.worker.name(active, &mut response);
        let length = whole_length(&response);
        self.worker
            .write(active, &response, Version::Http11, length, false);
        self.worker.log(active, self.client, &response, false);
        active.output.body(response.body);
        active.pass = None;
        active.phase = Phase::Closing { linger: true };
    }

    /// Answer 503 and close, before a request was read: there are too many connections.
    pub(crate) fn turn_away(&mut self) {
        let active = self.active.take();
        let mut active = active.unwrap_or_else(|| self.worker.take_active());
        let response = Response::problem(503, "The server has too many connections.")
            .with_field("retry-after", "1");
        let length = whole_length(&response);
        self.worker
            .write(&mut active, &response, Version::Http11, length, false);
        active.output.body(response.body);
        active.phase = Phase::Closing { linger: true };
        self.active = Some(active);
    }

    /// Answer the current request and choose what comes after it.
    pub(super) fn answer(&mut self, mut response: Response) {
        if let Some(active) = &mut self.active {
            if response.status == 205 {
                response.body = Payload::Empty; // it has none (RFC 9110 section 15.3.6)
            }
            let asked = active.asked.take();
            let planned = active.offered.take().map(|offered| offered.plan(&response));
            let how = Sending {
                sendfile: self.worker.settings.sendfile,
                encoded: planned.is_some_and(Planned::encodes),
            };
            response = settle(response, active.head.method, asked.as_deref(), how);
            if let Some(planned) = planned {
                response = planned.apply(response, &self.worker);
            }
        }
        let keep = self.keeps(response.close);
        let Some(active) = &mut self.active else {
            return;
        };
        let bodiless = active.head.method == Method::Head || has_no_content(response.status);
        self.worker.name(active, &mut response);
        let length = match &response.body {
            Payload::Stream(_) if !bodiless => {
                if let Payload::Stream(stream) = mem::take(&mut response.body) {
                    let streaming = Streaming::new(stream, response, active.head.version);
                    active.phase = Phase::Streaming(Box::new(streaming));
                }
                return;
            }
            _ => whole_length(&response),
        };
        let version = active.head.version;
        self.worker.write(active, &response, version, length, keep);
        self.worker.log(active, self.client, &response, keep);
        if !bodiless {
            active.output.body(response.body);
        }
        self.go_on(keep);
    }

    /// Whether the connection may live on after an answer. `closes`: that one must be the last.
    pub(super) fn keeps(&self, closes: bool) -> bool {
        let Some(active) = &self.active else {
            return false;
        };
        // A client that was never told to go on may never send the body, or may: nobody can know.
        let drainable =
            !active.owes_continue && active.decoder.direct() <= self.worker.settings.max_discard;
        active.keep
            && !self.worker.is_draining() // perhaps since the head was read
            && !closes
            && (active.decoder.is_done() || drainable)
    }

    /// The answer is written: choose what comes after it.
    pub(super) fn go_on(&mut self, keep: bool) {
        let Some(active) = &mut self.active else {
            return;
        };
        let unread = !active.decoder.is_done();
        if active.inflating.take().is_some() || unread {
            active.body.finish(Err(BodyError::Taken));
        }
        active.owes_continue = false;
        active.pass = None;
        active.phase = if !keep {
            Phase::Closing {
                linger: unread || !active.input.is_empty(),
            }
        } else if unread {
            active.since = None;
            Phase::Discard
        } else {
            Phase::Head
        };
    }

    /// Send what can be sent; whether all was.
    pub(super) fn flush(&mut self, cx: &mut Context<'_>, now: Millis) -> io::Result<bool> {
        let Some(active) = &mut self.active else {
            return Ok(true);
        };
        if active.exchange.has_interim() {
            active.exchange.take_interim(active.output.gather());
        }
        if active.output.unsent() == 0 {
            return Ok(true);
        }
        let mut progress = false;
        if active.output.has_file() {
            self.worker.breathe();
        }
        match active.output.poll_flush(&self.socket, cx, &mut progress) {
            Poll::Ready(Ok(())) => {
                active.stalled = None;
                Ok(true)
            }
            Poll::Ready(Err(error)) => Err(error),
            Poll::Pending => {
                if progress || active.stalled.is_none() {
                    active.stalled = Some(now);
                }
                Ok(false)
            }
        }
    }

    /// When a stalled write ends the connection.
    pub(super) fn write_deadline(&self, _now: Millis) -> Millis {
        let stalled = self.active.as_ref().and_then(|active| active.stalled);
        stalled.map_or(NEVER, |since| {
            since + Worker::millis(self.worker.settings.write_timeout)
        })
    }

    /// The deadline passed: which one depends on the phase.
    pub(super) fn timed_out(&mut self, now: Millis) -> Step {
        if self.write_deadline(now) <= now {
            self.abandon(BodyError::Disconnected);
            return Step::Over;
        }
        let body_is_late = self.body_deadline() <= now;
        let Some(active) = &mut self.active else {
            return Step::Over;
        };
        match active.phase {
            Phase::Head if active.parser.has_started() => self.refuse(Reason::HeadTimeout.into()),
            Phase::Handling(_) | Phase::Streaming(_) if active.body.is_wanted() && body_is_late => {
                self.lose_body(Reason::BodyTimeout.into());
            }
            Phase::Waiting(_)
            | Phase::Handling(_)
            | Phase::Streaming(_)
            | Phase::Closing { .. } => {}
            _ => return Step::Over,
        }
        Step::Again
    }

    /// Phase [`Phase::Closing`]: flush, then end.
    pub(super) fn close(&mut self, cx: &mut Context<'_>, now: Millis) -> Step {
        match self.flush(cx, now) {
            Err(_) => return Step::Over,
            Ok(false) => return Step::Wait(self.write_deadline(now)),
            Ok(true) => {}
        }
        let Some(active) = &mut self.active else {
            return Step::Over;
        };
        let Phase::Closing { linger: true } = active.phase else {
            return Step::Over;
        };
        if self.socket.finish_sending().is_err() {
            return Step::Over;
        }
        let until = now + Worker::millis(self.worker.settings.linger);
        active.discarded = 0;
        active.phase = Phase::Linger { until };
        Step::Again
    }

    /// Phase [`Phase::Linger`]: a close with unread bytes would reset the connection, and the
    /// answer could be lost (RFC 9112 section 9.6).
    pub(super) fn linger(&mut self, cx: &mut Context<'_>) -> Step {
        let Some(active) = &mut self.active else {
            return Step::Over;
        };
        let Phase::Linger { until } = active.phase else {
            return Step::Over;
        };
        loop {
            let count = active.input.bytes().len();
            active.input.consume(count);
            match active.input.poll_fill(&mut self.socket, cx) {
                Poll::Pending => return Step::Wait(until),
                Poll::Ready(Ok(0) | Err(_)) => return Step::Over,
                Poll::Ready(Ok(count)) => active.discarded += count as u64,
            }
            if active.discarded > LINGER_BYTES {
                return Step::Over;
            }
        }
    }
}

impl Worker {
    /// Write the head of `response`.
    pub(super) fn write(
        &self,
        active: &mut Active,
        response: &Response,
        version: Version,
        length: AnswerLength,
        keep: bool,
    ) {
        if active.exchange.has_interim() {
            active.exchange.take_interim(active.output.gather());
        }
        active.exchange.close();
        let date = self.date();
        let head = AnswerHead {
            status: response.status,
            version,
            keep_alive: keep,
            length,
            content_type: response.content_type,
            date: &date,
            fields: &response.fields,
        };
        encode_head(active.output.gather(), &head);
        self.answered();
    }

    /// Send the request's name back, unless the handler has sent one.
    fn name(&self, active: &mut Active, response: &mut Response) {
        if !self.settings.request_ids {
            return;
        }
        request_id::fill(&mut active.request_id);
        if !response.has_field(request_id::FIELD) {
            response.add_field(request_id::FIELD, &active.request_id);
        }
    }
}

/// Framing of an answer that is sent at once, or of one that a HEAD asks about.
fn whole_length(response: &Response) -> AnswerLength {
    if has_no_content(response.status) {
        return AnswerLength::None;
    }
    let length = match &response.body {
        Payload::Stream(stream) => stream.length(),
        whole => Some(whole.length()),
    };
    length.map_or(AnswerLength::None, AnswerLength::Known)
}

/// Whether an answer of this status never has content (RFC 9110 sections 15.2, 15.3.5, 15.4.5).
pub(super) fn has_no_content(status: u16) -> bool {
    status < 200 || status == 204 || status == 304
}
