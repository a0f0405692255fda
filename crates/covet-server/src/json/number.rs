//! Numbers of RFC 8259, section 6, strictly: what they are and where they end.

use super::error::ScanErrorKind;

/// Digits an integer may have. Python's own default for `int` of a text, because beyond it the
/// quadratic conversion would be an attack.
pub const MAX_INT_DIGITS: usize = 4_300;

/// Decimal digits that always fit an `i64`.
const I64_DIGITS: usize = 18;

/// A number and the value it has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    /// An integer in range.
    Int(i64),
    /// An integer out of the range of `i64`: its text is the value.
    BigInt,
    /// Anything with a fraction or an exponent, correctly rounded.
    Float(f64),
}

/// Reads the number that `text` starts with (`-` or a digit). Returns it and its length in bytes,
/// or what is wrong and at which byte of `text`.
#[inline]
pub(super) fn scan_number(text: &str) -> Result<(Number, usize), (ScanErrorKind, usize)> {
    let bytes = text.as_bytes();
    let negative = bytes.first() == Some(&b'-');
    let start = usize::from(negative);
    let (digits, magnitude) = scan_digits(&bytes[start..]);
    let end = start + digits;
    if digits == 0 {
        return Err(missing_digit(bytes, end));
    }
    if digits > 1 && bytes[start] == b'0' {
        return Err((ScanErrorKind::InvalidNumber, start + 1));
    }
    if matches!(bytes.get(end), Some(b'.' | b'e' | b'E')) {
        return scan_float(text, start, digits, magnitude);
    }
    if digits <= I64_DIGITS {
        // 18 digits are below 2^63, so the sum neither wrapped nor exceeds i64.
        let value = magnitude.cast_signed();
        return Ok((Number::Int(if negative { -value } else { value }), end));
    }
    if digits > MAX_INT_DIGITS {
        return Err((ScanErrorKind::IntegerTooLong, 0));
    }
    Ok((text[..end].parse().map_or(Number::BigInt, Number::Int), end))
}

/// The number of leading digits, and their value wrapped to 64 bits.
#[inline]
fn scan_digits(bytes: &[u8]) -> (usize, u64) {
    let mut value = 0u64;
    for (count, byte) in bytes.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return (count, value);
        }
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
    }
    (bytes.len(), value)
}

