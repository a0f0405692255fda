//! From a pattern and values to a path.
//!
//! Owns the way back: whatever it writes, the router reads as the same values. Knows nothing of
//! hosts or queries.

use std::fmt;

use super::pattern::Segment;
use super::{Converter, Pattern};
use crate::percent;

/// Why no path can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UrlError {
    /// A parameter has no value: its name and the pattern.
    Missing(String, String),
    /// A value has no parameter: its name and the pattern.
    LeftOver(String, String),
    /// A value that the parameter's converter does not accept, or that would make the path
    /// another one.
    Value {
        /// The parameter.
        name: String,
        /// What it accepts.
        converter: Converter,
        /// The value that was given.
        value: String,
    },
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name, pattern) => {
                write!(
                    f,
                    "path {pattern:?}: no value for parameter {name:?}; give one"
                )
            }
            Self::LeftOver(name, pattern) => {
                write!(
                    f,
                    "path {pattern:?}: it has no parameter {name:?}; leave the value out"
                )
            }
            Self::Value {
                name,
                converter,
                value,
            } => {
                write!(f, "{value:?} is no value for path parameter {name:?}: ")?;
                f.write_str(match converter {
                    Converter::Uuid => "give a UUID with hyphens",
                    Converter::Int => "give an integer of at most 4300 digits",
                    Converter::Float => "give a finite number",
                    Converter::Str => "give a text other than \"\", \".\" and \"..\"",
                    Converter::Path => "give a path without \".\" and \"..\" segments",
                })
            }
        }
    }
}

impl std::error::Error for UrlError {}

/// Writes the path of `pattern` with `values` by name, escaped. A `/` in the value of a `path`
/// parameter stays; anywhere else it becomes `%2F`.
///
/// # Errors
/// [`UrlError`] for a value that is missing, left over, or not acceptable to its parameter.
pub fn url_for(pattern: &Pattern, values: &[(&str, &str)]) -> Result<String, UrlError> {
    let of_pattern = || pattern.as_str().to_owned();
    let known = |name: &str| pattern.params().iter().any(|param| param.name == name);
    if let Some((name, _)) = values.iter().find(|(name, _)| !known(name)) {
        return Err(UrlError::LeftOver((*name).to_owned(), of_pattern()));
    }
    let mut params = pattern.params().iter();
    let mut url = String::with_capacity(pattern.as_str().len() + 16);
    for segment in pattern.segments() {
        url.push('/');
        match segment {
            Segment::Literal(text) => percent::encode_into(text, &mut url),
            Segment::Param(converter) => {
                let name = params.next().map_or("", |param| param.name.as_str());
                let Some((_, value)) = values.iter().find(|(given, _)| *given == name) else {
                    return Err(UrlError::Missing(name.to_owned(), of_pattern()));
                };
                if !is_writable(*converter, value) {
                    let (name, value) = (name.to_owned(), (*value).to_owned());
                    return Err(UrlError::Value {
                        name,
                        converter: *converter,
                        value,
                    });
                }
                write_value(*converter, value, &mut url);
            }
        }
    }
    Ok(url)
}

fn is_writable(converter: Converter, value: &str) -> bool {
    let is_dots = |piece: &str| matches!(piece, "." | "..");
    converter.accepts(value)
        && match converter {
            Converter::Path => !value.split('/').any(is_dots),
            _ => !is_dots(value),
        }
}

fn write_value(converter: Converter, value: &str, url: &mut String) {
    if converter != Converter::Path {
        return percent::encode_into(value, url);
    }
    for (i, piece) in value.split('/').enumerate() {
        if i > 0 {
            url.push('/');
        }
        percent::encode_into(piece, url);
    }
}
