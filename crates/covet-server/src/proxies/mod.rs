//! Who asked, where proxies stand in between: the client, the scheme and the host of a request.
//!
//! Only what a trusted peer says counts. Pure functions over a head; knows no socket and no handler.
//!
//! - `trusted`: the networks whose word counts
//! - `forwarded`: the grammar of `Forwarded` (RFC 7239) and of the `X-Forwarded-*` fields
//! - `protocol`: the PROXY protocol, a header before the first request
//! - `walk`: from the peer outwards to the first address that is not trusted

mod forwarded;
mod protocol;
mod trusted;
mod walk;

pub use protocol::{Header, NoHeader};
pub use trusted::{Trusted, TrustedError};
pub use walk::{Fields, Origin};
