//! Telling of answers: lines of the access log, and requests that were slow.
//!
//! An answer in parts has its line when it ends, with the bytes that were sent and how it ended; a request without an
//! answer has one with a status that was never sent. Neighbours:
//! `ending.rs` and `streaming.rs` say when, [`crate::access_log`] writes.

use std::mem;
use std::net::SocketAddr;

use super::active::{Active, Phase};
use super::ending::has_no_content;
use crate::access_log::{End, Entry};
use crate::handler::Slow;
use crate::response::{Payload, Response};
use crate::worker::Worker;

/// What logs show where a client did not wait for its answer, as nginx's do.
const CLIENT_LEFT: u16 = 499;

impl Worker {
    /// Tell whoever wants to know of an answer that is whole. `keep`: the connection lives on.
    pub(super) fn log(
        &self,
        active: &mut Active,
        peer: Option<SocketAddr>,
        response: &Response,
        keep: bool,
    ) {
        if self.notes_requests() {
            self.tell_slow(active);
            let noted = active.noted.as_ref();
            let is_head = noted.is_some_and(|noted| noted.method() == b"HEAD");
            let bytes = if is_head || has_no_content(response.status) {
                0
            } else {
                response.body.length()
            };
            self.record(active, peer, response, bytes, End::whole(keep));
        }
        active.forget_request();
    }

    /// The same of an answer in parts, which ends now; nothing where none is being sent. Of its bytes `unsent` will
    /// never be.
    pub(super) fn log_stream(
        &self,
        active: &mut Active,
        peer: Option<SocketAddr>,
        end: End,
        unsent: usize,
    ) {
        if !matches!(&active.phase, Phase::Streaming(streaming) if streaming.head_is_sent()) {
            return;
        }
        let Phase::Streaming(streaming) = mem::replace(&mut active.phase, Phase::Head) else {
            return;
        };
        let bytes = streaming.given().saturating_sub(unsent as u64);
        self.record(active, peer, streaming.head(), bytes, end);
        active.forget_request();
    }

    /// The same of a request that ends without an answer, if there is one: its client has gone, or the server ends.
    pub(super) fn log_unanswered(&self, active: &mut Active, peer: Option<SocketAddr>, end: End) {
        if active.noted.is_none() {
            return;
        }
        let status = if end == End::Left { CLIENT_LEFT } else { 503 };
        let none = Response::new(status, None, Payload::Empty);
        self.record(active, peer, &none, 0, end);
        active.forget_request();
    }

    fn record(
        &self,
        active: &Active,
        peer: Option<SocketAddr>,
        response: &Response,
        bytes: u64,
        end: End,
    ) {
        let Some(access) = &self.access else {
            return;
        };
        access.record(&Entry {
            date: &self.date(),
            peer,
            noted: active.noted.as_ref(),
            request_id: &active.request_id,
            status: response.status,
            bytes,
            content_type: response.content_type,
            fields: &response.fields,
            end,
        });
    }

    /// Tell the handler's world of a request whose answer was long in coming.
    pub(super) fn tell_slow(&self, active: &Active) {
        if let (Some(limit), Some(noted)) = (self.settings.slow_request, &active.noted)
            && noted.took() >= limit
        {
            self.service.handler.slow(&Slow {
                method: noted.method(),
                path: noted.path(),
                took: noted.took(),
                request_id: Some(active.request_id.as_str()).filter(|id| !id.is_empty()),
            });
        }
    }
}

impl Active {
    fn forget_request(&mut self) {
        self.noted = None;
        self.request_id.clear();
    }
}
