//! The sans-IO codec of `multipart/form-data` (RFC 7578, RFC 2046): bytes in, steps out.
//!
//! Every byte is looked at a bounded number of times, whatever it is. What two readers could read
//! differently (LF line ends, folded fields, a boundary that only begins a line) is refused.
//!
//! # Layout
//! - [`Parser`]: the state machine; [`Limits`]: what it allows; [`Error`]: what it refuses
//! - [`PartHead`]: the fields of a part: name, file name, content type
//! - [`boundary`]: the boundary that a `Content-Type` names; `parameters`: `; name=value` lists
//!
//! Knows no sockets, files or Python. Neighbour: [`crate::spool`], which keeps what parts hold.

mod boundary;
mod error;
mod limits;
mod parameters;
mod parser;
mod part_head;

pub use self::boundary::boundary;
pub use self::error::Error;
pub use self::limits::Limits;
pub use self::parser::{Parser, Step};
pub use self::part_head::PartHead;
