//! A body encoded while it is sent: a [`Stream`] around what it was.
//!
//! Its source is asked for more only when all before is encoded. Where the source has nothing more
//! for the moment, what it gave is flushed, so that an event reaches its client before the next
//! exists. A turn encodes 32 KiB.

use std::mem;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::coding::Coding;
use super::encoder::{Encoder, Failed, Then};
use crate::buffers::Buffer;
use crate::files::FileBody;
use crate::response::Payload;
use crate::streaming::{Broken, Part, Stream};

/// Bytes that are encoded before others get their turn.
const TURN: usize = 32 * 1024;

/// Runs work that takes long and needs nothing of the handler's world.
pub(crate) trait Aside {
    /// Run `work` once, here and now.
    fn aside(&self, work: &mut dyn FnMut());
}

/// What is encoded.
enum Source {
    /// All of it is at hand.
    Over,
    File(Box<FileBody>),
    Stream(Box<dyn Stream>),
}

/// A body in a coding.
pub(super) struct Encoded {
    source: Source,
    /// What the source gave last, and how much of it is encoded.
    current: Option<(Payload, usize)>,
    coding: Coding,
    /// Bytes of the whole, where that is known.
    length: Option<u64>,
    /// None before the first byte, and after the last.
    encoder: Option<Encoder>,
    /// Whether the encoder may keep bytes back.
    owes: bool,
    /// Bytes encoded in this turn.
    turn: usize,
    /// Set when only the end is left: its trailers.
    ended: Option<Vec<u8>>,
    aside: Rc<dyn Aside>,
}

impl Encoded {
    pub(super) fn new(body: Payload, coding: Coding, aside: Rc<dyn Aside>) -> Self {
        let length = match &body {
            Payload::Stream(stream) => stream.length(),
            whole => Some(whole.length()),
        };
        let (source, current) = match body {
            Payload::Stream(stream) => (Source::Stream(stream), None),
            Payload::File(file) => (Source::File(file), None),
            whole => (Source::Over, Some((whole, 0))),
        };
        Self {
            source,
            current,
            coding,
            length,
            encoder: None,
            owes: false,
            turn: 0,
            ended: None,
            aside,
        }
    }

    /// Encode `input` and append to `out`.
    fn encode(&mut self, input: &[u8], then: Then, out: &mut Buffer) -> Result<(), Broken> {
        if self.encoder.is_none() {
            let made = Encoder::new(self.coding, self.length).map_err(|_| Broken::default())?;
            self.encoder = Some(made);
        }
        let Some(encoder) = &mut self.encoder else {
            return Err(Broken::default());
        };
        let long = input.len() >= self.coding.long();
        run(encoder, input, then, out, long.then_some(&*self.aside)).map_err(|_| Broken::default())
    }

    /// Encode a turn's worth of what is at hand; whether any of it is left.
    fn advance(&mut self, out: &mut Buffer) -> Result<bool, Broken> {
        let Some((payload, at)) = self.current.take() else {
            return Ok(false);
        };
        let bytes = &payload.as_slice()[at..];
        let count = bytes.len().min(TURN - self.turn);
        let encoded = self.encode(&bytes[..count], Then::GoOn, out);
        let is_left = count < bytes.len();
        self.turn += count;
        self.owes |= count > 0;
        if is_left {
            self.current = Some((payload, at + count));
        }
        encoded.map(|()| is_left)
    }
}

