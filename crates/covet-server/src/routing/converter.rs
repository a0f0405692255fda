//! Converters: which decoded text a parameter accepts.
//!
//! Owns the five grammars and their rank. They accept only text that Python's own conversion
//! of the same name takes; the conversion itself happens elsewhere.

use std::fmt;

/// The most digits `int` accepts: Python's own bound for converting text to `int`.
const MAX_INT_DIGITS: usize = 4300;

/// What a parameter accepts, in the order in which the router tries them at one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Converter {
    /// `{id:uuid}`: 8-4-4-4-12 hexadecimal digits of either case.
    Uuid,
    /// `{id:int}`: an optional `-` and 1 to 4300 ASCII digits.
    Int,
    /// `{id:float}`: an optional `-`, digits, then a fraction and an exponent where wanted; never
    /// an infinity, spelled or by overflow.
    Float,
    /// `{id}` or `{id:str}`: any segment that is not empty.
    Str,
    /// `{rest:path}`: all that is left of the path, which may be empty; only as the last segment.
    Path,
}

impl Converter {
    /// Every converter, in rank order.
    pub(super) const ALL: [Self; 5] = [Self::Uuid, Self::Int, Self::Float, Self::Str, Self::Path];

    /// The name that follows the colon in a pattern.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Uuid => "uuid",
            Self::Int => "int",
            Self::Float => "float",
            Self::Str => "str",
            Self::Path => "path",
        }
    }

    /// The converter called `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// Whether a parameter of this kind takes `text`, which is decoded.
    #[must_use]
    pub fn accepts(self, text: &str) -> bool {
        match self {
            Self::Uuid => is_uuid(text.as_bytes()),
            Self::Int => is_int(text.as_bytes()),
            Self::Float => is_float(text),
            Self::Str => !text.is_empty(),
            Self::Path => true,
        }
    }
}

impl fmt::Display for Converter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_int(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    (1..=MAX_INT_DIGITS).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
}

fn is_float(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut rest = bytes.strip_prefix(b"-").unwrap_or(bytes);
    if !take_digits(&mut rest) {
        return false;
    }
    if let [b'.', fraction @ ..] = rest {
        rest = fraction;
        if !take_digits(&mut rest) {
            return false;
        }
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let ([b'+' | b'-', digits @ ..] | digits) = exponent;
        rest = digits;
        if !take_digits(&mut rest) {
            return false;
        }
    }
    rest.is_empty() && text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// Moves `rest` past its leading digits; false if there are none.
fn take_digits(rest: &mut &[u8]) -> bool {
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    *rest = &rest[count..];
    count > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The converters that accept `text`, by rank.
    fn accepted(text: &str) -> Vec<&'static str> {
        let all = Converter::ALL.into_iter();
        all.filter(|one| one.accepts(text))
            .map(Converter::name)
            .collect()
    }

    #[test]
    fn each_text_is_accepted_by_the_right_converters() {
        let int: &[&str] = &["int", "float", "str", "path"];
        let float: &[&str] = &["float", "str", "path"];
        let text: &[&str] = &["str", "path"];
        for (value, expected) in [
            ("0", int),
            ("-0", int),
            ("007", int),
            ("-12", int),
            ("1.5", float),
            ("-1.5e10", float),
            ("1e-7", float),
            ("2E+3", float),
            ("+1", text),
            ("--1", text),
            ("-", text),
            ("1_000", text),
            ("1_0.5", text),
            (" 1", text),
            ("1 ", text),
            ("1.", text),
            (".5", text),
            ("1e", text),
            ("1e+", text),
            ("1.5.2", text),
            ("0x1f", text),
            ("inf", text),
            ("-Infinity", text),
            ("nan", text),
            ("1e999", text),
            ("\u{661}", text),
            ("1\0", text),
            ("", &["path"]),
            (
                "67e55044-10b1-426f-9247-bb680e5fe0c8",
                &["uuid", "str", "path"],
            ),
            (
                "67E55044-10B1-426F-9247-BB680E5FE0C8",
                &["uuid", "str", "path"],
            ),
            ("67e5504410b1426f9247bb680e5fe0c8", text),
            ("{67e55044-10b1-426f-9247-bb680e5fe0c8}", text),
            ("67e55044-10b1-426f-9247-bb680e5fe0cg", text),
            ("67e550441-0b1-426f-9247-bb680e5fe0c8", text),
        ] {
            assert_eq!(accepted(value), expected, "{value:?}");
        }
    }

    #[test]
    fn int_stops_at_4300_digits() {
        for (digits, accepted) in [(4299, true), (4300, true), (4301, false)] {
            let text = "9".repeat(digits);
            assert_eq!(Converter::Int.accepts(&text), accepted, "{digits}");
            assert_eq!(
                Converter::Int.accepts(&format!("-{text}")),
                accepted,
                "-{digits}"
            );
        }
    }

    #[test]
    fn names_lead_back_to_their_converter() {
        for converter in Converter::ALL {
            assert_eq!(Converter::from_name(converter.name()), Some(converter));
        }
        assert_eq!(Converter::from_name("Int"), None);
    }
}
