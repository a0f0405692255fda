//! A route's path as written: `/shops/{shop_id:int}/{rest:path}`.
//!
//! Owns the grammar of patterns. Knows nothing of other patterns, of methods or of requests.

use std::fmt;
use std::str::FromStr;

use super::Converter;
use super::pattern_error::{PatternError, Problem};

/// The most segments of a pattern: the depth of the tree, and of the recursion that walks it.
pub(super) const MAX_SEGMENTS: usize = 256;

/// A pattern that has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    segments: Vec<Segment>,
    params: Vec<ParamSpec>,
}

/// One parameter of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamSpec {
    /// An identifier of Python, unique in its pattern.
    pub name: String,
    /// What the parameter accepts.
    pub converter: Converter,
}

/// What stands between two `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// Text that the decoded segment equals; empty only in the last place, after a trailing `/`.
    Literal(String),
    /// A parameter.
    Param(Converter),
}

impl Pattern {
    /// Checks `text`.
    ///
    /// # Errors
    /// The first mistake, in words for the author of the route.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        Self::read(text).map_err(|problem| PatternError::new(text, problem))
    }

    fn read(text: &str) -> Result<Self, Problem> {
        let rest = text.strip_prefix('/').ok_or(Problem::NoSlash)?;
        if let Some(sign) = text.chars().find(|sign| sign.is_control()) {
            return Err(Problem::Control(sign));
        }
        if let Some(sign) = text.chars().find(|sign| matches!(sign, '?' | '#')) {
            return Err(Problem::Delimiter(sign));
        }
        let count = rest.split('/').count();
        if count > MAX_SEGMENTS {
            return Err(Problem::TooLong(count));
        }
        let mut pattern = Self {
            text: text.to_owned(),
            segments: Vec::with_capacity(count),
            params: Vec::new(),
        };
        for (i, segment) in rest.split('/').enumerate() {
            pattern.push(segment, i + 1 == count)?;
        }
        Ok(pattern)
    }

    fn push(&mut self, segment: &str, last: bool) -> Result<(), Problem> {
        let Some(param) = param_in(segment)? else {
            check_literal(segment, last)?;
            self.segments.push(Segment::Literal(segment.to_owned()));
            return Ok(());
        };
        if self.params.iter().any(|other| other.name == param.name) {
            return Err(Problem::Duplicate(param.name));
        }
        if param.converter == Converter::Path && !last {
            return Err(Problem::PathNotLast(param.name));
        }
        self.segments.push(Segment::Param(param.converter));
        self.params.push(param);
        Ok(())
    }

    /// The parameters in the order in which they stand.
    #[must_use]
    pub fn params(&self) -> &[ParamSpec] {
        &self.params
    }

    /// The text as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        Self::parse(text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The parameter that `segment` is, none if it is literal text.
fn param_in(segment: &str) -> Result<Option<ParamSpec>, Problem> {
    if !segment.contains(['{', '}']) {
        return Ok(None);
    }
    if !braces_pair(segment) {
        return Err(Problem::Brace(segment.to_owned()));
    }
    let inner = segment
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    let Some(inner) = inner.filter(|inner| !inner.contains(['{', '}'])) else {
        return Err(Problem::Mixed(segment.to_owned()));
    };
    let (name, converter) = match inner.split_once(':') {
        Some((name, converter)) => (name, Some(converter)),
        None => (inner, None),
    };
    check_name(name)?;
    let converter = match converter {
        None => Converter::Str,
        Some(word) => Converter::from_name(word)
            .ok_or_else(|| Problem::Converter(word.to_owned(), name.to_owned()))?,
    };
    Ok(Some(ParamSpec {
        name: name.to_owned(),
        converter,
    }))
}

/// Whether every `{` is followed by its `}`, none inside another.
fn braces_pair(segment: &str) -> bool {
    let mut open = false;
    for sign in segment.chars() {
        match (sign, open) {
            ('{', false) => open = true,
            ('}', true) => open = false,
            ('{' | '}', _) => return false,
            _ => {}
        }
    }
    !open
}

fn check_literal(segment: &str, last: bool) -> Result<(), Problem> {
    if segment.is_empty() && !last {
        return Err(Problem::EmptySegment);
    }
    if matches!(segment, "." | "..") {
        return Err(Problem::Dots(segment.to_owned()));
    }
    for (at, _) in segment.match_indices('%') {
        if let Some(escape @ [_, high, low]) = segment.as_bytes().get(at..at + 3)
            && high.is_ascii_hexdigit()
            && low.is_ascii_hexdigit()
        {
            return Err(Problem::Escape(
                String::from_utf8_lossy(escape).into_owned(),
            ));
        }
    }
    Ok(())
}

/// Refuses what cannot name a parameter of a Python function. Python's own rule for letters
/// outside ASCII is narrower in rare places; there no function can have the name, which the
/// check of the handler's signature reports.
fn check_name(name: &str) -> Result<(), Problem> {
    let mut signs = name.chars();
    let starts = signs
        .next()
        .is_some_and(|sign| sign == '_' || sign.is_alphabetic());
    if !starts || !signs.all(|sign| sign == '_' || sign.is_alphanumeric()) {
        return Err(Problem::Name(name.to_owned()));
    }
    if KEYWORDS.contains(&name) {
        return Err(Problem::Keyword(name.to_owned()));
    }
    Ok(())
}

/// `keyword.kwlist` of Python 3.11 to 3.14.
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield",
];
