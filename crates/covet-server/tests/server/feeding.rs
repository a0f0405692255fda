//! A stream that a test feeds by hand, and one that a closure makes.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use covet_server::handler::{Answer, Request};
use covet_server::response::{Payload, Response, TEXT};
use covet_server::streaming::{Broken, Part, Stream};

use crate::support::{Gate, OpensOnDrop};

type Next = Result<Part, Broken>;

/// A test's end of a stream.
#[derive(Clone, Default)]
pub(crate) struct Feed(Rc<Shared>);

#[derive(Default)]
struct Shared {
    parts: RefCell<VecDeque<Next>>,
    waker: RefCell<Option<Waker>>,
    length: Cell<Option<u64>>,
    holds_head: Cell<bool>,
    polled: Cell<usize>,
    /// Open once the stream waits for something that is not there.
    starved: RefCell<Gate>,
    dropped: Gate,
    drained: Gate,
}

impl Feed {
    /// One whose stream says that it has `length` bytes.
    pub(crate) fn of_length(length: u64) -> Self {
        let feed = Self::default();
        feed.0.length.set(Some(length));
        feed
    }

    /// One whose stream lets the head wait.
    pub(crate) fn holding_head() -> Self {
        let feed = Self::default();
        feed.0.holds_head.set(true);
        feed
    }

    /// Give what comes next.
    pub(crate) fn put(&self, next: Next) -> &Self {
        self.0.parts.borrow_mut().push_back(next);
        *self.0.starved.borrow_mut() = Gate::default();
        if let Some(waker) = self.0.waker.borrow_mut().take() {
            waker.wake();
        }
        self
    }

    pub(crate) fn chunk(&self, bytes: impl Into<Vec<u8>>) -> &Self {
        self.put(Ok(chunk(bytes)))
    }

    pub(crate) fn end(&self) -> &Self {
        self.put(Ok(Part::end()))
    }

    /// The answer that carries the stream.
    pub(crate) fn answer(&self) -> Response {
        let fed = Fed {
            shared: Rc::clone(&self.0),
            _dropped: OpensOnDrop(self.0.dropped.clone()),
        };
        Response::new(200, Some(TEXT), Payload::Stream(Box::new(fed)))
    }

    /// A closure that answers it.
    pub(crate) fn handler(&self) -> impl Fn(&Request<'_>) -> Answer + 'static {
        let feed = self.clone();
        move |_| Answer::Now(feed.answer())
    }

    pub(crate) fn polled(&self) -> usize {
        self.0.polled.get()
    }

    /// Wait until the stream has given all and was asked for more.
    pub(crate) async fn starved(&self) {
        let gate = self.0.starved.borrow().clone();
        gate.passed().await;
    }

    pub(crate) fn dropped(&self) -> Gate {
        self.0.dropped.clone()
    }

    pub(crate) fn drained(&self) -> Gate {
        self.0.drained.clone()
    }
}

struct Fed {
    shared: Rc<Shared>,
    _dropped: OpensOnDrop,
}

impl Stream for Fed {
    fn length(&self) -> Option<u64> {
        self.shared.length.get()
    }

    fn holds_head(&self) -> bool {
        self.shared.holds_head.get()
    }

    fn drain(&mut self) {
        self.shared.drained.open();
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        self.shared.polled.set(self.shared.polled.get() + 1);
        let next = self.shared.parts.borrow_mut().pop_front();
        if let Some(next) = next {
            return Poll::Ready(next);
        }
        *self.shared.waker.borrow_mut() = Some(cx.waker().clone());
        let starved = self.shared.starved.borrow().clone();
        starved.open();
        Poll::Pending
    }
}

/// A stream made of a closure.
pub(crate) struct Made<F>(pub(crate) F);

impl<F: FnMut(&mut Context<'_>) -> Poll<Next>> Stream for Made<F> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        (self.0)(cx)
    }
}

/// A text answer whose body `next` makes.
pub(crate) fn made(next: impl FnMut(&mut Context<'_>) -> Poll<Next> + 'static) -> Response {
    Response::new(200, Some(TEXT), Payload::Stream(Box::new(Made(next))))
}

pub(crate) fn chunk(bytes: impl Into<Vec<u8>>) -> Part {
    Part::Chunk(Payload::Shared(Box::new(bytes.into())))
}
