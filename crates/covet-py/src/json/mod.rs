//! Python values to JSON bytes and back.
//!
//! # Layout
//! - `encode`: walks a value and appends its JSON; `encode_text`, `encode_key`: what is written as text
//! - `kind`: how the values of a type are encoded; `fields`: those of an object
//! - `encode_error`: what failed and the path to it; `refusal`: the words
//! - `decode`: builds values from the scanner's events; `key_cache`: keys met before
//! - `functions`: the two as Python functions; `exceptions`: what they raise
//!
//! Scanning, escaping and numbers are `covet_server::json`, which knows no Python.

mod decode;
pub(crate) mod encode;
pub(crate) mod encode_error;
mod encode_key;
mod encode_text;
pub mod exceptions;
pub(crate) mod fields;
mod functions;
mod key_cache;
pub(crate) mod kind;
pub(crate) mod refusal;

pub(crate) use decode::decode_value;
pub use decode::{DecodeError, decode};
pub use encode::{EncodeOptions, encode, encode_with};
pub use encode_error::EncodeError;
pub use functions::{json_decode, json_encode};
pub(crate) use functions::{malformed_error, raise_encode_error, with_bytes};
