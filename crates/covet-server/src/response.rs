//! An answer on its way out: status, a few fields, a body that is owned, shared or static.
//!
//! Knows nothing of the connection that will send it. Neighbours: handlers make it,
//! `connection.rs` frames it, `problem` makes those of the server itself.

use std::fmt;
use std::fmt::Write as _;

use crate::buffers::Buffer;
use crate::files::FileBody;
use crate::http1::reason_phrase;
use crate::streaming::Stream;

/// The body of an answer.
#[derive(Default)]
pub enum Payload {
    /// No bytes.
    #[default]
    Empty,
    /// Bytes of the program.
    Static(&'static [u8]),
    /// Bytes in a pooled buffer.
    Buffer(Buffer),
    /// Bytes owned elsewhere (a Python object): written from there, held until sent.
    Shared(Box<dyn AsRef<[u8]> + Send>),
    /// A file or parts of one: sent by the kernel where it can.
    File(Box<FileBody>),
    /// Bytes that come in parts, on this thread.
    Stream(Box<dyn Stream>),
}

impl Payload {
    /// Number of bytes; none of a stream's.
    #[must_use]
    pub fn length(&self) -> u64 {
        match self {
            Self::File(body) => body.left(),
            in_memory => in_memory.as_slice().len() as u64,
        }
    }

    /// The bytes that are in memory: none of a file's or a stream's.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Self::Empty | Self::File(_) | Self::Stream(_) => &[],
            Self::Static(bytes) => bytes,
            Self::Buffer(bytes) => bytes,
            Self::Shared(bytes) => (**bytes).as_ref(),
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(stream) => write!(f, "Payload({stream:?})"),
            whole => write!(f, "Payload({} bytes)", whole.length()),
        }
    }
}

/// An answer.
#[derive(Debug)]
pub struct Response {
    /// 200 to 599.
    pub status: u16,
    /// The value of Content-Type; none where `None`.
    pub content_type: Option<&'static [u8]>,
    /// Further fields, encoded as `name: value\r\n` each. Framing fields are the server's.
    pub fields: Vec<u8>,
    /// The body.
    pub body: Payload,
    /// Whether the connection must end with this answer.
    pub close: bool,
}

/// `application/json`
pub const JSON: &[u8] = b"application/json";
/// `text/plain; charset=utf-8`
pub const TEXT: &[u8] = b"text/plain; charset=utf-8";
/// `application/problem+json`, RFC 9457
pub const PROBLEM: &[u8] = b"application/problem+json";

impl Response {
    /// An answer of `status` with `body`.
    #[must_use]
    pub fn new(status: u16, content_type: Option<&'static [u8]>, body: Payload) -> Self {
        Self {
            status,
            content_type,
            fields: Vec::new(),
            body,
            close: false,
        }
    }

    /// A problem document (RFC 9457) with the status's phrase as title. `detail` is plain ASCII
    /// text of the server's own, never a client's bytes.
    #[must_use]
    pub fn problem(status: u16, detail: &str) -> Self {
        let mut text = String::with_capacity(96 + detail.len());
        let title = reason_phrase(status);
        let _ = write!(
            text,
            r#"{{"type":"about:blank","title":"{title}","status":{status}"#
        );
        if !detail.is_empty() {
            let _ = write!(text, r#","detail":"{detail}""#);
        }
        text.push('}');
        let mut body = Buffer::with_capacity(text.len());
        body.extend_from_slice(text.as_bytes());
        Self::new(status, Some(PROBLEM), Payload::Buffer(body))
    }

    /// The same answer with one more field.
    #[must_use]
    pub fn with_field(mut self, name: &str, value: &str) -> Self {
        self.add_field(name, value);
        self
    }

    /// One more field.
    pub fn add_field(&mut self, name: &str, value: &str) {
        self.fields.extend_from_slice(name.as_bytes());
        self.fields.extend_from_slice(b": ");
        self.fields.extend_from_slice(value.as_bytes());
        self.fields.extend_from_slice(b"\r\n");
    }

    /// Whether one of the further fields has this name, in any case.
    #[must_use]
    pub fn has_field(&self, name: &str) -> bool {
        self.fields.split(|&octet| octet == b'\n').any(|line| {
            let found = line.split(|&octet| octet == b':').next();
            found.is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()))
        })
    }

    /// The same answer, after which the connection ends.
    #[must_use]
    pub fn closing(mut self) -> Self {
        self.close = true;
        self
    }
}

/// An answer without a stream: it may be made on one thread and sent on another.
#[derive(Debug)]
pub struct WholeResponse {
    status: u16,
    content_type: Option<&'static [u8]>,
    fields: Vec<u8>,
    body: WholeBody,
    close: bool,
}

/// [`Payload`] without a stream.
enum WholeBody {
    Empty,
    Static(&'static [u8]),
    Buffer(Buffer),
    Shared(Box<dyn AsRef<[u8]> + Send>),
    File(Box<FileBody>),
}

impl fmt::Debug for WholeBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WholeBody")
    }
}

impl Response {
    /// The same answer as one that may cross threads; nothing where its body is a stream.
    #[must_use]
    pub fn whole(self) -> Option<WholeResponse> {
        let body = match self.body {
            Payload::Empty => WholeBody::Empty,
            Payload::Static(bytes) => WholeBody::Static(bytes),
            Payload::Buffer(bytes) => WholeBody::Buffer(bytes),
            Payload::Shared(bytes) => WholeBody::Shared(bytes),
            Payload::File(body) => WholeBody::File(body),
            Payload::Stream(_) => return None,
        };
        Some(WholeResponse {
            status: self.status,
            content_type: self.content_type,
            fields: self.fields,
            body,
            close: self.close,
        })
    }
}

impl From<WholeResponse> for Response {
    fn from(whole: WholeResponse) -> Self {
        Self {
            status: whole.status,
            content_type: whole.content_type,
            fields: whole.fields,
            body: match whole.body {
                WholeBody::Empty => Payload::Empty,
                WholeBody::Static(bytes) => Payload::Static(bytes),
                WholeBody::Buffer(bytes) => Payload::Buffer(bytes),
                WholeBody::Shared(bytes) => Payload::Shared(bytes),
                WholeBody::File(body) => Payload::File(body),
            },
            close: whole.close,
        }
    }
}
