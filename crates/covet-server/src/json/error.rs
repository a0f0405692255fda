//! Why a JSON text was refused, and at which byte.

use std::fmt;

use super::{MAX_DEPTH, MAX_INT_DIGITS};

/// A refusal: what is wrong and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanError {
    /// The offset in bytes, from 0 to the length of the text, of what is wrong.
    pub offset: usize,
    /// What is wrong there.
    pub kind: ScanErrorKind,
}

/// The closed set of reasons to refuse a JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanErrorKind {
    /// Nothing but blanks.
    Empty,
    /// The text ends inside a value.
    UnexpectedEnd,
    /// The text opens with a byte order mark (RFC 8259, section 8.1).
    ByteOrderMark,
    /// Not UTF-8.
    InvalidUtf8,
    /// No value starts with this byte. Includes `NaN`, `Infinity` and a comma before `]`.
    ExpectedValue,
    /// Something other than `"` where an object's key must start. Includes a comma before `}`.
    ExpectedKey,
    /// Something other than `:` after a key.
    ExpectedColon,
    /// Something other than `,` or `]` after an item.
    ExpectedCommaOrBracket,
    /// Something other than `,` or `}` after a member.
    ExpectedCommaOrBrace,
    /// Something other than blanks after the value.
    TrailingBytes,
    /// A control character in a string that is not escaped.
    ControlCharacter,
    /// An escape that JSON does not know, or `\u` without four hexadecimal digits.
    InvalidEscape,
    /// An escaped surrogate without its other half.
    LoneSurrogate,
    /// A number that the grammar does not allow, such as `01`, `1.`, `-` or `1e`.
    InvalidNumber,
    /// An integer of more than [`MAX_INT_DIGITS`] digits.
    IntegerTooLong,
    /// A number that rounds to infinity as a double.
    NumberOutOfRange,
    /// More than [`MAX_DEPTH`] containers in each other.
    TooDeep,
    /// A key that its object already has. Found by whoever keeps the keys, not by the scanner.
    DuplicateKey,
}

impl fmt::Display for ScanErrorKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Empty => "empty text",
            Self::UnexpectedEnd => "unexpected end of text",
            Self::ByteOrderMark => "a byte order mark is not allowed",
            Self::InvalidUtf8 => "not UTF-8",
            Self::ExpectedValue => "expected a value",
            Self::ExpectedKey => "expected a key in double quotes",
            Self::ExpectedColon => "expected ':'",
            Self::ExpectedCommaOrBracket => "expected ',' or ']'",
            Self::ExpectedCommaOrBrace => "expected ',' or '}'",
            Self::TrailingBytes => "unexpected bytes after the value",
            Self::ControlCharacter => "control character in a string",
            Self::InvalidEscape => "invalid escape",
            Self::LoneSurrogate => "lone surrogate",
            Self::InvalidNumber => "invalid number",
            Self::IntegerTooLong => {
                return write!(formatter, "integer of more than {MAX_INT_DIGITS} digits");
            }
            Self::NumberOutOfRange => "number out of range",
            Self::TooDeep => return write!(formatter, "nested deeper than {MAX_DEPTH}"),
            Self::DuplicateKey => "duplicate key",
        };
        formatter.write_str(text)
    }
}

impl fmt::Display for ScanError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at byte {}", self.kind, self.offset)
    }
}

impl std::error::Error for ScanError {}
