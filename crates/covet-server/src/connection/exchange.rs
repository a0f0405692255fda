//! From a head to an answer: parse, refuse, route, call, frame.

use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::active::{Active, Pending, Phase};
use super::inflated_body::{coding, inflating};
use super::socket::Socket;
use super::streaming::late;
use super::waiting::{Waiting, enter};
use super::{Connection, Preamble, Step, unattended};
use crate::admission::Entering;
use crate::body::{Body, BodyError};
use crate::buffers::Buffer;
use crate::compression::Offered;
use crate::deadlines::{Millis, NEVER};
use crate::files::Asked;
use crate::handler::{Answer, Request};
use crate::http1::{BodyDecoder, Framing, Method, Refusal, TargetForm, Version};
use crate::request_id;
use crate::response::{Payload, Response};
use crate::routing::Match;
use crate::worker::Worker;

/// The answer to `OPTIONS *`: what the server as a whole understands (RFC 9110 section 9.3.7).
const SERVER_METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, QUERY, OPTIONS";

/// What routing and the limits decided about a head.
pub(super) enum Decision {
    /// The handler answered, or will within the time given; and whether the client's leaving cancels.
    Called(Answer, Option<Duration>, bool),
    /// The server answers without the handler.
    Own(Response),
    /// Too many are in flight: it waits, for so long at most.
    Wait(Entering, Option<Duration>),
}

impl<S: Socket> Connection<S> {
    /// Phase [`Phase::Head`]: answer all requests that are here, then read.
    pub(super) fn read_head(&mut self, cx: &mut Context<'_>, now: Millis) -> Step {
        loop {
            let Some(active) = &mut self.active else {
                return Step::Idle;
            };
            let settings = &self.worker.settings;
            if active.turn >= settings.max_pipelined || active.output.is_full(settings.max_unsent) {
                if self.flush(cx, now).is_err() {
                    return Step::Over;
                }
                let Some(active) = &mut self.active else {
                    return Step::Idle;
                };
                if active.output.is_full(self.worker.settings.max_unsent) {
                    return Step::Wait(self.write_deadline(now));
                }
                if active.turn >= self.worker.settings.max_pipelined {
                    active.turn = 0;
                    return Step::Yield;
                }
                continue;
            }
            if !active.input.is_empty() {
                match active
                    .parser
                    .parse(active.input.bytes(), &mut active.head, &settings.head)
                {
                    Ok(true) => return self.dispatch(cx, now),
                    Ok(false) => {}
                    Err(refusal) => {
                        self.refuse(refusal);
                        return Step::Again;
                    }
                }
            }
            let Ok(flushed) = self.flush(cx, now) else {
                return Step::Over;
            };
            let Some(active) = &mut self.active else {
                return Step::Idle;
            };
            match active.input.poll_fill(&mut self.socket, cx) {
                Poll::Ready(Ok(0)) => {
                    if flushed {
                        return Step::Over;
                    }
                    active.phase = Phase::Closing { linger: false };
                    return Step::Again;
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(_)) => return Step::Over,
                Poll::Pending => return self.await_head(flushed, now),
            }
        }
    }

    /// Nothing to read now: idle, or within the time for a head.
    fn await_head(&mut self, flushed: bool, now: Millis) -> Step {
        let Some(active) = &mut self.active else {
            return Step::Idle;
        };
        active.turn = 0;
        if active.input.is_empty() && flushed {
            return Step::Idle;
        }
        let mut deadline = NEVER;
        if !active.input.is_empty() {
            let since = *active.since.get_or_insert(now);
            deadline = since + Worker::millis(self.worker.settings.head_timeout);
        }
        Step::Wait(deadline.min(self.write_deadline(now)))
    }

    /// Answer the request whose head is complete.
    fn dispatch(&mut self, cx: &mut Context<'_>, now: Millis) -> Step {
        let Some(active) = &mut self.active else {
            return Step::Idle;
        };
        self.preamble = Preamble::Over;
        active.since = None;
        active.paused = None;
        active.turn += 1;
        active.discarded = 0;
        active.identify(self.client, self.is_proxy.then_some(&self.worker.settings));
        if self.worker.settings.request_ids {
            let bytes = active.input.bytes();
            request_id::of_head(&active.head, bytes, &mut active.request_id);
        }
        if self.worker.notes_requests() {
            active.note_request(self.worker.access.as_deref());
        }
        let head = &active.head;
        active.keep = head.keep_alive && self.worker.keeps_alive(self.opened, now);
        active.owes_continue = head.expect_continue && head.framing != Framing::None;
        active.decoder = BodyDecoder::new(head.framing);
        active.asked = Asked::of(head, active.input.bytes());
        active.offered = None;
        active.inflating = None;
        active.exchange.begin(head.version == Version::Http11);
        self.begin(cx)
    }