impl Stream for Encoded {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Part, Broken>> {
        if let Some(trailers) = self.ended.take() {
            return Poll::Ready(Ok(Part::End(trailers)));
        }
        if self.turn >= TURN {
            self.turn = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut out = Buffer::take();
        loop {
            let is_left = self.advance(&mut out)?;
            if self.turn >= TURN {
                if out.is_empty() {
                    self.turn = 0;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                return given(out);
            }
            if is_left {
                continue;
            }
            match self.source.poll_next(cx) {
                Poll::Ready(Ok(Part::Chunk(chunk))) => self.current = Some((chunk, 0)),
                Poll::Ready(Ok(Part::End(trailers))) => {
                    self.encode(b"", Then::End, &mut out)?;
                    self.encoder = None;
                    self.ended = Some(trailers);
                    return given(out);
                }
                Poll::Ready(Err(broken)) => return Poll::Ready(Err(broken)),
                Poll::Pending => {
                    self.turn = 0;
                    if mem::take(&mut self.owes) {
                        self.encode(b"", Then::Flush, &mut out)?;
                    }
                    return if out.is_empty() {
                        Poll::Pending
                    } else {
                        given(out)
                    };
                }
            }
        }
    }

    fn holds_head(&self) -> bool {
        let has_begun = self.encoder.is_some();
        matches!(&self.source, Source::Stream(stream) if stream.holds_head() && !has_begun)
    }

    fn drain(&mut self) {
        if let Source::Stream(stream) = &mut self.source {
            stream.drain();
        }
    }
}

fn given(out: Buffer) -> Poll<Result<Part, Broken>> {
    Poll::Ready(Ok(Part::Chunk(Payload::Buffer(out))))
}

impl Source {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Part, Broken>> {
        match self {
            Self::Over => Poll::Ready(Ok(Part::end())),
            Self::Stream(stream) => stream.poll_next(cx),
            Self::File(file) if file.left() == 0 => Poll::Ready(Ok(Part::end())),
            Self::File(file) => {
                let mut piece = Buffer::with_capacity(TURN);
                file.read(&mut piece, TURN).map_err(|_| Broken::default())?;
                Poll::Ready(Ok(Part::Chunk(Payload::Buffer(piece))))
            }
        }
    }
}

/// All of `bytes` in `coding`, at once.
pub(super) fn whole(bytes: &[u8], coding: Coding, aside: &dyn Aside) -> Result<Buffer, Failed> {
    let mut encoder = Encoder::new(coding, Some(bytes.len() as u64))?;
    let mut out = Buffer::with_capacity(bytes.len() / 2);
    let long = bytes.len() >= coding.long();
    run(
        &mut encoder,
        bytes,
        Then::End,
        &mut out,
        long.then_some(aside),
    )?;
    Ok(out)
}

/// Encode here, or aside where the work is long.
fn run(
    encoder: &mut Encoder,
    input: &[u8],
    then: Then,
    out: &mut Buffer,
    aside: Option<&dyn Aside>,
) -> Result<(), Failed> {
    let Some(aside) = aside else {
        return encoder.encode(input, then, out);
    };
    let mut result = Err(Failed);
    aside.aside(&mut || result = encoder.encode(input, then, out));
    result
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::VecDeque;
    use std::task::Waker;

    use super::super::decoder::tests::decoded;
    use super::*;

    #[derive(Default)]
    struct Counting(Cell<usize>);

    impl Aside for Counting {
        fn aside(&self, work: &mut dyn FnMut()) {
            self.0.set(self.0.get() + 1);
            work();
        }
    }

    /// Gives these parts; nothing where one is `None`.
    struct Listed(VecDeque<Option<Part>>);

    impl Stream for Listed {
        fn holds_head(&self) -> bool {
            true
        }

        fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<Result<Part, Broken>> {
            match self.0.pop_front() {
                Some(Some(part)) => Poll::Ready(Ok(part)),
                Some(None) => Poll::Pending,
                None => Poll::Ready(Err(Broken::default())),
            }
        }
    }

    fn chunk(bytes: &'static [u8]) -> Part {
        Part::Chunk(Payload::Static(bytes))
    }

    fn next(stream: &mut Encoded) -> Poll<Result<Part, Broken>> {
        stream.poll_next(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn what_came_is_flushed_when_nothing_more_is_there() {
        for coding in Coding::ALL {
            let parts = [
                Some(chunk(b"data: 1\n\n")),
                Some(chunk(b"data: 2\n\n")),
                None,
                None,
                Some(chunk(b"data: 3\n\n")),
                Some(chunk(b"")),
                None,
                Some(Part::End(b"t: 1\r\n".to_vec())),
            ];
            let source = Payload::Stream(Box::new(Listed(parts.into())));
            let mut stream = Encoded::new(source, coding, Rc::new(Counting::default()));
            let mut out = Vec::new();
            let mut seen = Vec::new();
            let trailers = loop {
                match next(&mut stream) {
                    Poll::Pending => {
                        seen.push(String::from_utf8(decoded(coding, &out)).expect("text"));
                    }
                    Poll::Ready(Ok(Part::Chunk(chunk))) => out.extend_from_slice(chunk.as_slice()),
                    Poll::Ready(Ok(Part::End(trailers))) => break trailers,
                    Poll::Ready(Err(broken)) => panic!("{broken:?}"),
                }
            };
            assert_eq!(trailers, b"t: 1\r\n");
            assert_eq!(seen, ["data: 1\n\ndata: 2\n\n"], "{coding:?}");
            assert_eq!(decoded(coding, &out), b"data: 1\n\ndata: 2\n\ndata: 3\n\n");
        }
    }

    #[test]
    fn a_large_body_takes_turns_and_is_encoded_aside() {
        for coding in Coding::ALL {
            let body = vec![7; 100_000];
            let aside = Rc::new(Counting::default());
            let source = Payload::Shared(Box::new(body.clone()));
            let mut stream = Encoded::new(source, coding, Rc::<Counting>::clone(&aside) as _);
            let (mut out, mut turns) = (Vec::new(), 0);
            loop {
                match next(&mut stream) {
                    Poll::Pending => turns += 1,
                    Poll::Ready(Ok(Part::Chunk(chunk))) => out.extend_from_slice(chunk.as_slice()),
                    Poll::Ready(Ok(Part::End(_))) => break,
                    Poll::Ready(Err(broken)) => panic!("{broken:?}"),
                }
            }
            assert_eq!(decoded(coding, &out), body, "{coding:?}");
            assert_eq!(turns, 3, "{coding:?}");
            let pieces = 100_000_usize.div_ceil(TURN) - usize::from(100_000 % TURN < coding.long());
            assert_eq!(aside.0.get(), pieces, "{coding:?}");
        }
    }

    #[test]
    fn a_stream_that_breaks_breaks() {
        let source = Payload::Stream(Box::new(Listed(VecDeque::from([Some(chunk(b"a"))]))));
        let mut stream = Encoded::new(source, Coding::Gzip, Rc::new(Counting::default()));
        assert!(matches!(next(&mut stream), Poll::Ready(Err(_))));
    }

    #[test]
    fn the_head_waits_for_the_first_part_and_not_for_its_encoding() {
        static ZEROS: [u8; TURN] = [0; TURN];
        let zeros = || Some(chunk(&ZEROS));
        let source = Payload::Stream(Box::new(Listed([None, zeros(), zeros()].into())));
        let mut stream = Encoded::new(source, Coding::Zstd, Rc::new(Counting::default()));
        assert!(matches!(next(&mut stream), Poll::Pending) && stream.holds_head());
        assert!(matches!(next(&mut stream), Poll::Pending) && !stream.holds_head());
    }

    #[test]
    fn a_small_body_is_encoded_here_and_a_large_one_aside() {
        for coding in Coding::ALL {
            let aside = Counting::default();
            for (length, times) in [(coding.long() - 1, 0), (coding.long(), 1)] {
                let bytes = vec![b'a'; length];
                let encoded = whole(&bytes, coding, &aside).expect("memory");
                assert_eq!(decoded(coding, &encoded), bytes);
                assert_eq!(aside.0.get(), times, "{coding:?} {length}");
            }
        }
    }
}
