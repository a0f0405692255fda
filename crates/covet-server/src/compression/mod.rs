//! Content codings: answers encoded as their client accepts, bodies of requests decoded within bounds.
//!
//! Off unless a route says so. Knows neither sockets nor routes: the connection hands over answers
//! and bytes. RFC 9110 sections 8.4 and 12.5.3.
//!
//! - [`coding`]: the codings and their names; [`acceptance`]: what a client prefers
//! - [`eligible`]: which answers are encoded; [`fields`]: their encoded fields, looked at and changed
//! - [`outgoing`]: from a route's options and a request to the encoded answer
//! - [`encoded`]: a body encoded while it is sent; [`encoder`]: the codecs behind it
//! - [`inflating`]: a request's body within its bounds; [`decoder`]: the codecs behind it

mod acceptance;
mod coding;
mod decoder;
mod eligible;
mod encoded;
mod encoder;
mod fields;
mod inflating;
mod outgoing;

pub(crate) use self::acceptance::Acceptance;
pub(crate) use self::encoded::Aside;
pub(crate) use self::inflating::{Bounds, Codec, Incoming, Inflating, unsupported};
pub use self::outgoing::Compress;
pub(crate) use self::outgoing::{Offered, Planned};
