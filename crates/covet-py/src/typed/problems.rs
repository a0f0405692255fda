//! What is wrong with a client's value: a place, a code of a closed table, words without the value.

use std::fmt::Write as _;

use covet_server::json::{ScanError, ScanErrorKind};
use pyo3::PyErr;

/// Problems that are collected of one body; the rest of it is not looked at.
pub const MAX_PROBLEMS: usize = 100;

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $name:literal,)*) => {
        /// The closed table of codes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $code,)* }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$code,)*];

            /// The code on the wire.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$code => $name,)* }
            }
        }
    };
}

codes! {
    /// A required field is absent.
    Missing = "missing",
    /// A field that the type does not have, where such are forbidden.
    Unknown = "unknown",
    /// A text source gives it more than once.
    Repeated = "repeated",
    /// Not null.
    Null = "null",
    /// Neither true nor false.
    Bool = "bool",
    /// Not a whole number.
    Int = "int",
    /// Not a number.
    Float = "float",
    /// Not a string.
    Str = "str",
    /// Not base64.
    Bytes = "bytes",
    /// Not a decimal number.
    Decimal = "decimal",
    /// Not a UUID.
    Uuid = "uuid",
    /// Not a date with a time.
    Datetime = "datetime",
    /// Not a date.
    Date = "date",
    /// Not a time of day.
    Time = "time",
    /// Not a duration.
    Timedelta = "timedelta",
    /// Not an address, network or interface of IPv4 or IPv6.
    Ip = "ip",
    /// Not a path.
    Path = "path",
    /// None of an Enum's or a Literal's values.
    Choice = "choice",
    /// Not an array.
    Array = "array",
    /// Not an object.
    Object = "object",
    /// A tuple of another length.
    Length = "length",
    /// Not greater than the bound.
    Gt = "gt",
    /// Less than the bound.
    Ge = "ge",
    /// Not less than the bound.
    Lt = "lt",
    /// Greater than the bound.
    Le = "le",
    /// Not a multiple.
    MultipleOf = "multiple_of",
    /// Too short.
    MinLength = "min_length",
    /// Too long.
    MaxLength = "max_length",
    /// Does not match the regular expression.
    Pattern = "pattern",
    /// The field that decides between types is absent or has another value.
    Discriminator = "discriminator",
    /// No type of a union takes it.
    Union = "union",
    /// A key of an object is not what keys must be.
    Key = "key",
    /// A validator or a class refused it.
    Value = "value",
    /// Not JSON.
    Malformed = "malformed",
    /// Nested too deep.
    Depth = "depth",
    /// An integer of too many digits.
    Digits = "digits",
    /// A key that its object already has.
    Duplicate = "duplicate",
    /// Not UTF-8, or opened by a byte order mark.
    Encoding = "encoding",
}

/// One thing that is wrong. Never holds a part of the client's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, as a JSON pointer (RFC 6901); "" is the whole.
    pub pointer: String,
    /// What, for programs.
    pub code: Code,
    /// What, for people: a fragment such as "is not a whole number" that a name can precede.
    pub message: String,
    /// The type of the input: null, bool, int, float, str, array or object; None where there is none.
    pub input: Option<&'static str>,
    /// The byte, for a text that is not JSON.
    pub offset: Option<usize>,
}

impl Problem {
    /// A problem of the whole; whoever holds it puts the place in front.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>, input: Option<&'static str>) -> Self {
        Self {
            pointer: String::new(),
            code,
            message: message.into(),
            input,
            offset: None,
        }
    }

    /// Moves the place into the member `name` of an object.
    pub fn enter_member(&mut self, name: &str) {
        let mut pointer = String::with_capacity(1 + name.len() + self.pointer.len());
        pointer.push('/');
        for character in name.chars() {
            match character {
                '~' => pointer.push_str("~0"),
                '/' => pointer.push_str("~1"),
                other => pointer.push(other),
            }
        }
        pointer.push_str(&self.pointer);
        self.pointer = pointer;
    }

    /// Moves the place into the item `index` of an array.
    pub fn enter_item(&mut self, index: usize) {
        let mut pointer = String::with_capacity(8 + self.pointer.len());
        let _ = write!(pointer, "/{index}{}", self.pointer);
        self.pointer = pointer;
    }
}

impl From<ScanError> for Problem {
    #[cold]
    fn from(error: ScanError) -> Self {
        let code = match error.kind {
            ScanErrorKind::InvalidUtf8
            | ScanErrorKind::ByteOrderMark
            | ScanErrorKind::LoneSurrogate => Code::Encoding,
            ScanErrorKind::TooDeep => Code::Depth,
            ScanErrorKind::IntegerTooLong => Code::Digits,
            ScanErrorKind::DuplicateKey => Code::Duplicate,
            _ => Code::Malformed,
        };
        Self {
            offset: Some(error.offset),
            ..Self::new(code, error.kind.to_string(), None)
        }
    }
}

/// Why there is no object.
#[derive(Debug)]
pub enum Refused {
    /// The client's fault: what is wrong with the body, never empty.
    Problems(Vec<Problem>),
    /// The application's fault: what its code raised.
    Raised(PyErr),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_escape_what_rfc_6901_says() {
        let mut problem = Problem::new(Code::Int, "is not a whole number", Some("str"));
        problem.enter_item(3);
        problem.enter_member("a/b~c");
        problem.enter_member("");
        assert_eq!(problem.pointer, "//a~1b~0c/3");
    }

    #[test]
    fn names_are_distinct() {
        let names: std::collections::HashSet<_> =
            Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
    }
}
