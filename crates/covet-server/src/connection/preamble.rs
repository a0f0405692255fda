//! Before the first request: the header of the PROXY protocol, where each connection starts with one.

use std::task::{Context, Poll};

use super::socket::Socket;
use super::{Connection, Preamble, Step};
use crate::deadlines::Millis;
use crate::proxies::Header;
use crate::worker::Worker;

impl<S: Socket> Connection<S> {
    /// Read the header. A connection without one, or from a peer that is not trusted, ends without
    /// an answer: nobody knows who would read it.
    pub(super) fn read_preamble(&mut self, cx: &mut Context<'_>, now: Millis) -> Step {
        let settings = &self.worker.settings;
        if !self.is_proxy && !settings.trusted_proxies.is_empty() {
            return Step::Over;
        }
        let Some(active) = &mut self.active else {
            return Step::Idle;
        };
        loop {
            match Header::parse(active.input.bytes()) {
                Err(_) => return Step::Over,
                Ok(Some(header)) => {
                    active.input.consume(header.len);
                    self.introduce(header);
                    return Step::Again;
                }
                Ok(None) => {}
            }
            match active.input.poll_fill(&mut self.socket, cx) {
                Poll::Ready(Ok(0) | Err(_)) => return Step::Over,
                Poll::Ready(Ok(_)) => {}
                Poll::Pending => {
                    active.since.get_or_insert(now);
                    let limit = Worker::millis(settings.head_timeout);
                    return Step::Wait(self.opened + limit);
                }
            }
        }
    }

    /// Take over what a header says: it may be one connection too many of its client's.
    fn introduce(&mut self, header: Header) {
        self.preamble = Preamble::Read;
        let Some(client) = header.client else {
            return;
        };
        let client = Some(client);
        let is_full = self.worker.is_full_of(client);
        self.worker.renamed(self.client, client);
        self.client = client;
        self.is_proxy = self.worker.settings.trusted_proxies.trusts_peer(client);
        if is_full {
            self.turn_away();
        }
    }
}
