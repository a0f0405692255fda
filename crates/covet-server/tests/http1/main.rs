//! The HTTP/1.1 codec through its public API, driven as a server would drive it.

#![allow(missing_docs, clippy::unwrap_used)]
#![allow(
    clippy::type_complexity,
    clippy::too_many_lines,
    reason = "a test here is a table: its type is read once, its lines are its rows"
)]

mod bytes;
mod cases;
mod corpus;
mod echo;
mod encode;
mod heads;
mod limits;
mod split;
