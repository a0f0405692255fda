//! One connection: a hand-written future, small while idle, boxed while something happens.
//!
//! It waits for readiness with no buffer, borrows its active part from the worker, parses,
//! dispatches, writes, and gives the part back. What it must not know: Python, routes' meaning.
//! The phases' code: `exchange.rs` (head to answer), `body_phase.rs` (bodies), `streaming.rs`
//! (answers in parts), `ending.rs`.

mod active;
mod body_phase;
mod ending;
mod exchange;
mod inflated_body;
mod input;
mod output;
mod preamble;
pub(crate) mod socket;
mod streaming;
mod telling;
mod unattended;
mod waiting;

use std::future::Future;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

pub(crate) use self::active::Active;
use self::active::Phase;
use self::socket::Socket;
use crate::access_log::End;
use crate::deadlines::{Millis, NEVER, Watch};
use crate::worker::Worker;

/// What a step of the state machine left behind.
enum Step {
    /// Go on with the phase that is set now.
    Again,
    /// Everything that can be done now is done; wakers are registered, the deadline is this.
    Wait(Millis),
    /// Nothing is in flight: wait without buffers.
    Idle,
    /// Let others run, then go on.
    Yield,
    /// The connection is over.
    Over,
}

/// A connection's start, where a header of the PROXY protocol comes before the first request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Preamble {
    /// The header has not come.
    Awaited,
    /// The header has come and no request: the time for the first still runs from the start.
    Read,
    /// None is expected, or not any more.
    Over,
}

/// A connection of a worker.
pub(crate) struct Connection<S: Socket> {
    socket: S,
    worker: Rc<Worker>,
    watch: Rc<Watch>,
    active: Option<Box<Active>>,
    client: Option<SocketAddr>,
    /// Whether its word about who asks counts.
    is_proxy: bool,
    preamble: Preamble,
    opened: Millis,
    /// While draining: when this connection was first seen idle; else [`NEVER`].
    quiet_since: Millis,
}

impl<S: Socket> Connection<S> {
    pub(crate) fn new(socket: S, worker: Rc<Worker>, client: Option<SocketAddr>) -> Self {
        let watch = worker.deadlines.watch();
        let opened = worker.deadlines.now();
        worker.opened(client);
        // A connection that never sends is a head that takes too long, answered by a close.
        worker.deadlines.arm(
            &watch,
            opened + Worker::millis(worker.settings.head_timeout),
        );
        let is_proxy = worker.settings.trusted_proxies.trusts_peer(client);
        let preamble = if worker.settings.proxy_protocol {
            Preamble::Awaited
        } else {
            Preamble::Over
        };
        Self {
            socket,
            worker,
            watch,
            active: None,
            client,
            is_proxy,
            preamble,
            opened,
            quiet_since: NEVER,
        }
    }

    fn advance(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.watch.set_waker(cx.waker());
        let now = self.worker.now();
        if self.worker.is_aborting() {
            if self.active.as_ref().is_some_and(|active| active.owes()) {
                self.worker.counters.was_cut();
            }
            return Poll::Ready(());
        }
        if self.watch.is_over(now) {
            match &mut self.active {
                None => return Poll::Ready(()),
                Some(_) => {
                    if self.timed_out(now).is_over() {
                        return Poll::Ready(());
                    }
                }
            }
        }
        if self.active.is_none() {
            match self.socket.poll_readable(cx) {
                Poll::Pending => {
                    if self.worker.is_draining() {
                        self.rest_while_draining(now);
                    }
                    return Poll::Pending;
                }
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(())) => self.active = Some(self.worker.take_active()),
            }
        }
        self.quiet_since = NEVER;
        loop {
            match self.step(cx, now) {
                Step::Again => {}
                Step::Wait(deadline) => {
                    self.worker.deadlines.arm(&self.watch, deadline);
                    return Poll::Pending;
                }
                Step::Idle => {
                    if let Some(active) = self.active.take() {
                        self.worker.return_active(active);
                    }
                    if self.worker.is_draining() {
                        self.rest_while_draining(now);
                    } else {
                        let settings = &self.worker.settings;
                        let idle = match self.preamble {
                            Preamble::Over => now + Worker::millis(settings.keep_alive),
                            _ => self.opened + Worker::millis(settings.head_timeout),
                        };
                        self.worker.deadlines.arm(&self.watch, idle);
                    }
                    return Poll::Pending;
                }
                Step::Yield => {
                    self.worker.deadlines.arm(&self.watch, NEVER);
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Step::Over => return Poll::Ready(()),
            }
        }
    }

    /// Idle while the worker drains: a request may be on its way, so leave only after a quiet moment.
    fn rest_while_draining(&mut self, now: Millis) {
        if self.quiet_since == NEVER {
            self.quiet_since = now;
        }
        let quiet = Worker::millis(self.worker.settings.drain_quiet);
        self.worker
            .deadlines
            .arm(&self.watch, self.quiet_since + quiet);
    }

    fn step(&mut self, cx: &mut Context<'_>, now: Millis) -> Step {
        let Some(active) = &mut self.active else {
            return Step::Idle;
        };
        match active.phase {
            Phase::Head if self.preamble == Preamble::Awaited => self.read_preamble(cx, now),
            Phase::Head => self.read_head(cx, now),
            Phase::Waiting(_) => self.wait(cx, now),
            Phase::Handling(_) => self.handle(cx, now),
            Phase::Streaming(_) => self.stream(cx, now),
            Phase::Discard => self.discard(cx, now),
            Phase::Closing { .. } => self.close(cx, now),
            Phase::Linger { .. } => self.linger(cx),
        }
    }
}

impl<S: Socket> Future for Connection<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let polled = catch_unwind(AssertUnwindSafe(|| self.advance(cx)));
        polled.unwrap_or_else(|panic| {
            self.worker.panicked(&*panic);
            Poll::Ready(())
        })
    }
}

impl<S: Socket> Drop for Connection<S> {
    fn drop(&mut self) {
        self.worker.deadlines.unwatch(&self.watch);
        self.worker.closed(self.client);
        if let Some(mut active) = self.active.take() {
            active.exchange.leave();
            if active.would_pass_for_whole() {
                self.socket.reset_on_close();
            }
            let end = if self.worker.is_aborting() {
                End::Broken
            } else {
                End::Left
            };
            let unsent = active.output.unsent();
            self.worker
                .log_stream(&mut active, self.client, end, unsent);
            self.worker.log_unanswered(&mut active, self.client, end);
            self.worker.return_active(active);
        }
    }
}

impl Step {
    fn is_over(&self) -> bool {
        matches!(self, Self::Over)
    }
}

#[cfg(test)]
mod tests {
    use super::Connection;

    #[test]
    fn an_idle_connection_is_small() {
        assert!(size_of::<Connection<tokio::net::TcpStream>>() <= 112);
    }
}
