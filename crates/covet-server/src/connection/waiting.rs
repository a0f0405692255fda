//! A request that waits until it may be begun: its head stays in the input, nothing of its body is asked for.
//!
//! Ends with a place, with the client, or with 503 after the route's time. Neighbours: [`crate::admission`] has the
//! line, `exchange.rs` begins the request.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::Sleep;

use super::active::Phase;
use super::exchange::Decision;
use super::socket::Socket;
use super::{Connection, Step};
use crate::admission::{Entering, Pass};
use crate::deadlines::Millis;
use crate::handler::Route;
use crate::response::Response;
use crate::worker::Worker;

/// What such a request waits for, and how long at most.
pub(crate) struct Waiting {
    pub(super) entering: Entering,
    pub(super) timeout: Option<Pin<Box<Sleep>>>,
}

impl<S: Socket> Connection<S> {
    /// Phase [`Phase::Waiting`].
    pub(super) fn wait(&mut self, cx: &mut Context<'_>, now: Millis) -> Step {
        let Some(active) = &mut self.active else {
            return Step::Over;
        };
        let Phase::Waiting(waiting) = &mut active.phase else {
            return Step::Again;
        };
        let is_late = waiting.timeout.as_mut();
        let is_late = is_late.is_some_and(|timeout| timeout.as_mut().poll(cx).is_ready());
        match waiting.entering.poll(cx) {
            Poll::Ready(Some(pass)) => {
                active.pass = Some(pass);
                active.phase = Phase::Head;
                return self.begin(cx);
            }
            Poll::Pending if !is_late => {}
            Poll::Pending | Poll::Ready(None) => {
                active.phase = Phase::Head; // leaves the line
                active.input.consume(active.head.len);
                self.worker.breathe();
                self.answer(overloaded());
                return Step::Again;
            }
        }
        if self.flush(cx, now).is_err() || self.client_left(cx) {
            return Step::Over;
        }
        Step::Wait(self.write_deadline(now))
    }
}

/// Take a place among the requests in flight, where they are counted. What else is to be done, if there is none.
pub(super) fn enter(
    pass: &mut Option<Pass>,
    route: &Route,
    worker: &Worker,
    cx: &mut Context<'_>,
) -> Option<Decision> {
    if route.gate.is_none() && worker.gate.is_none() {
        return None;
    }
    let mut entering = Entering::new(route.gate.as_ref(), worker.gate.as_ref());
    match entering.poll(cx) {
        Poll::Ready(Some(free)) => {
            *pass = Some(free);
            None
        }
        Poll::Ready(None) => Some(Decision::Own(overloaded())),
        Poll::Pending => Some(Decision::Wait(entering, route.timeout)),
    }
}

/// The answer where too many requests are in flight and wait.
fn overloaded() -> Response {
    Response::problem(503, "too many requests are in flight").with_field("retry-after", "1")
}
