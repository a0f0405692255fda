//! [`HeadParser`]: reads a request head from bytes that arrive in any pieces.
//!
//! Every byte is looked at once: the parser keeps the place where it stopped and what the place
//! means, so a head that drips in byte by byte costs linear time. A fault is found at the byte
//! that makes it, in the order of the bytes, so the split never changes the outcome.

use super::authority::is_authority;
use super::framing;
use super::head::{Field, Head, HeadLimits, Method, Version};
use super::octets::{hex_value, is_blank, skip_path, skip_token, skip_value};
use super::options::Options;
use super::refusal::{Reason, Refusal};
use super::span::Span;
use super::target;

/// Empty lines skipped before the request line; RFC 9112 section 2.2 asks for at least one.
const BLANK_LINES: usize = 4;

/// Longest method name that is read on; the longest registered one has 17 bytes.
const METHOD_LENGTH: usize = 64;

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
    /// The request is refused: answer it and close.
    pub fn parse(
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
        self.reset();
        Ok(true)
    }

    fn request_line(
        &mut self,
        buf: &[u8],
        head: &mut Head,
        limits: &HeadLimits,
    ) -> Result<Progress, Refusal> {
        loop {
            let (progress, next) = match self.stage {
                Stage::Blank => (self.blank_lines(buf)?, Stage::Method),
                Stage::Method => (self.method(buf, head)?, Stage::Target),
                Stage::Target => (self.target(buf, limits)?, Stage::Version),
                Stage::Version => (self.version(buf, head)?, Stage::Line),
                Stage::Line | Stage::Name | Stage::Value => return Ok(Progress::Done),
            };
            if let Progress::More = progress {
                return Ok(Progress::More);
            }
            self.stage = next;
            self.start = self.at;
        }
    }

    fn blank_lines(&mut self, buf: &[u8]) -> Result<Progress, Refusal> {
        while let Some(&octet) = buf.get(self.at) {
            match octet {
                b'\r' if self.at >= 2 * BLANK_LINES => return Err(Reason::BlankLines.into()),
                b'\r' => {
                    if let Progress::More = self.line_feed(buf)? {
                        return Ok(Progress::More);
                    }
                }
                b'\n' => return Err(Reason::BareLf.into()),
                _ => return Ok(Progress::Done),
            }
        }
        Ok(Progress::More)
    }

    fn method(&mut self, buf: &[u8], head: &mut Head) -> Result<Progress, Refusal> {
        self.at = skip_token(buf, self.at);
        if self.at - self.start > METHOD_LENGTH {
            return Err(Reason::MethodLength.into());
        }
        match buf.get(self.at) {
            None => Ok(Progress::More),
            Some(b' ') if self.at > self.start => {
                head.method_name = Span::new(self.start, self.at);
                head.method = Method::from_name(head.method_name.of(buf));
                self.at += 1;
                Ok(Progress::Done)
            }
            Some(_) => Err(Reason::Method.into()),
        }
    }

    /// Stops behind the space after the target. Which form it has is decided with the whole line.
    fn target(&mut self, buf: &[u8], limits: &HeadLimits) -> Result<Progress, Refusal> {
        let visible = visible(buf, self.start, limits.target.saturating_add(1));
        loop {
            self.at = skip_path(visible, self.at);
            match visible.get(self.at) {
                None if self.at - self.start > limits.target => {
                    return Err(Reason::TargetLength.into());
                }
                None => return Ok(Progress::More),
                Some(b' ') if self.at > self.start => {
                    self.target = Span::new(self.start, self.at);
                    self.at += 1;
                    return Ok(Progress::Done);
                }
                Some(b'?') => {
                    self.question.get_or_insert(self.at as u32);
                    self.at += 1;
                }
                Some(b'%') => {
                    for digit in self.at + 1..self.at + 3 {
                        match visible.get(digit) {
                            None if digit - self.start > limits.target => {
                                return Err(Reason::TargetLength.into());
                            }
                            None => return Ok(Progress::More),
                            Some(&octet) if hex_value(octet).is_some() => {}
                            Some(_) => return Err(Reason::TargetEscape.into()),
                        }
                    }
                    self.at += 3;
                }
                // For IPv6 hosts; `target::split` refuses them elsewhere.
                Some(b'[' | b']') if buf[self.start] != b'/' => self.at += 1,
                Some(_) => return Err(Reason::TargetOctet.into()),
            }
        }
    }

    /// Reads `HTTP/1.1` and CRLF, then splits the target.
    fn version(&mut self, buf: &[u8], head: &mut Head) -> Result<Progress, Refusal> {
        let rest = &buf[self.at..];
        head.version = match rest.first_chunk() {
            Some(b"HTTP/1.1\r\n") => Version::Http11,
            Some(b"HTTP/1.0\r\n") => Version::Http10,
            Some(
                [
                    b'H',
                    b'T',
                    b'T',
                    b'P',
                    b'/',
                    major,
                    b'.',
                    minor,
                    b'\r',
                    b'\n',
                ],
            ) if major.is_ascii_digit() && minor.is_ascii_digit() => {
                return Err(Reason::VersionUnsupported.into());
            }
            None if is_version_start(rest) => return Ok(Progress::More),
            Some(_) | None => return Err(Reason::Version.into()),
        };
        target::split(buf, self.target, self.question, head)?;
        self.at += b"HTTP/1.1\r\n".len();
        self.fields_start = self.at;
        Ok(Progress::Done)
    }

    fn fields(
        &mut self,
        buf: &[u8],
        head: &mut Head,
        limits: &HeadLimits,
    ) -> Result<Progress, Refusal> {
        // The empty line that ends the head is not counted.
        let visible = visible(buf, self.fields_start, limits.head.saturating_add(2));
        loop {
            let progress = match self.stage {
                Stage::Name => self.field_name(visible)?,
                Stage::Value => self.field_value(visible, head, limits)?,
                _ => match visible.get(self.at) {
                    None => Progress::More,
                    Some(b'\r') => {
                        if let Progress::Done = self.line_feed(visible)? {
                            return Ok(Progress::Done);
                        }
                        Progress::More
                    }
                    Some(_) => self.field_start(visible, head, limits)?,
                },
            };
            if let Progress::More = progress {
                return if visible.len() < buf.len() {
                    Err(Reason::FieldBytes.into())
                } else {
                    Ok(Progress::More)
                };
            }
        }
    }

    /// The first byte of a field line is there.
    fn field_start(
        &mut self,
        buf: &[u8],
        head: &Head,
        limits: &HeadLimits,
    ) -> Result<Progress, Refusal> {
        match buf[self.at] {
            // A folded value (RFC 9112 section 5.2) or a disguised first field (section 2.2).
            octet if is_blank(octet) => Err(Reason::FieldBlank.into()),
            b'\n' => Err(Reason::BareLf.into()),
            _ if head.fields.len() >= limits.fields => Err(Reason::FieldCount.into()),
            _ => {
                self.start = self.at;
                self.stage = Stage::Name;
                Ok(Progress::Done)
            }
        }
    }

    fn field_name(&mut self, buf: &[u8]) -> Result<Progress, Refusal> {
        self.at = skip_token(buf, self.at);
        match buf.get(self.at) {
            None => Ok(Progress::More),
            Some(b':') if self.at > self.start => {
                self.name = Span::new(self.start, self.at);
                self.at += 1;
                self.start = self.at;
                self.stage = Stage::Value;
                Ok(Progress::Done)
            }
            Some(_) => Err(Reason::FieldName.into()),
        }
    }

    fn field_value(
        &mut self,
        buf: &[u8],
        head: &mut Head,
        limits: &HeadLimits,
    ) -> Result<Progress, Refusal> {
        self.at = skip_value(buf, self.at);
        let end = self.at;
        match buf.get(end) {
            None => return Ok(Progress::More),
            Some(b'\r') => {
                if let Progress::More = self.line_feed(buf)? {
                    return Ok(Progress::More);
                }
            }
            Some(b'\n') => return Err(Reason::BareLf.into()),
            Some(_) => return Err(Reason::FieldValue.into()),
        }
        if self.at - self.fields_start > limits.head {
            return Err(Reason::FieldBytes.into());
        }
        let field = Field {
            name: self.name,
            value: trimmed(buf, self.start, end),
        };
        head.fields.push(field);
        self.stage = Stage::Line;
        self.note(buf, field, head)?;
        Ok(Progress::Done)
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

    /// Remembers the fields that frame or route the request.
    fn note(&mut self, buf: &[u8], field: Field, head: &mut Head) -> Result<(), Refusal> {
        let name = field.name.of(buf);
        let value = field.value;
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => {
                refuse_repeated(&mut head.host, value, Reason::HostRepeated)?;
                if !value.is_empty() && !is_authority(value.of(buf)) {
                    return Err(Reason::Host.into());
                }
            }
            6 if name.eq_ignore_ascii_case(b"expect") => self.options.expect(value.of(buf)),
            7 if name.eq_ignore_ascii_case(b"upgrade") => self.options.upgrade(value.of(buf)),
            10 if name.eq_ignore_ascii_case(b"connection") => {
                self.options.connection(value.of(buf));
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                let seen = &mut self.content_length;
                refuse_repeated(seen, value, Reason::ContentLengthRepeated)?;
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                let seen = &mut self.transfer_encoding;
                refuse_repeated(seen, value, Reason::TransferEncodingRepeated)?;
            }
            _ => {}
        }
        Ok(())
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

/// Remembers the value of a field that may be sent once.
fn refuse_repeated(seen: &mut Option<Span>, value: Span, reason: Reason) -> Result<(), Refusal> {
    match seen.replace(value) {
        None => Ok(()),
        Some(_) => Err(reason.into()),
    }
}

/// `buf` up to `limit` bytes behind `start`.
fn visible(buf: &[u8], start: usize, limit: usize) -> &[u8] {
    &buf[..buf.len().min(start.saturating_add(limit))]
}

/// The span of `buf[start..end]` without blanks at both ends.
fn trimmed(buf: &[u8], mut start: usize, mut end: usize) -> Span {
    while start < end && is_blank(buf[start]) {
        start += 1;
    }
    while start < end && is_blank(buf[end - 1]) {
        end -= 1;
    }
    Span::new(start, end)
}

/// Whether `rest` can still become `HTTP/d.d` and CRLF.
fn is_version_start(rest: &[u8]) -> bool {
    rest.iter()
        .zip(b"HTTP/0.0\r\n")
        .all(|(octet, pattern)| match pattern {
            b'0' => octet.is_ascii_digit(),
            _ => octet == pattern,
        })
}
