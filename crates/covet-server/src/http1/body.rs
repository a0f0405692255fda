//! [`BodyDecoder`]: takes the framing off a request body (RFC 9112 sections 6 and 7).
//!
//! It hands out where body bytes lie in the caller's buffer and copies none. The data itself may
//! also go past it ([`BodyDecoder::direct`]).

use super::framing::Framing;
use super::octets::{hex_value, is_value};
use super::refusal::{Reason, Refusal};
use super::trailers::Trailers;

/// Digits of the longest chunk size: what fits 64 bits.
const SIZE_DIGITS: u8 = 16;

/// Bounds of a request body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimits {
    /// Bytes of the body without its framing, or no bound. Beyond it: 413.
    pub max_body: Option<u64>,
    /// Bytes of all chunk extensions together, from the size's last digit to CRLF. Beyond: 400.
    pub extensions: usize,
    /// Bytes of all trailer lines with their line ends. Beyond: 431.
    pub trailers: usize,
    /// Number of trailer fields. Beyond: 431.
    pub trailer_fields: usize,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self {
            max_body: Some(2 * 1024 * 1024),
            extensions: 4 * 1024,
            trailers: 8 * 1024,
            trailer_fields: 32,
        }
    }
}

impl BodyLimits {
    fn allow(&self, total: Option<u64>) -> Result<(), Refusal> {
        match total {
            Some(total) if self.max_body.is_none_or(|max| total <= max) => Ok(()),
            _ => Err(Reason::BodyLength.into()),
        }
    }
}

/// What the bytes given to [`BodyDecoder::decode`] hold first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// `buf[skip..skip + len]` is body, `len` is at least 1; consume `skip + len` bytes.
    Data {
        /// Bytes of framing before the data.
        skip: usize,
        /// Bytes of data.
        len: usize,
    },
    /// All bytes are used up and the body is not complete; consume `skip` bytes.
    NeedMore {
        /// Bytes of framing.
        skip: usize,
    },
    /// The body is complete; consume `skip` bytes, the next request follows.
    Done {
        /// Bytes of framing.
        skip: usize,
    },
}

/// What the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Data of known length.
    Fixed,
    /// A digit of a chunk size, or what ends it.
    Size,
    /// A blank between a chunk size and its extension.
    SizeBlank,
    Extension,
    /// LF after a chunk size.
    SizeLf,
    /// Data of a chunk.
    Data,
    /// CR after the data.
    DataCr,
    DataLf,
    Trailers,
    Done,
}

/// Decodes one request body.
#[derive(Debug)]
pub struct BodyDecoder {
    state: State,
    /// Bytes left of the body or chunk; while its size is read, the size so far.
    left: u64,
    /// Digits of the chunk size so far.
    digits: u8,
    /// Bytes of extensions so far.
    extensions: usize,
    /// Bytes of the body handed out so far.
    total: u64,
    trailers: Trailers,
}

impl BodyDecoder {
    /// A decoder at the start of a body.
    #[must_use]
    pub fn new(framing: Framing) -> Self {
        let (state, left) = match framing {
            Framing::None | Framing::Length(0) => (State::Done, 0),
            Framing::Length(length) => (State::Fixed, length),
            Framing::Chunked => (State::Size, 0),
        };
        Self {
            state,
            left,
            digits: 0,
            extensions: 0,
            total: 0,
            trailers: Trailers::default(),
        }
    }

    /// Whether a body framed so may be read at all: its announced length, if any, is allowed.
    ///
    /// # Errors
    /// 413.
    pub fn check(framing: Framing, limits: &BodyLimits) -> Result<(), Refusal> {
        match framing {
            Framing::Length(length) => limits.allow(Some(length)),
            Framing::None | Framing::Chunked => Ok(()),
        }
    }

    /// Decodes from the start of `buf`: the bytes after those consumed before.
    ///
    /// # Errors
    /// The framing is malformed or a limit is passed: answer and close.
    pub fn decode(&mut self, buf: &[u8], limits: &BodyLimits) -> Result<Step, Refusal> {
        let mut at = 0;
        loop {
            match self.state {
                State::Done => return Ok(Step::Done { skip: at }),
                State::Fixed | State::Data => {
                    let here = (buf.len() - at) as u64;
                    let len = self.left.min(here);
                    if len == 0 {
                        return Ok(Step::NeedMore { skip: at });
                    }
                    self.took(len);
                    return Ok(Step::Data {
                        skip: at,
                        len: len as usize,
                    });
                }
                _ => {
                    let Some(&octet) = buf.get(at) else {
                        return Ok(Step::NeedMore { skip: at });
                    };
                    self.framing(octet, limits)?;
                    at += 1;
                }
            }
        }
    }

