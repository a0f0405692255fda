//! Python values to JSON bytes and back.
//!
//! # Layout
//! - `encode`: walks a value and appends its JSON; `kind`: how the values of a type are encoded
//! - `encode_error`: what failed and the path to it
//! - `decode`: builds values from the scanner's events; `key_cache`: keys met before
//! - `functions`: the two as Python functions
//!
//! Scanning, escaping and numbers are `covet_server::json`, which knows no Python.

mod decode;
mod encode;
mod encode_error;
mod functions;
mod key_cache;
mod kind;

pub(crate) use decode::decode_value;
pub use decode::{DecodeError, decode};
pub use encode::encode;
pub use encode_error::EncodeError;
pub use functions::{JSONDecodeError, JSONEncodeError, json_decode, json_encode};
pub(crate) use functions::{malformed_error, raise_encode_error, with_bytes};
