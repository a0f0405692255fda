//! A strict pull scanner for JSON: one pass, no tree, no copy of strings without escapes.
//!
//! It checks UTF-8, the grammar of RFC 8259, nesting and the length of integers. It does not
//! keep keys: who builds objects refuses a duplicate with [`ScanErrorKind::DuplicateKey`].
//!
//! The caller asks for a value; where that opens a container it asks for the first item or key,
//! then for a value and the next item or key, until there is none.

use super::MAX_DEPTH;
use super::error::{ScanError, ScanErrorKind};
use super::number::{Number, scan_number};
use super::text::scan_text;

/// Bytes of a text that the standard library finds to be UTF-8 sooner than a crate with a start-up cost.
const SHORT_TEXT: usize = 512;

/// What a value is, or which container it opens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event<'s> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer in the range of `i64`.
    Int(i64),
    /// An integer out of that range, as its text.
    BigInt(&'s str),
    /// A number with a fraction or an exponent.
    Float(f64),
    /// A string, unescaped. Valid until the next call.
    Str(&'s str),
    /// `[`: go on with [`Scanner::first_item`].
    Array,
    /// `{`: go on with [`Scanner::first_key`].
    Object,
}

/// A key of an object. Valid until the next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<'s> {
    /// The key, unescaped.
    pub text: &'s str,
    /// The offset of its opening quote.
    pub offset: usize,
}

/// Reads one JSON text from front to back.
#[derive(Debug)]
pub struct Scanner<'a> {
    text: &'a str,
    /// The offset of the next byte to read.
    at: usize,
    /// Containers that are open.
    depth: usize,
    /// Whether the whole text is ASCII.
    is_ascii: bool,
    /// Where strings with escapes are put together.
    scratch: String,
}

impl<'a> Scanner<'a> {
    /// Starts at the front of `data`.
    ///
    /// # Errors
    /// [`ScanErrorKind::ByteOrderMark`] and [`ScanErrorKind::InvalidUtf8`], for the whole text.
    #[inline]
    pub fn new(data: &'a [u8]) -> Result<Self, ScanError> {
        if data.starts_with(b"\xEF\xBB\xBF") {
            return Err(ScanError {
                offset: 0,
                kind: ScanErrorKind::ByteOrderMark,
            });
        }
        let is_ascii = is_ascii(data);
        let text = if is_ascii && data.len() < SHORT_TEXT {
            str::from_utf8(data).map_err(|error| not_utf8(error.valid_up_to()))
        } else {
            simdutf8::compat::from_utf8(data).map_err(|error| not_utf8(error.valid_up_to()))
        }?;
        Ok(Self {
            text,
            at: 0,
            depth: 0,
            is_ascii,
            scratch: String::new(),
        })
    }

