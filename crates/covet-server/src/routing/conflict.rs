//! Why a route cannot join a router, in words.
//!
//! Owns the messages; finding the conflict is the work of the builder.

use std::fmt;

/// A route that was refused; its text names the places and says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conflict {
    /// Another route of equal rank answers the same method on the same paths.
    SameRoute(Box<SameRoute>),
    /// The methods are not a list of names, or `"*"` alone.
    Methods {
        /// What was given.
        methods: Vec<String>,
        /// The pattern of the route.
        pattern: String,
        /// Where the route is written.
        origin: String,
    },
}

/// Two routes that cannot be told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SameRoute {
    /// The method of both, `"*"` for any.
    pub method: String,
    /// The pattern of the route that was there first.
    pub first_pattern: String,
    /// Where the first route is written.
    pub first_origin: String,
    /// The pattern of the route that was refused.
    pub second_pattern: String,
    /// Where the second route is written.
    pub second_origin: String,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameRoute(pair) => pair.fmt(f),
            Self::Methods {
                methods,
                pattern,
                origin,
            } => write!(
                f,
                "methods {methods:?} of path {pattern:?} ({origin}) are not methods; write names \
                 in capitals such as \"GET\", or \"*\" alone for any"
            ),
        }
    }
}

impl fmt::Display for SameRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = if self.method == "*" {
            "any method of"
        } else {
            &self.method
        };
        write!(
            f,
            "{method} {:?} ({}) is already answered by {:?} ({}): both match the same paths with \
             equal rank; ",
            self.second_pattern, self.second_origin, self.first_pattern, self.first_origin
        )?;
        if self.first_pattern == self.second_pattern {
            f.write_str("remove one, or change its path or method")
        } else {
            f.write_str(
                "parameter names do not tell paths apart, so change a literal, a converter or \
                 the method of one",
            )
        }
    }
}

impl std::error::Error for Conflict {}
