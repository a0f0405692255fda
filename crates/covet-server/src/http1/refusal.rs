//! [`Refusal`]: why a request cannot be read on, and the status that says so.
//!
//! A refusal always ends the connection: after a framing fault nothing that follows can be
//! trusted to be the start of a request.

use std::fmt;

/// A request that is refused. The connection closes after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Status of the answer: 400, 408, 413, 414, 417, 431, 501 or 505.
    pub status: u16,
    /// What was wrong.
    pub reason: Reason,
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self {
            status: reason.status(),
            reason,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason.as_str())
    }
}

impl std::error::Error for Refusal {}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $status:literal $text:literal,)+) => {
        /// Everything the codec refuses.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason {
            $(#[doc = $text] $name,)+
        }

        impl Reason {
            /// Every reason, for tables and counters.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Status that answers this reason.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$name => $status,)+
                }
            }

            /// One sentence for the log and the problem body; it never holds client bytes.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

reasons! {
    BlankLines = 400 "Too many empty lines stand before the request line.",
    BareCr = 400 "A CR is not followed by LF.",
    BareLf = 400 "A line ends with LF alone instead of CRLF.",
    Method = 400 "The method is not a token followed by one space.",
    MethodLength = 501 "The method is longer than any known method.",
    Connect = 501 "CONNECT is not supported.",
    Target = 400 "The request target is not of a form allowed for this method.",
    TargetOctet = 400 "The request target holds a byte that a URI cannot hold.",
    TargetEscape = 400 "The request target holds a percent sign without two hexadecimal digits.",
    TargetLength = 414 "The request target is too long.",
    Version = 400 "The request line does not end with an HTTP version.",
    VersionUnsupported = 505 "Only HTTP/1.0 and HTTP/1.1 are supported on this connection.",
    FieldBlank = 400 "A field line starts with a space or a tab.",
    FieldName = 400 "A field name is not a token directly followed by a colon.",
    FieldValue = 400 "A field value holds a control character.",
    FieldCount = 431 "The request has too many header fields.",
    FieldBytes = 431 "The header fields are too large.",
    HostMissing = 400 "An HTTP/1.1 request must have a Host field.",
    HostRepeated = 400 "The request has more than one Host field.",
    Host = 400 "The Host field is not a host with an optional port.",
    Authority = 400 "The authority of the request target is not a host with an optional port.",
    ContentLength = 400 "Content-Length is not one decimal number.",
    ContentLengthRepeated = 400 "The request has more than one Content-Length field.",
    TransferEncoding = 400 "Transfer-Encoding does not end with one chunked coding.",
    TransferEncodingRepeated = 400 "The request has more than one Transfer-Encoding field.",
    TransferEncodingWithLength = 400 "Transfer-Encoding and Content-Length stand in one request.",
    TransferEncodingOnHttp10 = 400 "An HTTP/1.0 request cannot have a Transfer-Encoding field.",
    TransferCoding = 501 "Only the chunked transfer coding is supported.",
    HeadTimeout = 408 "The request head took too long to arrive.",
    BodyTimeout = 408 "The request body took too long to arrive.",
    Expect = 417 "Only the expectation 100-continue is supported.",
    BodyLength = 413 "The request body is too large.",
    BodyRatio = 413 "The compressed request body inflates to too many times its size.",
    ContentCoding = 400 "The request body is not well-formed in its content coding.",
    ChunkSize = 400 "A chunk does not start with its size in hexadecimal digits.",
    ChunkSizeLength = 400 "A chunk size has more than 16 digits.",
    ChunkExtension = 400 "A chunk extension holds a control character.",
    ChunkExtensionBytes = 400 "The chunk extensions are too large.",
    ChunkEnd = 400 "The data of a chunk is not followed by CRLF.",
    TrailerName = 400 "A trailer name is not a token directly followed by a colon.",
    TrailerForbidden = 400 "A trailer field cannot frame or route its request.",
    TrailerValue = 400 "A trailer value holds a control character.",
    TrailerCount = 431 "The request has too many trailer fields.",
    TrailerBytes = 431 "The trailer fields are too large.",
}
