//! Reading for those who know what comes: the byte that a value starts with, keys by guess, texts
//! that are borrowed, values that are skipped.

use std::borrow::Cow;

use super::{Event, Scanner};
use crate::json::error::{ScanError, ScanErrorKind};
use crate::json::keys::Keys;
use crate::json::pattern::KeyPattern;
use crate::json::plain::plain_prefix;
use crate::json::text::scan_text;

/// A place in the text to which a scanner can return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    at: usize,
    depth: usize,
}

/// A string's value. Valid until the next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'s> {
    /// The value, unescaped.
    pub text: &'s str,
    /// Whether it is known to be ASCII; false says nothing.
    pub is_ascii: bool,
}

impl<'a> Scanner<'a> {
    /// Skips blanks. The byte that the next value starts with, unread; 0 at the end of the text.
    #[inline]
    pub fn head(&mut self) -> u8 {
        match self.text.as_bytes().get(self.at) {
            Some(&byte) if byte > b' ' => byte,
            _ => self.peek().unwrap_or(0),
        }
    }

    /// The text between two offsets that were read; empty where there is none.
    #[must_use]
    pub fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// Where the scanner is.
    #[inline]
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark {
            at: self.at,
            depth: self.depth,
        }
    }

    /// Goes back to a mark of this text.
    #[inline]
    pub fn reset(&mut self, mark: Mark) {
        debug_assert!(mark.at <= self.text.len());
        self.at = mark.at;
        self.depth = mark.depth;
    }

    /// Goes on to the end of a value that was read before.
    #[inline]
    pub fn jump(&mut self, offset: usize) {
        debug_assert!(offset <= self.text.len());
        self.at = offset;
    }

    /// Reads the string whose opening quote is the head.
    ///
    /// # Errors
    /// Where it is refused.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "measured: 6% of decoding 50 rows")]
    pub fn text(&mut self) -> Result<Text<'_>, ScanError> {
        let start = self.at + 1;
        let bytes = self.text.as_bytes();
        let end = start + plain_prefix(bytes.get(start..).unwrap_or_default());
        if bytes.get(end) == Some(&b'"') {
            self.at = end + 1;
            return Ok(Text {
                text: &self.text[start..end],
                is_ascii: self.is_ascii,
            });
        }
        let text = self.string()?;
        Ok(Text {
            text,
            is_ascii: false,
        })
    }

    /// Reads the opening bracket that is the head.
    ///
    /// # Errors
    /// [`ScanErrorKind::TooDeep`].
    #[inline]
    pub fn enter(&mut self) -> Result<(), ScanError> {
        self.open(Event::Null).map(|_| ())
    }

    /// After [`Event::Object`]: whether a member follows; then its key is the head, to be read with
    /// [`Scanner::try_key`] or [`Scanner::member_key`]. False closes the object.
    ///
    /// # Errors
    /// Where neither a key nor the end follows.
    #[inline]
    pub fn first_member(&mut self) -> Result<bool, ScanError> {
        match self.head() {
            b'"' => Ok(true),
            b'}' => Ok(self.close()),
            other => {
                Err(self.refuse_or_end((other != 0).then_some(other), ScanErrorKind::ExpectedKey))
            }
        }
    }

    /// After a member's value: as [`Scanner::first_member`].
    ///
    /// # Errors
    /// Where neither a comma and a key nor the end follows.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "measured: one call for each member")]
    pub fn next_member(&mut self) -> Result<bool, ScanError> {
        // Compact text: what `head` would find is looked at in place.
        if let Some([b',', b'"']) = self.text.as_bytes().get(self.at..self.at + 2) {
            self.at += 1;
            return Ok(true);
        }
        self.next_member_apart()
    }

    /// With blanks, or at the end.
    fn next_member_apart(&mut self) -> Result<bool, ScanError> {
        match self.head() {
            b',' => self.at += 1,
            b'}' => return Ok(self.close()),
            _ => {
                let found = self.peek();
                return Err(self.refuse_or_end(found, ScanErrorKind::ExpectedCommaOrBrace));
            }
        }
        if self.head() == b'"' {
            return Ok(true);
        }
        let found = self.peek();
        Err(self.refuse_or_end(found, ScanErrorKind::ExpectedKey))
    }

    /// Reads the key at the head and its colon where it is that of the pattern, written without escapes.
    /// False reads nothing.
    #[inline]
    pub fn try_key(&mut self, pattern: &KeyPattern) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let Some(length) = pattern.matched(rest) else {
            return false;
        };
        self.at += length;
        true
    }

    /// Reads the number at the head where it is an integer of at most 18 digits and no sign. None reads nothing.
    #[inline]
    pub fn try_natural(&mut self) -> Option<i64> {
        let bytes = self.text.as_bytes().get(self.at..)?;
        let (mut value, mut count) = (0i64, 0);
        let end = loop {
            let &byte = bytes.get(count)?;
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break byte;
            }
            if count == 18 {
                return None;
            }
            value = value * 10 + i64::from(digit);
            count += 1;
        };
        let is_written_otherwise = matches!(end, b'.' | b'e' | b'E') || count == 0;
        if is_written_otherwise || (count > 1 && bytes[0] == b'0') {
            return None;
        }
        self.at += count;
        Some(value)
    }

    /// Reads the key at the head and its colon.
    ///
    /// # Errors
    /// Where the key or its colon is missing or refused.
    pub fn member_key(&mut self) -> Result<Cow<'a, str>, ScanError> {
        let start = self.at + 1;
        let bytes = self.text.as_bytes();
        let end = start + plain_prefix(bytes.get(start..).unwrap_or_default());
        if bytes.get(end) == Some(&b'"') {
            self.at = end + 1;
            self.colon()?;
            return Ok(Cow::Borrowed(&self.text[start..end]));
        }
        let (text, after) = scan_text(self.text, start, &mut self.scratch)
            .map_err(|(kind, offset)| ScanError { offset, kind })?;
        let text = text.to_owned();
        self.at = after;
        self.colon()?;
        Ok(Cow::Owned(text))
    }

    fn colon(&mut self) -> Result<(), ScanError> {
        match self.peek() {
            Some(b':') => {
                self.at += 1;
                Ok(())
            }
            other => Err(self.refuse_or_end(other, ScanErrorKind::ExpectedColon)),
        }
    }

    /// Reads a value and all in it without keeping anything. Refuses what a reader would, duplicate
    /// keys too.
    ///
    /// # Errors
    /// Where the value is refused.
    pub fn skip(&mut self) -> Result<(), ScanError> {
        match self.value()? {
            Event::Array => self.skip_items(),
            Event::Object => self.skip_members(),
            _ => Ok(()),
        }
    }

    /// After [`Event::Array`]: skips its items and closes it.
    ///
    /// # Errors
    /// Where something in it is refused.
    pub fn skip_items(&mut self) -> Result<(), ScanError> {
        let mut more = self.first_item()?;
        while more {
            self.skip()?;
            more = self.next_item()?;
        }
        Ok(())
    }

    /// After [`Event::Object`]: skips its members and closes it.
    ///
    /// # Errors
    /// Where something in it is refused.
    pub fn skip_members(&mut self) -> Result<(), ScanError> {
        let mut keys = Keys::default();
        let mut more = self.first_member()?;
        while more {
            let offset = self.at;
            if !keys.insert(self.member_key()?) {
                let kind = ScanErrorKind::DuplicateKey;
                return Err(ScanError { offset, kind });
            }
            self.skip()?;
            more = self.next_member()?;
        }
        Ok(())
    }
}