/// The powers of ten that a double holds exactly.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// The powers of ten that are multiplied by: 10 to the power of [`I64_DIGITS`] is the last.
const WHOLE_POWERS: [u64; I64_DIGITS + 1] = {
    let mut powers = [1; I64_DIGITS + 1];
    let mut at = 1;
    while at <= I64_DIGITS {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// Reads a number with a fraction or an exponent whose `digits` before it start at `start` and
/// have the value `magnitude`.
fn scan_float(
    text: &str,
    start: usize,
    digits: usize,
    magnitude: u64,
) -> Result<(Number, usize), (ScanErrorKind, usize)> {
    let bytes = text.as_bytes();
    let mut end = start + digits;
    let mut simple = None;
    if bytes[end] == b'.' {
        let (places, fraction) = scan_digits(&bytes[end + 1..]);
        end += 1 + places;
        if places == 0 {
            return Err(missing_digit(bytes, end));
        }
        if digits + places <= I64_DIGITS {
            simple = exact_quotient(magnitude * WHOLE_POWERS[places] + fraction, places);
        }
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        simple = None;
        end += 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        end = skip_digits(bytes, end)?;
    }
    let number = match simple {
        Some(value) => Number::Float(if start == 0 { value } else { -value }),
        None => parse_float(&text[..end])?,
    };
    Ok((number, end))
}

/// `mantissa / 10^places`, where both are exact as doubles: then the one rounding of the division
/// is the correct rounding of the decimal (Clinger, "How to read floating point numbers accurately").
#[inline]
fn exact_quotient(mantissa: u64, places: usize) -> Option<f64> {
    let power = EXACT_POWERS.get(places)?;
    // Below 2^53 the conversion is exact.
    #[allow(clippy::cast_precision_loss)]
    (mantissa < 1 << 53).then(|| mantissa as f64 / power)
}

/// Skips one digit or more.
fn skip_digits(bytes: &[u8], at: usize) -> Result<usize, (ScanErrorKind, usize)> {
    match scan_digits(&bytes[at..]) {
        (0, _) => Err(missing_digit(bytes, at)),
        (count, _) => Ok(at + count),
    }
}

fn missing_digit(bytes: &[u8], at: usize) -> (ScanErrorKind, usize) {
    let kind = if at == bytes.len() {
        ScanErrorKind::UnexpectedEnd
    } else {
        ScanErrorKind::InvalidNumber
    };
    (kind, at)
}

fn parse_float(text: &str) -> Result<Number, (ScanErrorKind, usize)> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Number::Float(value)),
        _ => Err((ScanErrorKind::NumberOutOfRange, 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_their_lengths() {
        for (text, number, length) in [
            ("0", Number::Int(0), 1),
            ("-0,", Number::Int(0), 2),
            ("42 ", Number::Int(42), 2),
            (
                "999999999999999999",
                Number::Int(999_999_999_999_999_999),
                18,
            ),
            ("9223372036854775807]", Number::Int(i64::MAX), 19),
            ("-9223372036854775808", Number::Int(i64::MIN), 20),
            ("9223372036854775808", Number::BigInt, 19),
            ("-9223372036854775809", Number::BigInt, 20),
            ("1.5", Number::Float(1.5), 3),
            ("-1.5e+3", Number::Float(-1500.0), 7),
            ("1E5}", Number::Float(1e5), 3),
            (
                "2.2250738585072014e-308",
                Number::Float(2.225_073_858_507_201_4e-308),
                23,
            ),
            ("0.1", Number::Float(0.1), 3),
            ("123456.789", Number::Float(123_456.789), 10),
            ("90071992547409.9", Number::Float(90_071_992_547_409.9), 16),
            (
                "90071992547409.93",
                Number::Float(90_071_992_547_409.93),
                17,
            ),
            ("0.00000000000000001", Number::Float(1e-17), 19),
            ("1e-999999999999", Number::Float(0.0), 15),
        ] {
            assert_eq!(scan_number(text), Ok((number, length)), "{text}");
        }
        assert!(
            matches!(scan_number("-0.0"), Ok((Number::Float(zero), 4)) if zero.is_sign_negative())
        );
    }

    #[test]
    fn refusals_and_their_places() {
        use ScanErrorKind::{InvalidNumber, NumberOutOfRange, UnexpectedEnd};
        for (text, kind, at) in [
            ("-", UnexpectedEnd, 1),
            ("-a", InvalidNumber, 1),
            ("-+1", InvalidNumber, 1),
            ("01", InvalidNumber, 1),
            ("-00", InvalidNumber, 2),
            ("1.", UnexpectedEnd, 2),
            ("1.e5", InvalidNumber, 2),
            ("1e", UnexpectedEnd, 2),
            ("1e+]", InvalidNumber, 3),
            ("1e400", NumberOutOfRange, 0),
            ("-1e999999999999", NumberOutOfRange, 0),
        ] {
            assert_eq!(scan_number(text), Err((kind, at)), "{text}");
        }
    }

    #[test]
    fn the_digit_limit_counts_digits_only() {
        let longest = format!("-{}", "9".repeat(MAX_INT_DIGITS));
        assert_eq!(
            scan_number(&longest),
            Ok((Number::BigInt, MAX_INT_DIGITS + 1))
        );
        let longer = "9".repeat(MAX_INT_DIGITS + 1);
        assert_eq!(
            scan_number(&longer),
            Err((ScanErrorKind::IntegerTooLong, 0))
        );
    }
}
