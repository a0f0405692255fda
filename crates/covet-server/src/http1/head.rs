//! [`Head`]: a parsed request head, as offsets into the buffer it was read into.
//!
//! It is filled by [`HeadParser`](super::HeadParser) and reused from request to request; it does
//! not know how the bytes arrived.

use super::framing::Framing;
use super::span::Span;
use super::target::TargetForm;

/// Protocol version of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Version {
    /// HTTP/1.0: no Host needed, no chunked coding, closed unless `keep-alive` is asked for.
    Http10,
    /// HTTP/1.1.
    #[default]
    Http11,
}

/// Request method. Names are case-sensitive (RFC 9110 section 9.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Method {
    /// GET.
    #[default]
    Get,
    /// HEAD.
    Head,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// DELETE.
    Delete,
    /// OPTIONS.
    Options,
    /// PATCH (RFC 5789).
    Patch,
    /// QUERY: safe, with a body.
    Query,
    /// TRACE.
    Trace,
    /// CONNECT. The parser refuses it; no head with it is handed out.
    Connect,
    /// Any other token; its name is [`Head::method_name`].
    Other,
}

impl Method {
    /// The method with this exact name, or [`Method::Other`].
    #[must_use]
    pub fn from_name(name: &[u8]) -> Self {
        match name {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"POST" => Self::Post,
            b"PUT" => Self::Put,
            b"DELETE" => Self::Delete,
            b"OPTIONS" => Self::Options,
            b"PATCH" => Self::Patch,
            b"QUERY" => Self::Query,
            b"TRACE" => Self::Trace,
            b"CONNECT" => Self::Connect,
            _ => Self::Other,
        }
    }
}

/// One header field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Field {
    /// The name as it was sent: a token in any case.
    pub name: Span,
    /// The value without the blanks around it; it may be empty.
    pub value: Span,
}

/// A complete request head.
#[derive(Debug, Clone, Default)]
pub struct Head {
    /// The method.
    pub method: Method,
    /// The method's name as it was sent.
    pub method_name: Span,
    /// The protocol version.
    pub version: Version,
    /// Form of the request target.
    pub form: TargetForm,
    /// Path of the target, percent escapes untouched. It starts with `/`, save for the target
    /// `*`, where it is that asterisk.
    pub path: Span,
    /// What follows the first `?` of the target.
    pub query: Option<Span>,
    /// Host and port of an absolute-form target; it takes the place of the Host field
    /// (RFC 9112 section 3.2.2).
    pub authority: Option<Span>,
    /// Value of the Host field: valid or empty. HTTP/1.0 may lack it.
    pub host: Option<Span>,
    /// All header fields in the order they came.
    pub fields: Vec<Field>,
    /// How the body is framed.
    pub framing: Framing,
    /// Whether the client lets the connection go on after the answer.
    pub keep_alive: bool,
    /// Whether the client waits for `100 Continue` before it sends the body.
    pub expect_continue: bool,
    /// Whether the client offers another protocol: an Upgrade field that Connection names, on 1.1.
    pub upgrade: bool,
    /// Bytes of the head: empty lines before it and the empty line after it included.
    pub len: usize,
}

impl Head {
    /// An empty head that holds no memory yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Value of the first field with this name, in any case. `buf` is the buffer parsed.
    #[must_use]
    pub fn field<'b>(&self, buf: &'b [u8], name: &str) -> Option<&'b [u8]> {
        self.values(buf, name).next()
    }

    /// Values of all fields with this name, in any case, in the order they came.
    pub fn values<'b>(&self, buf: &'b [u8], name: &str) -> impl Iterator<Item = &'b [u8]> {
        self.fields
            .iter()
            .filter(move |field| field.name.of(buf).eq_ignore_ascii_case(name.as_bytes()))
            .map(move |field| field.value.of(buf))
    }

    /// The authority that the request is for: the target's, else the Host field's.
    #[must_use]
    pub fn effective_host<'b>(&self, buf: &'b [u8]) -> Option<&'b [u8]> {
        self.authority.or(self.host).map(|span| span.of(buf))
    }

    /// Forgets the last request and keeps the memory of the fields.
    pub fn clear(&mut self) {
        let mut fields = std::mem::take(&mut self.fields);
        fields.clear();
        *self = Self {
            fields,
            ..Self::default()
        };
    }
}

/// Bounds of a request head, in bytes or fields. Beyond the first it is 414, else 431.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes of the request target.
    pub target: usize,
    /// Bytes of all field lines with their line ends.
    pub head: usize,
    /// Number of fields.
    pub fields: usize,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self {
            target: 16 * 1024,
            head: 32 * 1024,
            fields: 100,
        }
    }
}
