//! Appends JSON text to a buffer: strings, numbers, the three words.
//!
//! The output is compact UTF-8 (RFC 8259). Commas, brackets and nesting belong to the caller.

use super::plain::plain_prefix;
use super::short::write_short_str;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends `text` in quotes, escaping `"`, `\` and control characters and nothing else.
pub fn write_str(out: &mut Vec<u8>, text: &str) {
    write_open_str(out, text);
    out.push(b'"');
}

/// [`write_str`] and the byte `after`, a comma or a colon: short strings without a copy's call.
#[inline]
pub fn write_str_then(out: &mut Vec<u8>, text: &str, after: u8) {
    if !write_short_str(out, text.as_bytes(), after) {
        write_open_str(out, text);
        out.extend_from_slice(&[b'"', after]);
    }
}

/// The string without its closing quote.
#[inline(never)]
fn write_open_str(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 3);
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, special) = rest.split_at(plain_prefix(rest));
        out.extend_from_slice(plain);
        let Some((&byte, after)) = special.split_first() else {
            break;
        };
        write_escape(out, byte);
        rest = after;
    }
}

#[cold]
fn write_escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0C => b'f',
        _ => {
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Appends an integer in decimal.
pub fn write_i64(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends an unsigned integer in decimal.
pub fn write_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// [`write_i64`] and the byte `after`: for numbers of up to seven digits one store.
#[inline]
pub fn write_i64_then(out: &mut Vec<u8>, value: i64, after: u8) {
    let magnitude = value.unsigned_abs();
    if magnitude >= 10_000_000 {
        write_i64(out, value);
        out.push(after);
        return;
    }
    if value < 0 {
        out.push(b'-');
    }
    let (digits, length) = short_decimal(magnitude);
    let word = digits | (u64::from(after) << (8 * length));
    let end = out.len() + length + 1;
    out.extend_from_slice(&word.to_le_bytes());
    out.truncate(end);
}

/// The decimal digits of a number below 10,000,000, the first in the lowest byte, and how
/// many they are. Halves the number three times, all parts at once, because bytes that were
/// stored one by one are slow to load as a word.
#[inline]
fn short_decimal(value: u64) -> (u64, usize) {
    let fours = (value / 10_000) | ((value % 10_000) << 32);
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007F_0000_007F;
    let twos = hundreds | ((fours - hundreds * 100) << 16);
    let tens = ((twos * 103) >> 10) & 0x000F_000F_000F_000F;
    let digits = tens | ((twos - tens * 10) << 8);
    // The last digit stays, whatever it is.
    let zeros = (digits | (1 << 56)).trailing_zeros() / 8;
    let text = (digits | 0x3030_3030_3030_3030) >> (8 * zeros);
    (text, 8 - zeros as usize)
}

/// Appends the shortest text that reads back as exactly `value`, always with a `.` or an
/// exponent. Returns false and appends nothing for NaN and the infinities: JSON has no text for them.
#[inline]
#[must_use]
pub fn write_f64(out: &mut Vec<u8>, value: f64) -> bool {
    if !value.is_finite() {
        return false;
    }
    out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    true
}

/// Appends `true` or `false`.
#[inline]
pub fn write_bool(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

/// Appends `null`.
#[inline]
pub fn write_null(out: &mut Vec<u8>) {
    out.extend_from_slice(b"null");
}

/// Appends a UUID in quotes, in its form of 8-4-4-4-12 digits (RFC 9562, section 4).
pub fn write_uuid(out: &mut Vec<u8>, value: u128) {
    let mut text = [b'-'; 38];
    (text[0], text[37]) = (b'"', b'"');
    let mut at = 1;
    for (index, byte) in value.to_be_bytes().into_iter().enumerate() {
        at += usize::from(matches!(index, 4 | 6 | 8 | 10));
        text[at] = HEX[usize::from(byte >> 4)];
        text[at + 1] = HEX[usize::from(byte & 15)];
        at += 2;
    }
    out.extend_from_slice(&text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("JSON is UTF-8")
    }

    #[test]
    fn strings() {
        for (text, expected) in [
            ("", r#""""#),
            ("plain", r#""plain""#),
            (
                "a longer text without any escape",
                r#""a longer text without any escape""#,
            ),
            ("q\"b\\s/", r#""q\"b\\s/""#),
            ("\u{8}\u{c}\n\r\t", r#""\b\f\n\r\t""#),
            ("\0\u{1}\u{1f}\u{7f}", "\"\\u0000\\u0001\\u001f\u{7f}\""),
            ("é\u{2028}😀", "\"é\u{2028}😀\""),
            ("0123456\"789abcdef\n", r#""0123456\"789abcdef\n""#),
        ] {
            assert_eq!(written(|out| write_str(out, text)), expected);
            let expected = format!("{expected}:");
            assert_eq!(written(|out| write_str_then(out, text, b':')), expected);
        }
    }

    #[test]
    fn integers() {
        assert_eq!(
            written(|out| write_i64(out, i64::MIN)),
            "-9223372036854775808"
        );
        assert_eq!(written(|out| write_i64(out, 0)), "0");
        assert_eq!(
            written(|out| write_u64(out, u64::MAX)),
            "18446744073709551615"
        );
    }

    #[test]
    fn integers_of_every_length_with_what_follows() {
        let edges = (0..19).flat_map(|power| {
            let power = 10i64.pow(power);
            [power - 1, power, power + 1, power / 7, power / 3]
        });
        let all = (0..100_000)
            .chain((0..100_000_000).step_by(9_973))
            .chain(edges);
        for value in all
            .flat_map(|value| [value, -value])
            .chain([i64::MIN, i64::MAX])
        {
            let expected = format!("[{value},");
            assert_eq!(
                written(|out| {
                    out.push(b'[');
                    write_i64_then(out, value, b',');
                }),
                expected
            );
        }
    }

    #[test]
    fn words() {
        assert_eq!(written(|out| write_bool(out, true)), "true");
        assert_eq!(written(|out| write_bool(out, false)), "false");
        assert_eq!(written(write_null), "null");
    }

    #[test]
    fn floats_read_back_exactly_and_look_like_floats() {
        for value in [
            0.0,
            -0.0,
            1.0,
            0.1,
            1e16,
            1e22,
            1e-7,
            5e-324,
            f64::MAX,
            f64::MIN_POSITIVE,
            123_456.789,
        ] {
            let text = written(|out| assert!(write_f64(out, value)));
            assert_eq!(
                text.parse::<f64>().map(f64::to_bits),
                Ok(value.to_bits()),
                "{text}"
            );
            assert!(text.contains(['.', 'e']), "{text}");
        }
    }

    #[test]
    fn uuids() {
        let value = 0x0123_4567_89ab_cdef_0011_2233_4455_6677;
        let expected = r#""01234567-89ab-cdef-0011-223344556677""#;
        assert_eq!(written(|out| write_uuid(out, value)), expected);
    }

    #[test]
    fn what_is_not_finite_is_refused_and_leaves_nothing() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(written(|out| assert!(!write_f64(out, value))), "");
        }
    }
}
