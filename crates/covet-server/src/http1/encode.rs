//! Writes the head of an answer, and the framing of a chunked one.
//!
//! It decides Connection and the body's framing from what it is told; it neither checks nor
//! merges the other fields, which arrive encoded (see [`field_is_valid`]).

use super::head::Version;
use super::octets::{is_token_text, is_value};
use super::status::status_line;

/// The interim answer to `Expect: 100-continue`.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// What follows the data of a chunk.
pub const CHUNK_END: &[u8] = b"\r\n";

/// The last chunk with an empty trailer section: the end of a chunked body.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// How the body of an answer is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerLength {
    /// Exactly this many bytes, or as many to a GET where this answers HEAD.
    Known(u64),
    /// The chunked coding; not for HTTP/1.0.
    Chunked,
    /// No body and no length field: 1xx, 204 and 304.
    None,
    /// The body ends with the connection.
    UntilClose,
}

impl AnswerLength {
    /// Framing of a body whose length is not known, for a client of this version.
    #[must_use]
    pub fn of_stream(version: Version) -> Self {
        match version {
            Version::Http10 => Self::UntilClose,
            Version::Http11 => Self::Chunked,
        }
    }
}

/// The head of an answer.
#[derive(Debug, Clone, Copy)]
pub struct AnswerHead<'a> {
    /// Status code, 100 to 999.
    pub status: u16,
    /// Version of the request; the answer is HTTP/1.1 in any case (RFC 9110 section 2.5).
    pub version: Version,
    /// Whether the connection goes on; [`AnswerLength::UntilClose`] ends it anyway.
    pub keep_alive: bool,
    /// How the body is framed.
    pub length: AnswerLength,
    /// Value of Content-Type.
    pub content_type: Option<&'a [u8]>,
    /// Value of Date.
    pub date: &'a [u8; 29],
    /// Further fields, each as `name: value` and CRLF.
    pub fields: &'a [u8],
}

/// Appends the head, the empty line after it included, to `out`.
pub fn encode_head(out: &mut Vec<u8>, head: &AnswerHead<'_>) {
    debug_assert!(
        head.length != AnswerLength::Chunked || head.version == Version::Http11,
        "an HTTP/1.0 client cannot read chunks"
    );
    // More than every fixed part needs, so that the vector grows once.
    out.reserve(192 + head.fields.len() + head.content_type.map_or(0, <[u8]>::len));
    if let Some(line) = status_line(head.status) {
        out.extend_from_slice(line);
    } else {
        out.extend_from_slice(b"HTTP/1.1 ");
        push_decimal(out, u64::from(head.status));
        out.extend_from_slice(b" \r\n");
    }
    if let Some(content_type) = head.content_type {
        out.extend_from_slice(b"content-type: ");
        out.extend_from_slice(content_type);
        out.extend_from_slice(b"\r\n");
    }
    let keep_alive = head.keep_alive && head.length != AnswerLength::UntilClose;
    match head.length {
        AnswerLength::Known(length) => {
            out.extend_from_slice(b"content-length: ");
            push_decimal(out, length);
            out.extend_from_slice(b"\r\n");
        }
        AnswerLength::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        AnswerLength::None | AnswerLength::UntilClose => {}
    }
    match (head.version, keep_alive) {
        (Version::Http11, true) | (Version::Http10, false) => {}
        (Version::Http11, false) => out.extend_from_slice(b"connection: close\r\n"),
        (Version::Http10, true) => out.extend_from_slice(b"connection: keep-alive\r\n"),
    }
    out.extend_from_slice(b"date: ");
    out.extend_from_slice(head.date);
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(head.fields);
    out.extend_from_slice(b"\r\n");
}

/// Appends the line before the data of a chunk of `len` bytes. A chunk of none would end the
/// body, so for 0 nothing is appended; the data and [`CHUNK_END`] are then left out as well.
pub fn encode_chunk_size(out: &mut Vec<u8>, len: usize) {
    if len == 0 {
        return;
    }
    let digits = (usize::BITS - len.leading_zeros()).div_ceil(4);
    for place in (0..digits).rev() {
        out.push(b"0123456789abcdef"[(len >> (4 * place)) & 0xf]);
    }
    out.extend_from_slice(b"\r\n");
}

/// Whether a field may be sent: its name is a token and its value has no control character but
/// HTAB, so that neither can end its line.
#[must_use]
pub fn field_is_valid(name: &[u8], value: &[u8]) -> bool {
    is_token_text(name) && value.iter().all(|&octet| is_value(octet))
}

fn push_decimal(out: &mut Vec<u8>, mut number: u64) {
    // u64::MAX has 20 digits.
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}
