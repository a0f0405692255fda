//! The field lines (RFC 9112 section 5): their syntax, their bounds, and the few fields that
//! frame or route the request.

use super::{HeadParser, Progress, Stage, visible};
use crate::http1::authority::is_authority;
use crate::http1::head::{Field, Head, HeadLimits};
use crate::http1::octets::{is_blank, skip_token, skip_value};
use crate::http1::refusal::{Reason, Refusal};
use crate::http1::span::Span;

impl HeadParser {
    /// Reads to the end of the head.
    pub(super) fn fields(
        &mut self,
        buf: &[u8],
        head: &mut Head,
        limits: &HeadLimits,
    ) -> Result<Progress, Refusal> {
        // The empty line that ends the head is not counted: lines that are longer leave it no room.
        let visible = visible(buf, self.fields_start, limits.head.saturating_add(2));
        loop {
            let progress = match self.stage {
                Stage::Name => self.field_name(visible)?,
                Stage::Value => self.field_value(visible, head)?,
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

    fn field_value(&mut self, buf: &[u8], head: &mut Head) -> Result<Progress, Refusal> {
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
        let field = Field {
            name: self.name,
            value: trimmed(buf, self.start, end),
        };
        head.fields.push(field);
        self.stage = Stage::Line;
        self.note(buf, field, head)?;
        Ok(Progress::Done)
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
}

/// Remembers the value of a field that may be sent once.
fn refuse_repeated(seen: &mut Option<Span>, value: Span, reason: Reason) -> Result<(), Refusal> {
    match seen.replace(value) {
        None => Ok(()),
        Some(_) => Err(reason.into()),
    }
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
