//! What is wrong with the text of a pattern, in words.
//!
//! Owns the messages: what was wrong, the value, what to do. Finding the mistake is the work of
//! `pattern.rs`.

use std::fmt;

use super::Converter;
use super::pattern::MAX_SEGMENTS;

/// A pattern that cannot be a route; its text says what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    pattern: String,
    problem: Problem,
}

/// The kinds of mistakes, each with the piece of the pattern that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Problem {
    /// No leading `/`.
    NoSlash,
    /// `//` before the end.
    EmptySegment,
    /// A `.` or `..` segment.
    Dots(String),
    /// More than `MAX_SEGMENTS` segments.
    TooLong(usize),
    /// `?` or `#`.
    Delimiter(char),
    /// A control character.
    Control(char),
    /// `%XX` in literal text.
    Escape(String),
    /// A brace without its partner.
    Brace(String),
    /// Text beside a parameter, or two parameters, in one segment.
    Mixed(String),
    /// Not an identifier of Python.
    Name(String),
    /// A keyword of Python.
    Keyword(String),
    /// The same name twice.
    Duplicate(String),
    /// A converter that does not exist: its name, the parameter's name.
    Converter(String, String),
    /// A `path` parameter before the last segment.
    PathNotLast(String),
}

impl PatternError {
    pub(super) fn new(pattern: &str, problem: Problem) -> Self {
        Self {
            pattern: pattern.to_owned(),
            problem,
        }
    }

    /// The text that was refused.
    #[must_use]
    pub fn pattern(&self) -> &str {
        &self.pattern
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "path {:?}: ", self.pattern)?;
        match &self.problem {
            Problem::NoSlash => {
                write!(
                    f,
                    "it does not start with \"/\"; write {:?}",
                    format!("/{}", self.pattern)
                )
            }
            Problem::EmptySegment => {
                f.write_str("\"//\" makes an empty segment that nothing matches; write one \"/\"")
            }
            Problem::Dots(segment) => write!(
                f,
                "requests with a {segment:?} segment are refused, so it never matches; \
                 write the path it stands for"
            ),
            Problem::TooLong(count) => write!(
                f,
                "{count} segments are more than {MAX_SEGMENTS}; end it with a \"{{rest:path}}\" \
                 parameter"
            ),
            Problem::Delimiter(sign) => write!(
                f,
                "{sign:?} ends a path, so it never matches; write the path alone and declare \
                 query parameters in the handler"
            ),
            Problem::Control(sign) => {
                write!(f, "it holds the control character {sign:?}; remove it")
            }
            Problem::Escape(escape) => write!(
                f,
                "requests are decoded before they are matched, so {escape:?} never matches; \
                 write the character itself"
            ),
            Problem::Brace(segment) => write!(
                f,
                "a brace in {segment:?} has no partner; a parameter is a whole segment such as \
                 \"{{id}}\" or \"{{id:int}}\""
            ),
            Problem::Mixed(segment) => write!(
                f,
                "{segment:?} has more than a parameter; a parameter is a whole segment, so write \
                 \"{{name}}\" and take its text apart in the handler"
            ),
            Problem::Name(name) => write!(
                f,
                "{name:?} is not a Python identifier; name the parameter with letters, digits \
                 and \"_\", no digit first"
            ),
            Problem::Keyword(name) => write!(
                f,
                "{name:?} is a keyword of Python; write {:?}",
                format!("{{{name}_}}")
            ),
            Problem::Duplicate(name) => {
                write!(f, "two parameters are called {name:?}; rename one of them")
            }
            Problem::Converter(converter, name) => {
                write!(
                    f,
                    "there is no converter {converter:?} for {name:?}; choose from"
                )?;
                for (i, known) in Converter::ALL.iter().enumerate() {
                    f.write_str(if i == 0 { " " } else { ", " })?;
                    write!(f, "{known}")?;
                }
                Ok(())
            }
            Problem::PathNotLast(name) => write!(
                f,
                "{:?} takes the rest of the path, so nothing may follow it; move it to the end \
                 or write {:?}",
                format!("{{{name}:path}}"),
                format!("{{{name}}}")
            ),
        }
    }
}

impl std::error::Error for PatternError {}
