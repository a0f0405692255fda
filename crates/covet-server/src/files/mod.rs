//! Files as answers: which file a path means, what the client has of it, which part it wants.
//!
//! Knows no socket and no route; `connection/output.rs` sends what is made here.
//! - [`Files`]: a directory under a route; `resolve`: a path below it to an open file
//! - [`StoredFile`]: an open regular file; [`FileBody`]: what of it is sent
//! - [`conditional`], [`range`]: RFC 9110 sections 13 and 14 as functions of [`Asked`]; `settle` applies both
//! - [`content_disposition`]: the name that a client saves a file under
//! - [`media`]: media types and names that hold a digest; `encoding`: precompressed siblings

mod asked;
mod body;
pub mod conditional;
mod directory;
mod disposition;
mod encoding;
pub mod media;
pub mod range;
mod resolve;
mod settle;
mod stored;

pub use asked::{Asked, Condition};
pub use body::FileBody;
pub(crate) use body::Piece;
pub use directory::Files;
pub use disposition::content_disposition;
pub use resolve::open_below;
pub(crate) use settle::{Sending, settle};
pub use stored::StoredFile;
