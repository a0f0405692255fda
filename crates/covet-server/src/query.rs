//! Query strings and form bodies: the rules of `application/x-www-form-urlencoded`.
//!
//! [`pairs`] splits and decodes as the URL standard says: `&` separates, the first `=` ends the
//! name, `+` is a space, `%XX` an octet, and octets that are no UTF-8 become U+FFFD. Nothing here
//! limits the number of pairs: the caller counts with [`count`] before it decodes.

use std::borrow::Cow;

/// The pairs of `raw`, decoded, in the order they were sent. A piece without `=` has an empty
/// value; empty pieces (`a=1&&b=2`) are skipped.
///
/// What holds no escape, no `+` and only UTF-8 is borrowed from `raw`.
pub fn pairs(raw: &[u8]) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form_urlencoded::parse(raw)
}

/// Number of pairs that [`pairs`] will yield: what a limit on query fields is compared with.
#[must_use]
pub fn count(raw: &[u8]) -> usize {
    raw.split(|&byte| byte == b'&')
        .filter(|piece| !piece.is_empty())
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pairs = &'static [(&'static str, &'static str)];

    const CASES: &[(&[u8], Pairs)] = &[
        (b"", &[]),
        (b"a=1", &[("a", "1")]),
        (b"a=1&b=2&a=3", &[("a", "1"), ("b", "2"), ("a", "3")]),
        (b"a", &[("a", "")]),
        (b"a=", &[("a", "")]),
        (b"=1", &[("", "1")]),
        (b"=", &[("", "")]),
        (b"&&a=1&", &[("a", "1")]),
        (b"a=b=c", &[("a", "b=c")]),
        (b"a=1;b=2", &[("a", "1;b=2")]),
        (b"a+b=c+d", &[("a b", "c d")]),
        (b"a%20b=%2B%26%3D", &[("a b", "+&=")]),
        (b"n=%C3%A9", &[("n", "\u{e9}")]),
        (b"n=%ff%fe", &[("n", "\u{fffd}\u{fffd}")]),
        (b"n=\xff", &[("n", "\u{fffd}")]),
        (b"n=%zz%4", &[("n", "%zz%4")]),
        (b"n=%00", &[("n", "\0")]),
    ];

    #[test]
    fn splits_and_decodes() {
        for (raw, expected) in CASES {
            let found: Vec<_> = pairs(raw).collect();
            let expected: Vec<_> = expected
                .iter()
                .map(|&(name, value)| (Cow::Borrowed(name), Cow::Borrowed(value)))
                .collect();
            assert_eq!(found, expected, "{}", raw.escape_ascii());
        }
    }

    #[test]
    fn counts_what_it_yields() {
        for (raw, expected) in CASES {
            assert_eq!(count(raw), expected.len(), "{}", raw.escape_ascii());
        }
    }

    #[test]
    fn borrows_what_needs_no_decoding() {
        for (name, value) in pairs(b"plain=text&other=42&empty=") {
            assert!(matches!(name, Cow::Borrowed(_)), "{name}");
            assert!(matches!(value, Cow::Borrowed(_)), "{value}");
        }
    }
}