    /// Answer it, or let it wait for its turn. What was read of it is the start of the input still.
    pub(super) fn begin(&mut self, cx: &mut Context<'_>) -> Step {
        let Some(active) = &mut self.active else {
            return Step::Idle;
        };
        let mut whole = false;
        let decision = Self::decide(&self.worker, active, cx, &mut whole);
        active.exchange.attend(cx.waker());
        if !matches!(decision, Ok(Decision::Wait(..))) {
            // From here on the head's offsets point nowhere; its numbers and flags stay.
            active.input.consume(active.head.len);
        }
        if whole {
            let length = active.decoder.direct();
            active.input.consume(length as usize);
            active.decoder.took(length);
        }
        match decision {
            Ok(Decision::Called(Answer::Now(response), timeout, _)) => {
                self.answer(response);
                self.limit_stream(|| timeout.map(|after| Box::pin(tokio::time::sleep(after))));
            }
            Ok(Decision::Called(Answer::Later(future), timeout, cancel)) => {
                let timeout = timeout.map(|after| Box::pin(tokio::time::sleep(after)));
                active.phase = Phase::Handling(Pending {
                    future,
                    timeout,
                    cancel,
                });
            }
            Ok(Decision::Own(response)) => {
                self.worker.breathe();
                self.answer(response);
            }
            Ok(Decision::Wait(entering, timeout)) => {
                let timeout = timeout.map(|after| Box::pin(tokio::time::sleep(after)));
                active.phase = Phase::Waiting(Box::new(Waiting { entering, timeout }));
            }
            Err(refusal) => self.refuse(refusal),
        }
        Step::Again
    }

    fn decide(
        worker: &Worker,
        active: &mut Active,
        cx: &mut Context<'_>,
        whole: &mut bool,
    ) -> Result<Decision, Refusal> {
        let (head, bytes) = (&active.head, active.input.bytes());
        let method = head.method_name.of(bytes);
        let is_unknown = match head.method {
            Method::Connect | Method::Trace => true,
            Method::Other => !worker.service.router.knows(method),
            _ => false,
        };
        if is_unknown {
            let why = "this server does not implement the method";
            return Ok(Decision::Own(Response::problem(501, why)));
        }
        if head.form == TargetForm::Asterisk {
            let all = Response::new(200, None, Payload::Empty);
            return Ok(Decision::Own(all.with_field("allow", SERVER_METHODS)));
        }
        let path = head.path.of(bytes);
        let route = match worker.service.router.find(method, path, &mut active.params) {
            Match::Found { route, .. } => route,
            Match::NotFound => return Ok(Decision::Own(Response::problem(404, ""))),
            Match::BadPath => {
                let why = "a path segment is not UTF-8, or is . or ..";
                return Ok(Decision::Own(Response::problem(400, why)));
            }
            Match::Options { allow } => {
                let own = Response::new(204, None, Payload::Empty).with_field("allow", &allow);
                return Ok(Decision::Own(own));
            }
            Match::MethodNotAllowed { allow } => {
                return Ok(Decision::Own(
                    Response::problem(405, "").with_field("allow", &allow),
                ));
            }
        };
        active.offered = route
            .compress
            .map(|options| Offered::of(options, head, bytes));
        active.limits.max_body = route.max_body;
        BodyDecoder::check(head.framing, &active.limits)?;
        if let Some(files) = &route.files {
            let below = active.params.iter().last();
            return Ok(Decision::Own(files.answer(head, bytes, below)));
        }
        let codec = match coding(head, bytes, route) {
            Ok(codec) => codec,
            Err(refused) => return Ok(Decision::Own(refused)),
        };
        if active.pass.is_none()
            && let Some(decision) = enter(&mut active.pass, route, worker, cx)
        {
            return Ok(decision);
        }
        let body = match head.framing {
            Framing::None => Body::empty(),
            _ if !route.takes_body => Body::empty(),
            framing => {
                if let Some(codec) = codec {
                    let ratio = worker.settings.max_body_ratio;
                    let head = &mut active.head;
                    active.inflating = Some(inflating(codec, head, bytes, route, ratio));
                }
                if Rc::strong_count(&active.body) > 1 {
                    active.body = Rc::default(); // somebody kept the last request's
                }
                let here = match active.inflating {
                    None => whole_body(framing, &bytes[active.head.len..]),
                    Some(_) => None,
                };
                *whole = here.is_some();
                active.body.reset(here, cx.waker());
                Body::shared(&active.body)
            }
        };
        let head = &active.head;
        let request = Request {
            head,
            bytes: &bytes[..head.len],
            route,
            params: &active.params,
            origin: active.origin,
            request_id: Some(active.request_id.as_str()).filter(|id| !id.is_empty()),
            body: &body,
            exchange: &active.exchange,
            pass: active.pass.as_ref(),
        };
        let called = catch_unwind(AssertUnwindSafe(|| worker.service.handler.call(&request)));
        Ok(match called {
            Ok(answer) => Decision::Called(answer, route.timeout, route.cancel_on_disconnect),
            Err(panic) => {
                worker.panicked(&*panic);
                Decision::Own(Response::problem(500, "").closing())
            }
        })
    }

