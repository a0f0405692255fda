//! Percent-encoding of path segments (RFC 3986 section 2.1).
//!
//! Owns the two directions between the text of a segment and its form in a URL. Knows nothing
//! of patterns, of `/`, or of which texts a route accepts.

/// A `%` that two hexadecimal digits do not follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadEscape;

/// Appends `raw` to `out`, every `%XX` replaced by its byte.
///
/// # Errors
/// [`BadEscape`] at the first `%` without two hexadecimal digits; `out` then holds what came
/// before it.
pub fn decode_into(raw: &[u8], out: &mut Vec<u8>) -> Result<(), BadEscape> {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'%', rest) {
        out.extend_from_slice(&rest[..at]);
        let [high, low, tail @ ..] = &rest[at + 1..] else {
            return Err(BadEscape);
        };
        out.push(digit(*high)? << 4 | digit(*low)?);
        rest = tail;
    }
    out.extend_from_slice(rest);
    Ok(())
}

/// Appends `text` to `out`, everything escaped but the unreserved characters, `:` and `@`.
///
/// The result is valid inside a path segment and needs no further escaping in HTML or in a
/// header field.
pub fn encode_into(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

fn digit(byte: u8) -> Result<u8, BadEscape> {
    match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        b'A'..=b'F' => Ok(byte - b'A' + 10),
        _ => Err(BadEscape),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_each_escape_once() {
        for (raw, text) in [
            ("", Ok("")),
            ("plain", Ok("plain")),
            ("%61dmin", Ok("admin")),
            ("a%2Fb%2fc", Ok("a/b/c")),
            ("%2561", Ok("%61")),
            ("%C3%a9", Ok("é")),
            ("%00", Ok("\0")),
            ("%", Err(BadEscape)),
            ("a%4", Err(BadEscape)),
            ("%G1", Err(BadEscape)),
            ("%1G", Err(BadEscape)),
            ("%+1", Err(BadEscape)),
        ] {
            let mut out = Vec::new();
            let answer = decode_into(raw.as_bytes(), &mut out).map(|()| out);
            assert_eq!(answer, text.map(|text| text.as_bytes().to_vec()), "{raw}");
        }
    }

    #[test]
    fn encodes_all_but_the_unreserved() {
        for (text, url) in [
            ("aZ09-._~:@", "aZ09-._~:@"),
            ("a b/c", "a%20b%2Fc"),
            ("é&'\"<>?#%\0", "%C3%A9%26%27%22%3C%3E%3F%23%25%00"),
        ] {
            let mut out = String::new();
            encode_into(text, &mut out);
            assert_eq!(out, url);
        }
    }
}
