//! [`HeadParser`]: reads a request head from bytes that arrive in any pieces.
//!
//! Every byte is looked at once: the parser keeps the place where it stopped and what the place
//! means, so a head that drips in byte by byte costs linear time. A fault is found at the byte
//! that makes it, in the order of the bytes, so the split never changes the outcome.

mod field_lines;
mod request_line;

use super::framing;
use super::head::{Head, HeadLimits, Method, Version};
use super::options::Options;
use super::refusal::{Reason, Refusal};
use super::span::Span;

/// What the byte at the parser's place belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Stage {
    /// An empty line, or the request line's first byte.
    #[default]
    Blank,
    Method,
    Target,
    Version,
    /// The first byte of a field line, or the empty line that ends the head.
    Line,
    Name,
    Value,
}

/// What a step came to.
enum Progress {
    /// The part is complete and the place is behind it.
    Done,
    /// The part goes on in bytes that have not arrived.
    More,
}

/// Reads one head after another; see [`HeadParser::parse`].
#[derive(Debug, Default)]
pub struct HeadParser {
    stage: Stage,
    /// Offset of the next byte to look at.
    at: usize,
    /// Offset where the current part (method, target, field name, value) starts.
    start: usize,
    /// Offset of the first field line.
    fields_start: usize,
    target: Span,
    /// Offset of the first `?` of the target.
    question: Option<u32>,
    /// Name of the field whose value is being read.
    name: Span,
    content_length: Option<Span>,
    transfer_encoding: Option<Span>,
    options: Options,
    /// The refusal that was returned; nothing is read on after it.
    refused: Option<Refusal>,
}

impl HeadParser {
    /// A parser at the start of a request.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets a head that was begun.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Whether a byte of a request was seen, empty lines aside. If not, a connection that ends
    /// or idles owes no answer.
    #[must_use]
    pub fn has_started(&self) -> bool {
        self.stage > Stage::Blank
    }

    /// Reads on. `buf` starts with the first byte of the request in every call and has grown
    /// since the last one; `head` is the same in every call.
    ///
    /// Returns `true` when the head is complete: `head` is filled, its `len` bytes are to be
    /// consumed, and the parser is ready for the next request. Returns `false` when it needs more.
    ///
    /// # Errors
    /// The request is refused: answer it and close. Until [`HeadParser::reset`] every further
    /// call returns the same refusal.
    pub fn parse(
        &mut self,
        buf: &[u8],
        head: &mut Head,
        limits: &HeadLimits,
    ) -> Result<bool, Refusal> {
        if let Some(refusal) = self.refused {
            return Err(refusal);
        }
        let outcome = self.read_on(buf, head, limits);
        match outcome {
            Ok(true) => self.reset(),
            Ok(false) => {}
            Err(refusal) => self.refused = Some(refusal),
        }
        outcome
    }

    #[inline]
    fn read_on(
        &mut self,
        buf: &[u8],
        head: &mut Head,
        limits: &HeadLimits,
    ) -> Result<bool, Refusal> {
        if self.at == 0 {
            head.clear();
        }
        if self.stage < Stage::Line
            && let Progress::More = self.request_line(buf, head, limits)?
        {
            return Ok(false);
        }
        if let Progress::More = self.fields(buf, head, limits)? {
            return Ok(false);
        }
        self.finish(buf, head)?;
        Ok(true)
    }

    /// A CR is at the parser's place: goes behind the LF that must follow.
    fn line_feed(&mut self, buf: &[u8]) -> Result<Progress, Refusal> {
        match buf.get(self.at + 1) {
            None => Ok(Progress::More),
            Some(b'\n') => {
                self.at += 2;
                Ok(Progress::Done)
            }
            Some(_) => Err(Reason::BareCr.into()),
        }
    }

    /// Decides what only the whole head can tell.
    fn finish(&self, buf: &[u8], head: &mut Head) -> Result<(), Refusal> {
        let version = head.version;
        if head.host.is_none() && version == Version::Http11 {
            return Err(Reason::HostMissing.into());
        }
        head.framing = framing::decide(
            version,
            self.content_length.map(|value| value.of(buf)),
            self.transfer_encoding.map(|value| value.of(buf)),
        )?;
        if self.options.expects_other(version) {
            return Err(Reason::Expect.into());
        }
        // The bytes behind its head would belong to a tunnel.
        if head.method == Method::Connect {
            return Err(Reason::Connect.into());
        }
        head.keep_alive = self.options.keeps_alive(version);
        head.upgrade = self.options.offers_upgrade(version);
        head.expect_continue =
            self.options.expects_continue(version) && head.framing != framing::Framing::None;
        head.len = self.at;
        Ok(())
    }
}

/// `buf` up to `limit` bytes behind `start`.
fn visible(buf: &[u8], start: usize, limit: usize) -> &[u8] {
    &buf[..buf.len().min(start.saturating_add(limit))]
}
