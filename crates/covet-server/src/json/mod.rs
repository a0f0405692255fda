//! JSON without Python: escaping, numbers, scanning.
//!
//! [`write`] appends JSON text to a buffer, [`Scanner`] reads it strictly in one pass. Neither
//! builds a tree: whoever holds the values (the binding crate) drives them.

mod error;
mod keys;
mod number;
mod pattern;
mod plain;
mod scan;
mod short;
mod text;
pub mod write;

pub use error::{ScanError, ScanErrorKind};
pub use keys::Keys;
pub use number::MAX_INT_DIGITS;
pub use pattern::KeyPattern;
pub use scan::{Event, Key, Mark, Scanner, Text};

/// Containers that may be nested in each other, when reading and when writing.
pub const MAX_DEPTH: usize = 128;
