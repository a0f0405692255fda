//! A stream on a socket that takes nothing until it is told to: what is held back, and how it goes out.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, ReadBuf};

use super::{Broken, Part, Stream};
use crate::connection::Connection;
use crate::connection::socket::Socket;
use crate::counters::Counters;
use crate::handler::{Answer, Handler, Request, Route, Service};
use crate::response::{Payload, Response};
use crate::routing::{Pattern, RouterBuilder};
use crate::settings::Settings;
use crate::worker::Worker;

/// What the test and the socket share.
#[derive(Default)]
struct Line {
    incoming: RefCell<Vec<u8>>,
    open: Cell<bool>,
    writes: RefCell<Vec<Vec<u8>>>,
}

struct Fake(Rc<Line>);

impl AsyncRead for Fake {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let bytes = self.0.incoming.take();
        if bytes.is_empty() {
            return Poll::Pending;
        }
        room.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

impl Socket for Fake {
    fn poll_readable(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_writable(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }

    fn send(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        if !self.0.open.get() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.to_vec()).collect();
        let count = bytes.len();
        self.0.writes.borrow_mut().push(bytes);
        Ok(count)
    }

    fn send_more(&self, piece: &[u8]) -> io::Result<usize> {
        self.send(&[IoSlice::new(piece)])
    }

    fn send_file(&self, _: &File, _: u64, _: usize) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn finish_sending(&self) -> io::Result<()> {
        Ok(())
    }

    fn reset_on_close(&self) {}
}

/// Gives chunks of these sizes, then waits; counts how often it was asked.
struct Sizes {
    sizes: Vec<usize>,
    asked: Rc<Cell<usize>>,
}

impl Stream for Sizes {
    fn length(&self) -> Option<u64> {
        Some(1 << 40)
    }

    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<Result<Part, Broken>> {
        self.asked.set(self.asked.get() + 1);
        if self.sizes.is_empty() {
            return Poll::Pending;
        }
        let size = self.sizes.remove(0);
        let chunk = Payload::Shared(Box::new(vec![b'x'; size]));
        Poll::Ready(Ok(Part::Chunk(chunk)))
    }
}

struct Streams(Vec<usize>, Rc<Cell<usize>>);

impl Handler for Streams {
    fn call(&self, _: &Request<'_>) -> Answer {
        let stream = Sizes {
            sizes: self.0.clone(),
            asked: Rc::clone(&self.1),
        };
        let body = Payload::Stream(Box::new(stream));
        Answer::Now(Response::new(200, None, body))
    }
}

/// Ask for a stream of chunks of `sizes` on a socket that is `open` or not; how often it was
/// asked, and what was written.
fn ask(sizes: &[usize], max_unsent: usize, open: bool) -> (usize, Vec<Vec<u8>>) {
    let asked = Rc::new(Cell::new(0));
    let mut router = RouterBuilder::default();
    let route = Route {
        id: 0,
        max_body: None,
        timeout: None,
        cancel_on_disconnect: true,
        takes_body: false,
        compressed_body: false,
        compress: None,
        gate: None,
        files: None,
    };
    let pattern = Pattern::parse("/").expect("a pattern");
    router
        .add(&["GET"], pattern, route, "/")
        .expect("the only route");
    let service = Service {
        router: router.build(),
        handler: Box::new(Streams(sizes.to_vec(), Rc::clone(&asked))),
    };
    let settings = Settings {
        max_unsent,
        ..Settings::default()
    };
    let worker = Rc::new(Worker::new(settings, service, None, Counters::default()));
    let line = Rc::new(Line::default());
    line.open.set(open);
    *line.incoming.borrow_mut() = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n".to_vec();
    let mut connection = pin!(Connection::new(Fake(Rc::clone(&line)), worker, None));
    let mut cx = Context::from_waker(Waker::noop());
    // Twice, for a stream that let others go first.
    for _ in 0..2 {
        assert!(connection.as_mut().poll(&mut cx).is_pending());
    }
    (asked.get(), line.writes.take())
}

/// Bytes of the head of these answers.
fn head() -> usize {
    let (_, writes) = ask(&[], 64 * 1024, true);
    writes.concat().len()
}

#[test]
fn a_stream_is_asked_while_no_more_than_the_bound_is_unsent() {
    let (head, bound) = (head(), 1000);
    for (unsent, asked) in [(bound - 1, 2), (bound, 2), (bound + 1, 1)] {
        // Once for the chunk; again only where there is room; the second poll asks those again.
        let (times, writes) = ask(&[unsent - head], bound, false);
        assert_eq!((times.min(2), writes.len()), (asked, 0), "{unsent} bytes");
    }
    // A large part is unsent until it is sent.
    assert_eq!(ask(&[20_000, 1], bound, false).0, 1);
}

#[test]
fn parts_that_are_ready_together_go_out_in_one_write() {
    let (_, writes) = ask(&[3, 5, 7], 64 * 1024, true);
    assert_eq!(writes.len(), 1);
    assert_eq!(writes[0].len(), head() + 15);
    // A large one goes out from its own memory, in the same write as what was before it.
    let (_, writes) = ask(&[3, 20_000, 7], 64 * 1024, true);
    let sizes: Vec<_> = writes.iter().map(Vec::len).collect();
    assert_eq!(sizes, [head() + 20_003, 7]);
}

#[test]
fn a_stream_that_is_always_ready_lets_others_go_first() {
    let (times, _) = ask(&[1; 1000], 64 * 1024, true);
    assert_eq!(times, 2 * super::TURN_PARTS);
    let (times, _) = ask(&[super::TURN_BYTES; 1000], 64 * 1024, true);
    assert_eq!(times, 2);
}

#[test]
fn a_connection_is_no_larger_for_what_it_may_do() {
    assert!(size_of::<super::Phase>() <= 40);
    assert!(size_of::<Connection<Fake>>() <= 96);
}
