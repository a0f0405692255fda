//! `Content-Disposition` of a file that is to be saved under a name, RFC 6266 and RFC 8187.
//!
//! Any name is made to fit: no header can break, and no separator of paths is sent.

use std::fmt::Write as _;

/// The value of Content-Disposition for `kind` (`attachment` or `inline`) and a file called `name`.
///
/// A name that is not plain ASCII comes twice: for old clients with `_` for what they cannot read,
/// and encoded.
#[must_use]
pub fn content_disposition(kind: &str, name: &str) -> String {
    let name = name.replace(
        |found: char| found.is_control() || "/\\".contains(found),
        "_",
    );
    let plain = name.replace(
        |found: char| !found.is_ascii() || "\"%".contains(found),
        "_",
    );
    let mut value = format!("{kind}; filename=\"{plain}\"");
    if plain != name {
        value.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            // attr-char of RFC 8187 section 3.2.1
            if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
                value.push(char::from(byte));
            } else {
                let _ = write!(value, "%{byte:02X}");
            }
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, expected) in [
            ("a.txt", r#"attachment; filename="a.txt""#),
            ("a b;c.txt", r#"attachment; filename="a b;c.txt""#),
            (
                "\u{20ac} rates.pdf",
                r#"attachment; filename="_ rates.pdf"; filename*=UTF-8''%E2%82%AC%20rates.pdf"#,
            ),
            (
                "a\"b.txt",
                r#"attachment; filename="a_b.txt"; filename*=UTF-8''a%22b.txt"#,
            ),
            (
                "50%.txt",
                r#"attachment; filename="50_.txt"; filename*=UTF-8''50%25.txt"#,
            ),
            ("../a\\b", r#"attachment; filename=".._a_b""#),
            (
                "a\r\nset-cookie: b",
                r#"attachment; filename="a__set-cookie: b""#,
            ),
            ("a\u{85}b", r#"attachment; filename="a_b""#),
        ] {
            assert_eq!(
                content_disposition("attachment", name),
                expected,
                "{name:?}"
            );
        }
        assert_eq!(
            content_disposition("inline", "a"),
            r#"inline; filename="a""#
        );
    }
}
