//! Routing: a method and a raw path become a route and the text of its parameters.
//!
//! Knows nothing of requests, sockets or Python: routes carry any value `T`.
//!
//! # Layout
//! - [`Pattern`], [`Converter`]: what a route's path says, parsed and checked
//! - [`RouterBuilder`]: collects routes, refuses those that could not be told apart
//! - [`Router`]: the finished segment tree; answers [`Match`] and fills [`Params`]
//! - [`url_for`]: the way back, from a pattern and values to a path

mod conflict;
mod converter;
mod literals;
mod methods;
mod params;
mod pattern;
mod pattern_error;
mod router;
mod tree;
mod url;

pub use conflict::Conflict;
pub use converter::Converter;
pub use params::{Iter, Params};
pub use pattern::{ParamSpec, Pattern};
pub use pattern_error::PatternError;
pub use router::{Match, Router, RouterBuilder};
pub use url::{UrlError, url_for};
