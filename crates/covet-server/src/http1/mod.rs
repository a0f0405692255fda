//! The sans-IO HTTP/1.1 codec: bytes in, events out; no socket, no clock.
//!
//! Reading is strict (RFC 9110, RFC 9112): whatever two recipients could frame differently is
//! refused. [`HeadParser`] fills a [`Head`] with offsets, [`BodyDecoder`] takes the framing off
//! the body, [`encode_head`] writes the head of an answer. Each works on whatever bytes have
//! arrived; how they were split never changes the outcome.

mod authority;
mod body;
mod date;
mod encode;
mod framing;
mod head;
pub(crate) mod octets;
mod options;
mod parser;
mod refusal;
mod span;
mod status;
mod target;
mod trailers;

pub(crate) use authority::is_authority;
pub use body::{BodyDecoder, BodyLimits, Step};
pub use date::DateCache;
pub use encode::{
    AnswerHead, AnswerLength, CHUNK_END, CONTINUE, LAST_CHUNK, encode_chunk_size, encode_head,
    field_is_valid,
};
pub use framing::Framing;
pub use head::{Field, Head, HeadLimits, Method, Version};
pub(crate) use octets::is_token;
pub use parser::HeadParser;
pub use refusal::{Reason, Refusal};
pub use span::Span;
pub use status::{reason_phrase, status_line};
pub use target::TargetForm;