    /// The offset of the next byte to read.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.at
    }

    /// Reads a value, or the opening bracket of one.
    ///
    /// # Errors
    /// Where no value starts, or where it is refused.
    #[inline]
    pub fn value(&mut self) -> Result<Event<'_>, ScanError> {
        match self.peek() {
            Some(b'"') => self.string().map(Event::Str),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'{') => self.open(Event::Object),
            Some(b'[') => self.open(Event::Array),
            Some(b't') => self.word("true", Event::Bool(true)),
            Some(b'f') => self.word("false", Event::Bool(false)),
            Some(b'n') => self.word("null", Event::Null),
            Some(_) => Err(self.refuse(ScanErrorKind::ExpectedValue)),
            None if self.text.bytes().all(is_blank) => Err(ScanError {
                offset: 0,
                kind: ScanErrorKind::Empty,
            }),
            None => Err(self.refuse(ScanErrorKind::UnexpectedEnd)),
        }
    }

    /// After [`Event::Array`]: whether an item follows. False closes the array.
    ///
    /// # Errors
    /// [`ScanErrorKind::UnexpectedEnd`].
    #[inline]
    pub fn first_item(&mut self) -> Result<bool, ScanError> {
        match self.peek() {
            Some(b']') => Ok(self.close()),
            Some(_) => Ok(true),
            None => Err(self.refuse(ScanErrorKind::UnexpectedEnd)),
        }
    }

    /// After an item: whether another follows. False closes the array.
    ///
    /// # Errors
    /// [`ScanErrorKind::ExpectedCommaOrBracket`] and [`ScanErrorKind::UnexpectedEnd`].
    #[inline]
    pub fn next_item(&mut self) -> Result<bool, ScanError> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(b']') => Ok(self.close()),
            other => Err(self.refuse_or_end(other, ScanErrorKind::ExpectedCommaOrBracket)),
        }
    }

    /// After [`Event::Object`]: its first key, with the colon read. None closes the object.
    ///
    /// # Errors
    /// Where the key or its colon is missing or refused.
    #[inline]
    pub fn first_key(&mut self) -> Result<Option<Key<'_>>, ScanError> {
        if self.peek() == Some(b'}') {
            self.close();
            return Ok(None);
        }
        self.key().map(Some)
    }

    /// After a member: the next key, with the colon read. None closes the object.
    ///
    /// # Errors
    /// Where the comma, the key or its colon is missing or refused.
    #[inline]
    pub fn next_key(&mut self) -> Result<Option<Key<'_>>, ScanError> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.key().map(Some)
            }
            Some(b'}') => {
                self.close();
                Ok(None)
            }
            other => Err(self.refuse_or_end(other, ScanErrorKind::ExpectedCommaOrBrace)),
        }
    }

    /// After the outermost value: checks that only blanks are left.
    ///
    /// # Errors
    /// [`ScanErrorKind::TrailingBytes`].
    pub fn end(&mut self) -> Result<(), ScanError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.refuse(ScanErrorKind::TrailingBytes)),
        }
    }

    /// Skips blanks and returns the byte that follows them, unread.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if !is_blank(byte) {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    #[inline]
    fn key(&mut self) -> Result<Key<'_>, ScanError> {
        let found = self.peek();
        if found != Some(b'"') {
            return Err(self.refuse_or_end(found, ScanErrorKind::ExpectedKey));
        }
        let offset = self.at;
        let (text, after) = scan_text(self.text, offset + 1, &mut self.scratch)
            .map_err(|(kind, offset)| ScanError { offset, kind })?;
        self.at = after + blanks(&self.text.as_bytes()[after..]);
        match self.text.as_bytes().get(self.at) {
            Some(b':') => {
                self.at += 1;
                Ok(Key { text, offset })
            }
            Some(_) => Err(ScanError {
                offset: self.at,
                kind: ScanErrorKind::ExpectedColon,
            }),
            None => Err(ScanError {
                offset: self.at,
                kind: ScanErrorKind::UnexpectedEnd,
            }),
        }
    }

    #[inline]
    fn string(&mut self) -> Result<&str, ScanError> {
        let (text, after) = scan_text(self.text, self.at + 1, &mut self.scratch)
            .map_err(|(kind, offset)| ScanError { offset, kind })?;
        self.at = after;
        Ok(text)
    }

    /// Reads the number at the head: [`Event::Int`], [`Event::BigInt`] or [`Event::Float`].
    ///
    /// # Errors
    /// Where it is refused.
    #[inline]
    pub fn number(&mut self) -> Result<Event<'a>, ScanError> {
        let start = self.at;
        let text = &self.text[start..];
        let (number, length) = scan_number(text).map_err(|(kind, within)| ScanError {
            offset: start + within,
            kind,
        })?;
        self.at = start + length;
        Ok(match number {
            Number::Int(value) => Event::Int(value),
            Number::BigInt => Event::BigInt(&text[..length]),
            Number::Float(value) => Event::Float(value),
        })
    }

    #[inline]
    fn word(&mut self, word: &str, event: Event<'static>) -> Result<Event<'static>, ScanError> {
        let rest = &self.text.as_bytes()[self.at..];
        if rest.starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(event);
        }
        let cut = word.as_bytes().starts_with(rest);
        Err(self.refuse_or_end((!cut).then_some(0), ScanErrorKind::ExpectedValue))
    }

    #[inline]
    fn open(&mut self, event: Event<'static>) -> Result<Event<'static>, ScanError> {
        if self.depth == MAX_DEPTH {
            return Err(self.refuse(ScanErrorKind::TooDeep));
        }
        self.depth += 1;
        self.at += 1;
        Ok(event)
    }

    /// Reads the closing bracket. Always false: nothing follows in that container.
    #[inline]
    fn close(&mut self) -> bool {
        self.depth -= 1;
        self.at += 1;
        false
    }

    #[cold]
    fn refuse(&self, kind: ScanErrorKind) -> ScanError {
        ScanError {
            offset: self.at,
            kind,
        }
    }

    /// `kind` here, or the unexpected end (at the end of the text) where nothing was found.
    #[cold]
    fn refuse_or_end(&self, found: Option<u8>, kind: ScanErrorKind) -> ScanError {
        match found {
            Some(_) => self.refuse(kind),
            None => ScanError {
                offset: self.text.len(),
                kind: ScanErrorKind::UnexpectedEnd,
            },
        }
    }
}

#[cold]
fn not_utf8(offset: usize) -> ScanError {
    let kind = ScanErrorKind::InvalidUtf8;
    ScanError { offset, kind }
}

/// As the method of slices, which looks at a tail byte by byte.
#[inline]
fn is_ascii(data: &[u8]) -> bool {
    let (chunks, rest) = data.as_chunks::<32>();
    let mut seen = [0u8; 32];
    for chunk in chunks {
        for (seen, byte) in seen.iter_mut().zip(chunk) {
            *seen |= byte;
        }
    }
    let (words, tail) = rest.as_chunks::<8>();
    let of_words = words
        .iter()
        .fold(0, |seen, word| seen | u64::from_le_bytes(*word));
    let of_tail = tail.iter().fold(0, |seen, byte| seen | byte);
    let of_words = of_words.to_le_bytes();
    let of_chunks = seen.iter().fold(0, |all, byte| all | byte);
    let all = of_words
        .iter()
        .fold(of_chunks | of_tail, |all, byte| all | byte);
    all.is_ascii()
}

/// The four blanks of RFC 8259, section 2.
#[inline]
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

/// The number of leading blanks.
#[inline]
fn blanks(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| is_blank(**byte)).count()
}

mod expect;

pub use expect::{Mark, Text};

#[cfg(test)]
mod tests;
