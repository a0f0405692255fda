//! A request's body in pieces, read from the socket only while the reader waits for one.
//!
//! A [`Sink`] that holds one piece, and the reader's end of it. What a reader does not take stays
//! with the client, whose time runs only while the reader waits. Knows neither sockets nor framing.
//! Neighbours: [`crate::body`]; [`crate::gathering`] reads a body whole.

use std::cell::RefCell;
use std::fmt;
use std::mem;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tokio::io::ReadBuf;

use crate::body::{Asked, Body, BodyError, Sink};
use crate::buffers::Buffer;

/// The room offered at once, and with what had arrived before the most that a piece holds.
const ROOM: usize = 64 * 1024;

/// The reader's end of a body that comes in pieces.
#[derive(Debug)]
pub struct BodyStream {
    body: Body,
    shared: Rc<RefCell<Shared>>,
}

#[derive(Default)]
struct Shared {
    piece: Buffer,
    ended: Option<Result<(), BodyError>>,
    waker: Option<Waker>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("piece", &self.piece.len())
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

struct Pieces(Rc<RefCell<Shared>>);

impl BodyStream {
    /// Ask for `body` in pieces; nothing where somebody took it before. No byte is read yet.
    #[must_use]
    pub fn of(body: &Body) -> Option<Self> {
        let shared = Rc::<RefCell<Shared>>::default();
        let asked = body.ask_at_leisure(|| Box::new(Pieces(Rc::clone(&shared))));
        match asked {
            Asked::Taken => return None,
            Asked::Later => {}
            Asked::Whole(bytes) => {
                let mut here = shared.borrow_mut();
                here.piece = bytes.unwrap_or_default();
                here.ended = Some(Ok(()));
            }
        }
        Some(Self {
            body: body.clone(),
            shared,
        })
    }

    /// The pieces of a body that was read before.
    #[must_use]
    pub fn of_whole(bytes: &[u8]) -> Self {
        let mut piece = Buffer::with_capacity(bytes.len());
        piece.extend_from_slice(bytes);
        Self {
            body: Body::empty(),
            shared: Rc::new(RefCell::new(Shared {
                piece,
                ended: Some(Ok(())),
                waker: None,
            })),
        }
    }

    /// The next piece, never an empty one; nothing at the end.
    ///
    /// # Errors
    /// Why the body does not come whole, each time it is asked.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Buffer, BodyError>>> {
        let mut shared = self.shared.borrow_mut();
        if !shared.piece.is_empty() {
            return Poll::Ready(Some(Ok(mem::take(&mut shared.piece))));
        }
        match shared.ended {
            Some(Ok(())) => return Poll::Ready(None),
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            None => {}
        }
        shared.waker = Some(cx.waker().clone());
        drop(shared);
        self.body.want();
        Poll::Pending
    }
}

impl Shared {
    fn wake(shared: &RefCell<Self>) {
        let waker = shared.borrow_mut().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Sink for Pieces {
    fn read(&mut self, hint: usize, fill: &mut dyn FnMut(&mut ReadBuf<'_>)) {
        let mut shared = self.0.borrow_mut();
        let before = shared.piece.len();
        let mut piece = match before {
            0 => Buffer::with_capacity(hint.min(ROOM)),
            _ => mem::take(&mut shared.piece),
        };
        drop(shared);
        piece.resize(before + hint.clamp(1, ROOM), 0);
        let mut room = ReadBuf::new(&mut piece[before..]);
        fill(&mut room);
        let filled = room.filled().len();
        piece.truncate(before + filled);
        self.0.borrow_mut().piece = piece;
        if filled > 0 {
            Shared::wake(&self.0);
        }
    }

    fn has_enough(&self) -> bool {
        !self.0.borrow().piece.is_empty()
    }

    fn finish(self: Box<Self>, result: Result<(), BodyError>) {
        self.0.borrow_mut().ended = Some(result);
        Shared::wake(&self.0);
    }
}
