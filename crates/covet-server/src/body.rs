//! A request's body as a handler sees it: nothing is read before somebody asks.
//!
//! The handler holds a [`Body`], the connection the same cell; the handler asks by giving a
//! [`Sink`], the connection reads the socket straight into it and finishes it. Knows neither
//! sockets nor framing. Neighbours: `connection/body_phase.rs` (reads), handlers (ask).

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::task::Waker;

use tokio::io::ReadBuf;

use crate::buffers::Buffer;
use crate::http1::Refusal;

/// Why a body did not arrive whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// Malformed framing, too large or too slow; the connection answers this refusal and closes.
    Refused(Refusal),
    /// The client went away.
    Disconnected,
    /// Somebody asked for it before.
    Taken,
}

/// Where a body goes.
pub trait Sink {
    /// Offer room to `fill`: up to about `hint` bytes, at least one. Called again for more.
    fn read(&mut self, hint: usize, fill: &mut dyn FnMut(&mut ReadBuf<'_>));

    /// Whether it has enough for now: the socket is left alone until somebody asks for more.
    fn has_enough(&self) -> bool {
        false
    }

    /// The body ended, well or not. Called once.
    fn finish(self: Box<Self>, result: Result<(), BodyError>);
}

/// What the connection and the handler share about a body.
#[derive(Default)]
pub(crate) struct BodyCell {
    state: RefCell<State>,
    connection: RefCell<Option<Waker>>,
    /// Whether the answer that the handler waits for depends on bytes still to come.
    wanted: Cell<bool>,
}

#[derive(Default)]
enum State {
    /// Nobody asked yet.
    #[default]
    Unread,
    /// It had arrived whole with the head.
    Whole(Buffer),
    /// Being read into a sink.
    Reading(Box<dyn Sink>),
    /// Given away, or finished.
    Taken,
}

impl std::fmt::Debug for BodyCell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BodyCell")
            .field("wanted", &self.wanted)
            .finish_non_exhaustive()
    }
}

/// A handler's end of a request's body.
#[derive(Clone, Debug, Default)]
pub struct Body(Option<Rc<BodyCell>>);

/// A body that was asked for.
pub enum Asked {
    /// It is all here; empty where the request has none.
    Whole(Option<Buffer>),
    /// The sink will be finished later.
    Later,
    /// Somebody took it before.
    Taken,
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Whole(_) => "Whole",
            Self::Later => "Later",
            Self::Taken => "Taken",
        })
    }
}

impl Body {
    /// The body of a request that has none.
    #[must_use]
    pub fn empty() -> Self {
        Self(None)
    }

    pub(crate) fn shared(cell: &Rc<BodyCell>) -> Self {
        Self(Some(Rc::clone(cell)))
    }

    /// Whether the request has no body.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Ask for the whole body. `sink` makes the sink only if bytes are still to come.
    pub fn ask(&self, sink: impl FnOnce() -> Box<dyn Sink>) -> Asked {
        let asked = self.ask_at_leisure(sink);
        if matches!(asked, Asked::Later) {
            self.want();
        }
        asked
    }

    /// The same, but nothing is read before [`Body::want`].
    pub(crate) fn ask_at_leisure(&self, sink: impl FnOnce() -> Box<dyn Sink>) -> Asked {
        let Some(cell) = &self.0 else {
            return Asked::Whole(None);
        };
        match cell.state.replace(State::Taken) {
            State::Whole(bytes) => Asked::Whole(Some(bytes)),
            State::Reading(old) => {
                *cell.state.borrow_mut() = State::Reading(old);
                Asked::Taken
            }
            State::Taken => Asked::Taken,
            State::Unread => {
                let sink = sink();
                *cell.state.borrow_mut() = State::Reading(sink);
                Asked::Later
            }
        }
    }

    /// Something that may [`Body::want`] from inside the sink.
    pub(crate) fn wanting(&self) -> Wanting {
        Wanting(self.0.as_ref().map(Rc::downgrade).unwrap_or_default())
    }

    /// The sink waits for bytes.
    pub(crate) fn want(&self) {
        let Some(cell) = &self.0 else {
            return;
        };
        if cell.wanted.replace(true) {
            return;
        }
        let waker = cell.connection.borrow().clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Asks for more of a body without keeping it.
#[derive(Debug)]
pub(crate) struct Wanting(Weak<BodyCell>);

impl Wanting {
    /// See [`Body::want`].
    pub(crate) fn want(&self) {
        Body(self.0.upgrade()).want();
    }
}

impl BodyCell {
    /// Start over for the next request of the connection.
    pub(crate) fn reset(&self, whole: Option<Buffer>, waker: &Waker) {
        *self.state.borrow_mut() = whole.map_or(State::Unread, State::Whole);
        self.wanted.set(false);
        *self.connection.borrow_mut() = Some(waker.clone());
    }

    /// Whether a handler waits for bytes.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted.get()
    }

    /// Let the sink take bytes. The sink is out of the cell meanwhile: it may run foreign code.
    pub(crate) fn fill(&self, hint: usize, fill: &mut dyn FnMut(&mut ReadBuf<'_>)) {
        match self.state.replace(State::Taken) {
            State::Reading(mut sink) => {
                sink.read(hint, fill);
                if sink.has_enough() {
                    self.wanted.set(false);
                }
                *self.state.borrow_mut() = State::Reading(sink);
            }
            other => *self.state.borrow_mut() = other,
        }
    }

    /// The body ended; whoever waits is told, whoever asks later is refused.
    pub(crate) fn finish(&self, result: Result<(), BodyError>) {
        self.wanted.set(false);
        if let State::Reading(sink) = self.state.replace(State::Taken) {
            sink.finish(result);
        }
    }
}
