//! The inside of a JSON string: where it ends and what its escapes mean.

use super::error::ScanErrorKind;
use super::plain::plain_prefix;

/// A refusal inside a string and the byte it is at.
type Refusal = (ScanErrorKind, usize);

/// Reads the string whose first byte after the opening quote is `text[start]`. Returns its value
/// and the offset after its closing quote. A string with escapes is put together in `scratch`.
#[inline]
pub(super) fn scan_text<'s>(
    text: &'s str,
    start: usize,
    scratch: &'s mut String,
) -> Result<(&'s str, usize), Refusal> {
    let bytes = text.as_bytes();
    let end = start + plain_prefix(&bytes[start..]);
    if bytes.get(end) == Some(&b'"') {
        return Ok((&text[start..end], end + 1));
    }
    scratch.clear();
    let after = scan_escaped(text, start, end, scratch)?;
    Ok((scratch, after))
}

/// The general case: `text[start..end]` is plain, at `end` is an escape or an error.
#[cold]
fn scan_escaped(
    text: &str,
    mut start: usize,
    mut end: usize,
    out: &mut String,
) -> Result<usize, Refusal> {
    let bytes = text.as_bytes();
    loop {
        out.push_str(&text[start..end]);
        match bytes.get(end) {
            Some(b'"') => return Ok(end + 1),
            Some(b'\\') => {}
            Some(_) => return Err((ScanErrorKind::ControlCharacter, end)),
            None => return Err((ScanErrorKind::UnexpectedEnd, end)),
        }
        let (character, length) = scan_escape(bytes, end)?;
        out.push(character);
        start = end + length;
        end = start + plain_prefix(&bytes[start..]);
    }
}

/// Reads the escape whose backslash is at `at`. Returns its character and its length in bytes.
fn scan_escape(bytes: &[u8], at: usize) -> Result<(char, usize), Refusal> {
    let Some(&letter) = bytes.get(at + 1) else {
        return Err((ScanErrorKind::UnexpectedEnd, bytes.len()));
    };
    let character = match letter {
        b'"' | b'\\' | b'/' => char::from(letter),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return scan_unicode_escape(bytes, at),
        _ => return Err((ScanErrorKind::InvalidEscape, at)),
    };
    Ok((character, 2))
}

/// Reads `\uXXXX`, or two of them that are one surrogate pair (RFC 8259, section 7).
fn scan_unicode_escape(bytes: &[u8], at: usize) -> Result<(char, usize), Refusal> {
    let unit = scan_hex4(bytes, at)?;
    if let Some(character) = char::from_u32(unit) {
        return Ok((character, 6));
    }
    let lone = Err((ScanErrorKind::LoneSurrogate, at));
    match (bytes.get(at + 6), bytes.get(at + 7)) {
        (None, _) | (Some(b'\\'), None) => return Err((ScanErrorKind::UnexpectedEnd, bytes.len())),
        (Some(b'\\'), Some(b'u')) if unit < 0xDC00 => {}
        _ => return lone,
    }
    let low = scan_hex4(bytes, at + 6)?;
    if !(0xDC00..0xE000).contains(&low) {
        return lone;
    }
    let joined = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    char::from_u32(joined).map_or(lone, |character| Ok((character, 12)))
}

/// The value of the four digits of the `\u` at `at`.
fn scan_hex4(bytes: &[u8], at: usize) -> Result<u32, Refusal> {
    let mut value = 0;
    for offset in at + 2..at + 6 {
        let Some(&byte) = bytes.get(offset) else {
            return Err((ScanErrorKind::UnexpectedEnd, bytes.len()));
        };
        let digit = char::from(byte)
            .to_digit(16)
            .ok_or((ScanErrorKind::InvalidEscape, at))?;
        value = value << 4 | digit;
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> Result<(String, usize), Refusal> {
        let mut scratch = String::from("left over");
        scan_text(text, 1, &mut scratch).map(|(value, after)| (value.to_owned(), after))
    }

    #[test]
    fn values() {
        for (text, value) in [
            (r#""""#, ""),
            (r#""abc""#, "abc"),
            (
                r#""é😀 and a long plain tail""#,
                "é😀 and a long plain tail",
            ),
            (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r#""a\u0041\u00e9\u20AC\u0000z""#, "aA\u{e9}\u{20ac}\0z"),
            (r#""\ud83d\ude00""#, "\u{1f600}"),
            (r#""\uDBFF\uDFFF\uD800\uDC00""#, "\u{10ffff}\u{10000}"),
            ("\"\u{7f}\"", "\u{7f}"),
        ] {
            assert_eq!(scan(text), Ok((value.to_owned(), text.len())), "{text}");
        }
    }

    #[test]
    fn refusals_and_their_places() {
        use ScanErrorKind::{ControlCharacter, InvalidEscape, LoneSurrogate, UnexpectedEnd};
        for (text, kind, at) in [
            (r#""abc"#, UnexpectedEnd, 4),
            (r#""abc\"#, UnexpectedEnd, 5),
            (r#""\u12"#, UnexpectedEnd, 5),
            (r#""\ud800"#, UnexpectedEnd, 7),
            (r#""\ud800\"#, UnexpectedEnd, 8),
            ("\"a\nb\"", ControlCharacter, 2),
            ("\"a\\n\0\"", ControlCharacter, 4),
            (r#""a\x""#, InvalidEscape, 2),
            (r#""a\u12g4""#, InvalidEscape, 2),
            (r#""a\u+123""#, InvalidEscape, 2),
            (r#""\ud800""#, LoneSurrogate, 1),
            (r#""\ud800\n""#, LoneSurrogate, 1),
            (r#""\ud800\u0041""#, LoneSurrogate, 1),
            (r#""\ud800\ud800""#, LoneSurrogate, 1),
            (r#""ab\udc00\ud800""#, LoneSurrogate, 3),
        ] {
            assert_eq!(scan(text), Err((kind, at)), "{text}");
        }
    }
}
