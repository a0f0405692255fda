//! What a handler may do with an exchange while it works: send interim answers, ask whether the
//! client is still there.
//!
//! The connection and the handler share one cell. It costs a request nothing that does not keep a
//! handle. Knows no socket. Neighbours: `connection/exchange.rs` (sends, and tells of departures).

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::task::Waker;

use crate::http1::status_line;

/// Bytes of interim answers that one request may have; a client need not read them.
const MOST: usize = 16 * 1024;

/// `103`, RFC 8297.
pub const EARLY_HINTS: u16 = 103;

/// A handler's end of the exchange of one request and its answer.
#[derive(Clone, Default)]
pub struct Exchange(Rc<State>);

#[derive(Default)]
struct State {
    /// Whether interim answers may be sent now: to HTTP/1.1, before the final one.
    open: Cell<bool>,
    gone: Cell<bool>,
    /// Interim answers to be sent.
    interim: RefCell<Vec<u8>>,
    /// Bytes of them so far.
    given: Cell<usize>,
    connection: RefCell<Option<Waker>>,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("open", &self.0.open)
            .field("gone", &self.0.gone)
            .finish_non_exhaustive()
    }
}

impl Exchange {
    /// Whether the client has gone. Known as soon as the connection has seen it, also after the
    /// handler's answer, and for a handler that works on without its client.
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        self.0.gone.get()
    }

    /// Send an interim answer (RFC 9110 section 15.2) with `fields`, each as `name: value\r\n`.
    /// Returns whether it goes out: not to HTTP/1.0, not after the final answer, not where `status`
    /// is no interim one or the server's own (100, 101), not after 16 KiB of them.
    #[allow(
        clippy::must_use_candidate,
        reason = "a hint that is not sent is no loss"
    )]
    pub fn interim(&self, status: u16, fields: &[u8]) -> bool {
        let state = &self.0;
        let given = state.given.get() + fields.len() + 64;
        if !state.open.get() || !(102..200).contains(&status) || given > MOST {
            return false;
        }
        state.given.set(given);
        let mut out = state.interim.borrow_mut();
        match status_line(status) {
            Some(line) => out.extend_from_slice(line),
            None => {
                out.extend_from_slice(format!("HTTP/1.1 {status} \r\n").as_bytes());
            }
        }
        out.extend_from_slice(fields);
        out.extend_from_slice(b"\r\n");
        drop(out);
        let waker = state.connection.borrow().clone();
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// Start over for another request; a cell that somebody kept is left to them.
    pub(crate) fn begin(&mut self, open: bool) {
        if Rc::strong_count(&self.0) > 1 {
            *self = Self::default();
        }
        let state = &self.0;
        state.open.set(open);
        state.gone.set(false);
        if state.given.replace(0) > 0 {
            state.interim.borrow_mut().clear();
        }
    }

    /// Remember whom to wake, if the handler kept a handle.
    pub(crate) fn attend(&self, waker: &Waker) {
        if Rc::strong_count(&self.0) > 1 {
            *self.0.connection.borrow_mut() = Some(waker.clone());
        }
    }

    /// Whether there are interim answers to be sent.
    pub(crate) fn has_interim(&self) -> bool {
        self.0.given.get() > 0 && !self.0.interim.borrow().is_empty()
    }

    /// Move the interim answers to `out`.
    pub(crate) fn take_interim(&self, out: &mut Vec<u8>) {
        out.append(&mut self.0.interim.borrow_mut());
    }

    /// The final answer begins.
    pub(crate) fn close(&self) {
        self.0.open.set(false);
    }

    /// The client has gone, or the connection has.
    pub(crate) fn leave(&self) {
        if Rc::strong_count(&self.0) > 1 {
            self.0.open.set(false);
            self.0.gone.set(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_request_is_left_for_the_next() {
        let mut exchange = Exchange::default();
        exchange.begin(true);
        let kept = exchange.clone();
        assert!(kept.interim(EARLY_HINTS, b""));
        exchange.leave();
        assert!(kept.is_disconnected() && exchange.has_interim());
        exchange.begin(true);
        assert!(kept.is_disconnected() && !exchange.is_disconnected());
        // The same with a cell that is used again.
        let kept = exchange.clone();
        assert!(kept.interim(EARLY_HINTS, b""));
        exchange.leave();
        drop(kept);
        exchange.begin(true);
        assert!(!exchange.is_disconnected() && !exchange.has_interim());
        assert!(exchange.interim(EARLY_HINTS, b""));
    }
}