    /// Phase [`Phase::Handling`]: the handler, its body, its deadline, and the client's leaving.
    pub(super) fn handle(&mut self, cx: &mut Context<'_>, now: Millis) -> Step {
        loop {
            let mut deadline = NEVER;
            if self
                .active
                .as_ref()
                .is_some_and(|active| active.body.is_wanted())
            {
                match self.pump_body(cx, now) {
                    Step::Again => {}
                    Step::Wait(at) => deadline = at,
                    other => return other,
                }
            }
            let Some(active) = &mut self.active else {
                return Step::Idle;
            };
            let Phase::Handling(pending) = &mut active.phase else {
                return Step::Again;
            };
            if let Poll::Ready(response) = pending.future.as_mut().poll(cx) {
                let timeout = pending.timeout.take();
                active.phase = Phase::Head;
                self.answer(response);
                self.limit_stream(|| timeout);
                return Step::Again;
            }
            if let Some(timeout) = &mut pending.timeout
                && timeout.as_mut().poll(cx).is_ready()
            {
                active.phase = Phase::Head; // drops the future: cancelled
                self.answer(late());
                return Step::Again;
            }
            if active.body.is_wanted() && deadline == NEVER {
                continue; // asked for during the poll
            }
            if self.flush(cx, now).is_err() || self.client_left(cx) {
                self.abandon(BodyError::Disconnected);
                return Step::Over;
            }
            return Step::Wait(deadline.min(self.write_deadline(now)));
        }
    }

    /// Whether the client went while a handler works. Bytes that come are kept for later.
    pub(super) fn client_left(&mut self, cx: &mut Context<'_>) -> bool {
        let half_close = self.worker.settings.half_close;
        let max_unread = self.worker.settings.max_unsent;
        let Some(active) = &mut self.active else {
            return true;
        };
        while !active.body.is_wanted() && active.input.bytes().len() < max_unread {
            match active.input.poll_fill(&mut self.socket, cx) {
                Poll::Pending => return false,
                Poll::Ready(Ok(0)) => return !half_close,
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(_)) => return true,
            }
        }
        false
    }

    /// Leave a handler that still works: cancel it or let it finish on its own, as its route says.
    pub(super) fn abandon(&mut self, why: BodyError) {
        let Some(active) = &mut self.active else {
            return;
        };
        let refused = matches!(why, BodyError::Refused(_));
        active.body.finish(Err(why));
        if !refused {
            active.exchange.leave();
        }
        if !matches!(active.phase, Phase::Handling(_)) {
            return;
        }
        if let Phase::Handling(pending) = mem::replace(&mut active.phase, Phase::Head)
            && (refused || !pending.cancel)
        {
            // It learns of the failure where it awaits the body, and may clean up.
            unattended::finish(&self.worker, pending.future, active.pass.take());
        }
    }
}

/// A body of known length that has arrived with its head.
fn whole_body(framing: Framing, rest: &[u8]) -> Option<Buffer> {
    let Framing::Length(length) = framing else {
        return None;
    };
    let bytes = rest.get(..usize::try_from(length).ok()?)?;
    let mut buffer = Buffer::with_capacity(bytes.len());
    buffer.extend_from_slice(bytes);
    Some(buffer)
}
