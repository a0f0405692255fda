//! A request's body decoded within its bounds, piece by piece.
//!
//! Bytes off the wire are staged; [`Inflating::next`] decodes as much as one piece holds, and never
//! more than one byte beyond a limit. Knows neither sockets nor who reads.

use super::coding::Coding;
use super::decoder::Decoder;
use super::encoded::Aside;
use super::fields::has_element;
use crate::buffers::Buffer;
use crate::http1::{Head, Reason, Refusal};
use crate::response::Response;

/// The most that is decoded at once.
const PIECE: usize = 64 * 1024;
/// Staged bytes from which on decoding takes long: they may give a whole piece.
const LONG: usize = 1024;
/// The least room that is offered, and how many times the staged bytes: it is zeroed first.
const ROOM: usize = 1024;
const USUAL: usize = 16;

/// What a request says of its body's coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// There is none.
    Plain,
    /// One that is known here.
    Coded(Codec),
    /// Another, or several.
    Unknown,
}

/// A coding, to those who only hand it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Codec(Coding);

impl Incoming {
    /// Of the request with this head.
    pub(crate) fn of(head: &Head, bytes: &[u8]) -> Self {
        let mut found = Self::Plain;
        let values = head.values(bytes, "content-encoding");
        for name in values.flat_map(|value| value.split(|&octet| octet == b',')) {
            let name = name.trim_ascii();
            if name.is_empty() || has_element(name, "identity") {
                continue;
            }
            found = match (found, Coding::named(name)) {
                (Self::Plain, Some(coding)) => Self::Coded(Codec(coding)),
                _ => return Self::Unknown,
            };
        }
        found
    }
}

/// The answer to a body in a coding that its route does not take: 415 with those that it does
/// (RFC 9110 section 15.5.16). `allowed`: whether it takes any.
pub(crate) fn unsupported(allowed: bool) -> Response {
    let (detail, accepted) = if allowed {
        (
            "The content coding of the body is not supported.",
            "zstd, br, gzip",
        )
    } else {
        ("The body must not have a content coding.", "identity")
    };
    Response::problem(415, detail).with_field("accept-encoding", accepted)
}

/// Bounds of a decoded body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Bytes, or no bound. Beyond it: 413.
    pub(crate) max_body: Option<u64>,
    /// Times the bytes of the body as sent. Beyond it: 413.
    pub(crate) ratio: u64,
    /// Bytes that the body has as sent, where that is known; else those that came so far count.
    pub(crate) declared: Option<u64>,
}

/// A body that is being decoded.
pub(crate) struct Inflating {
    decoder: Decoder,
    bounds: Bounds,
    staged: Buffer,
    /// How many of the staged bytes are decoded.
    at: usize,
    received: u64,
    given: u64,
    /// Whether the codec may hold more than the last piece had room for.
    owes: bool,
}

impl Inflating {
    pub(crate) fn new(codec: Codec, bounds: Bounds) -> Self {
        Self {
            decoder: Decoder::new(codec.0),
            bounds,
            staged: Buffer::default(),
            at: 0,
            received: 0,
            given: 0,
            owes: false,
        }
    }

    /// More of the body as sent.
    pub(crate) fn stage(&mut self, bytes: &[u8]) {
        if self.at == self.staged.len() {
            self.staged.clear();
            self.at = 0;
        }
        if self.staged.capacity() == 0 {
            self.staged = Buffer::with_capacity(bytes.len());
        }
        self.staged.extend_from_slice(bytes);
        self.received += bytes.len() as u64;
    }

    /// The next piece of the decoded body, never an empty one; nothing where more has to be staged.
    ///
    /// # Errors
    /// It is malformed (400), or beyond its bounds (413).
    pub(crate) fn next(&mut self, aside: &dyn Aside) -> Result<Option<Buffer>, Refusal> {
        let staged = &self.staged[self.at..];
        if staged.is_empty() && !self.owes {
            return Ok(None);
        }
        let sent = self.bounds.declared.unwrap_or(self.received);
        let most = sent.saturating_mul(self.bounds.ratio);
        let (limit, reason) = match self.bounds.max_body {
            Some(max) if max < most => (max, Reason::BodyLength),
            _ => (most, Reason::BodyRatio),
        };
        let room = (limit - self.given.min(limit)).saturating_add(1);
        let size = if self.owes {
            PIECE
        } else {
            (staged.len() * USUAL).clamp(ROOM, PIECE)
        };
        let mut piece = Buffer::with_capacity(size);
        piece.resize(room.min(size as u64) as usize, 0);
        let decoder = &mut self.decoder;
        let mut result = None;
        let mut work = || result = Some(decoder.step(staged, &mut piece));
        if staged.len() >= LONG || self.owes {
            aside.aside(&mut work);
        } else {
            work();
        }
        let Some(Ok(step)) = result else {
            return Err(Reason::ContentCoding.into());
        };
        self.at += step.taken;
        self.given += step.given as u64;
        self.owes = step.given == piece.len();
        if self.given > limit {
            return Err(reason.into());
        }
        piece.truncate(step.given);
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }

