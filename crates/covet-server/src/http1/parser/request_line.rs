//! The request line (RFC 9112 section 3) and the empty lines that may stand before it.

use super::{HeadParser, Progress, Stage, visible};
use crate::http1::head::{Head, HeadLimits, Method, Version};
use crate::http1::octets::{hex_value, skip_path, skip_token};
use crate::http1::refusal::{Reason, Refusal};
use crate::http1::span::Span;
use crate::http1::target;

/// Empty lines skipped before the request line; RFC 9112 section 2.2 asks for at least one.
const BLANK_LINES: usize = 4;

/// Longest method name that is read on; the longest registered one has 17 bytes.
const METHOD_LENGTH: usize = 64;

impl HeadParser {
    pub(super) fn request_line(
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