    /// Number of body bytes that come next without framing between them. They may be read from
    /// the socket past the decoder, all or some, and then reported to [`BodyDecoder::took`].
    #[must_use]
    pub fn direct(&self) -> u64 {
        match self.state {
            State::Fixed | State::Data => self.left,
            _ => 0,
        }
    }

    /// `n` bytes, at most [`BodyDecoder::direct`], were read past the decoder.
    pub fn took(&mut self, n: u64) {
        debug_assert!(
            n <= self.direct(),
            "more bytes were read than belong to the body"
        );
        let n = n.min(self.direct());
        self.left -= n;
        self.total += n;
        if self.left == 0 {
            self.state = match self.state {
                State::Fixed => State::Done,
                State::Data => State::DataCr,
                other => other,
            };
        }
    }

    /// Whether the body is complete.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Bytes of the body so far, without framing.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Takes one byte that is not data.
    fn framing(&mut self, octet: u8, limits: &BodyLimits) -> Result<(), Refusal> {
        match self.state {
            State::Size => return self.size(octet, limits),
            // Without an extension nothing may stand between the size and CRLF: the grammar has
            // no blank there, and recipients differ in what they make of one.
            State::SizeBlank if octet == b'\r' => return Err(Reason::ChunkSize.into()),
            State::SizeBlank | State::Extension => return self.extension(octet, limits),
            State::SizeLf if octet == b'\n' => return self.size_known(limits),
            State::SizeLf => return Err(Reason::BareCr.into()),
            State::DataCr if octet == b'\r' => self.state = State::DataLf,
            State::DataLf if octet == b'\n' => self.state = State::Size,
            State::DataCr | State::DataLf => return Err(Reason::ChunkEnd.into()),
            State::Trailers => {
                if self.trailers.take(octet, limits)? {
                    self.state = State::Done;
                }
            }
            State::Fixed | State::Data | State::Done => {}
        }
        Ok(())
    }

    fn size(&mut self, octet: u8, limits: &BodyLimits) -> Result<(), Refusal> {
        if let Some(digit) = hex_value(octet) {
            if self.digits == SIZE_DIGITS {
                return Err(Reason::ChunkSizeLength.into());
            }
            self.digits += 1;
            self.left = (self.left << 4) | u64::from(digit);
            return Ok(());
        }
        match octet {
            _ if self.digits == 0 => Err(Reason::ChunkSize.into()),
            b'\r' => {
                self.state = State::SizeLf;
                Ok(())
            }
            b';' | b' ' | b'\t' => {
                self.state = State::SizeBlank;
                self.extension(octet, limits)
            }
            b'\n' => Err(Reason::BareLf.into()),
            _ => Err(Reason::ChunkSize.into()),
        }
    }

    /// Extensions are skipped, as RFC 9112 section 7.1.1 asks; their inside is not checked but
    /// for control characters.
    fn extension(&mut self, octet: u8, limits: &BodyLimits) -> Result<(), Refusal> {
        match (self.state, octet) {
            (State::Extension, b'\r') => {
                self.state = State::SizeLf;
                return Ok(());
            }
            (_, b'\n') => return Err(Reason::BareLf.into()),
            (State::SizeBlank, b';') => self.state = State::Extension,
            (State::SizeBlank, b' ' | b'\t') => {}
            (State::Extension, _) if is_value(octet) => {}
            (State::Extension, _) => return Err(Reason::ChunkExtension.into()),
            _ => return Err(Reason::ChunkSize.into()),
        }
        self.extensions += 1;
        if self.extensions > limits.extensions {
            return Err(Reason::ChunkExtensionBytes.into());
        }
        Ok(())
    }

    /// The line of a chunk size is complete.
    fn size_known(&mut self, limits: &BodyLimits) -> Result<(), Refusal> {
        self.digits = 0;
        if self.left == 0 {
            self.state = State::Trailers;
            return Ok(());
        }
        limits.allow(self.total.checked_add(self.left))?;
        self.state = State::Data;
        Ok(())
    }
}