    /// All of the body was staged, and decoded.
    ///
    /// # Errors
    /// It is cut off (400).
    pub(crate) fn finish(&self) -> Result<(), Refusal> {
        if self.decoder.is_whole() || self.received == 0 {
            Ok(())
        } else {
            Err(Reason::ContentCoding.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::encoder::{Encoder, Then};
    use super::*;
    use crate::http1::{HeadLimits, HeadParser};

    struct Here;

    impl Aside for Here {
        fn aside(&self, work: &mut dyn FnMut()) {
            work();
        }
    }

    #[test]
    fn what_a_request_says_of_its_coding() {
        for (lines, expected) in [
            ("", "Plain"),
            ("content-encoding:\r\n", "Plain"),
            ("content-encoding: identity\r\n", "Plain"),
            ("Content-Encoding: GZip\r\n", "Coded(Codec(Gzip))"),
            ("content-encoding: x-gzip\r\n", "Coded(Codec(Gzip))"),
            ("content-encoding: identity, br\r\n", "Coded(Codec(Br))"),
            (
                "content-encoding: zstd\r\ncontent-encoding: identity\r\n",
                "Coded(Codec(Zstd))",
            ),
            ("content-encoding: deflate\r\n", "Unknown"),
            ("content-encoding: gzip, br\r\n", "Unknown"),
            (
                "content-encoding: gzip\r\ncontent-encoding: gzip\r\n",
                "Unknown",
            ),
            ("content-encoding: deflate, gzip\r\n", "Unknown"),
            ("content-encoding: gzip;q=1\r\n", "Unknown"),
        ] {
            let bytes = format!("POST / HTTP/1.1\r\nhost: a\r\n{lines}content-length: 1\r\n\r\n");
            let (mut parser, mut head) = (HeadParser::new(), Head::new());
            let parsed = parser.parse(bytes.as_bytes(), &mut head, &HeadLimits::default());
            assert_eq!(parsed, Ok(true));
            let found = Incoming::of(&head, bytes.as_bytes());
            assert_eq!(format!("{found:?}"), expected, "{lines:?}");
        }
    }

    fn encoded(coding: Coding, plain: &[u8]) -> Vec<u8> {
        let mut encoder = Encoder::new(coding, Some(plain.len() as u64)).expect("memory");
        let mut out = Vec::new();
        encoder.encode(plain, Then::End, &mut out).expect("memory");
        out
    }

    /// How many bytes come out, sent in pieces of `piece` bytes.
    fn inflated(coding: Coding, sent: &[u8], piece: usize, bounds: Bounds) -> Result<u64, Reason> {
        let mut inflating = Inflating::new(Codec(coding), bounds);
        let mut given = 0;
        for bytes in sent.chunks(piece) {
            inflating.stage(bytes);
            while let Some(out) = inflating.next(&Here).map_err(|refusal| refusal.reason)? {
                assert!(!out.is_empty() && out.len() <= PIECE);
                given += out.len() as u64;
            }
        }
        inflating.finish().map_err(|refusal| refusal.reason)?;
        Ok(given)
    }

    #[test]
    fn each_bound_at_one_less_itself_and_one_more() {
        let plain = vec![b'a'; 200_000];
        for coding in Coding::ALL {
            let sent = encoded(coding, &plain);
            let length = sent.len() as u64;
            for declared in [Some(length), None] {
                for (max_body, expected) in [
                    (199_999, Err(Reason::BodyLength)),
                    (200_000, Ok(200_000)),
                    (200_001, Ok(200_000)),
                ] {
                    let bounds = Bounds {
                        max_body: Some(max_body),
                        ratio: 1 << 20,
                        declared,
                    };
                    assert_eq!(
                        inflated(coding, &sent, usize::MAX, bounds),
                        expected,
                        "{coding:?}"
                    );
                }
            }
            for (declared, expected) in [
                (19_999, Err(Reason::BodyRatio)),
                (20_000, Ok(200_000)),
                (20_001, Ok(200_000)),
            ] {
                let bounds = Bounds {
                    max_body: None,
                    ratio: 10,
                    declared: Some(declared),
                };
                assert_eq!(
                    inflated(coding, &sent, usize::MAX, bounds),
                    expected,
                    "{coding:?}"
                );
            }
        }
    }

    #[test]
    fn any_pieces_give_the_same_and_a_cut_body_is_refused() {
        let plain: Vec<u8> = (0..20_000_u32)
            .flat_map(|at| (at * 77).to_le_bytes())
            .collect();
        let bounds = Bounds {
            max_body: None,
            ratio: 10,
            declared: None,
        };
        for coding in Coding::ALL {
            let sent = encoded(coding, &plain);
            for piece in [1, 3, 1_000, 50_000, usize::MAX] {
                assert_eq!(
                    inflated(coding, &sent, piece, bounds),
                    Ok(80_000),
                    "{coding:?} {piece}"
                );
            }
            let cut = &sent[..sent.len() - 1];
            assert_eq!(
                inflated(coding, cut, 999, bounds),
                Err(Reason::ContentCoding),
                "{coding:?}"
            );
            assert_eq!(inflated(coding, b"", 1, bounds), Ok(0), "{coding:?}");
        }
    }
}
