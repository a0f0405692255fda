//! A whole body in one pooled buffer, for a handler that wants it before it runs.
//!
//! A [`Sink`] and the future that it completes. Knows neither sockets nor what the bytes mean.
//! Neighbours: [`crate::body`], of which this is one reader.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tokio::io::ReadBuf;

use crate::body::{Asked, Body, BodyError, Sink};
use crate::buffers::Buffer;

/// The most room that is offered at once: zeroed first, so not much more than a socket gives.
const ROOM: usize = 64 * 1024;

/// A body that was asked for whole.
#[derive(Debug)]
pub enum Whole {
    /// It is here; empty where the request has none.
    Here(Buffer),
    /// It is being read.
    Coming(Gathering),
    /// Somebody took it before.
    Taken,
}

/// Gives the body once it is complete.
#[derive(Debug)]
#[must_use = "the body is read only while somebody waits for it"]
pub struct Gathering(Rc<RefCell<Progress>>);

#[derive(Debug, Default)]
struct Progress {
    ended: Option<Result<Buffer, BodyError>>,
    waker: Option<Waker>,
}

struct Gatherer {
    bytes: Buffer,
    progress: Rc<RefCell<Progress>>,
}

/// Ask for the whole of `body`.
#[must_use]
pub fn gather(body: &Body) -> Whole {
    let mut coming = None;
    let asked = body.ask(|| {
        let progress = Rc::<RefCell<Progress>>::default();
        coming = Some(Gathering(Rc::clone(&progress)));
        Box::new(Gatherer {
            bytes: Buffer::take(),
            progress,
        })
    });
    match (asked, coming) {
        (Asked::Whole(bytes), _) => Whole::Here(bytes.unwrap_or_default()),
        (Asked::Later, Some(coming)) => Whole::Coming(coming),
        (Asked::Taken | Asked::Later, _) => Whole::Taken,
    }
}

impl Sink for Gatherer {
    fn read(&mut self, hint: usize, fill: &mut dyn FnMut(&mut ReadBuf<'_>)) {
        let before = self.bytes.len();
        self.bytes.resize(before + hint.clamp(1, ROOM), 0);
        let mut room = ReadBuf::new(&mut self.bytes[before..]);
        fill(&mut room);
        let filled = room.filled().len();
        self.bytes.truncate(before + filled);
    }

    fn finish(self: Box<Self>, result: Result<(), BodyError>) {
        let Self { bytes, progress } = *self;
        let mut progress = progress.borrow_mut();
        progress.ended = Some(result.map(|()| bytes));
        let waker = progress.waker.take();
        drop(progress);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Future for Gathering {
    type Output = Result<Buffer, BodyError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut progress = self.0.borrow_mut();
        if let Some(ended) = progress.ended.take() {
            return Poll::Ready(ended);
        }
        progress.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}
