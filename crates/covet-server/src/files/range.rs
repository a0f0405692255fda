//! Byte ranges, RFC 9110 section 14: which parts of a file a Range field selects.
//!
//! One pass over the field. Where the RFC leaves a choice (section 14.2), a field is ignored and
//! the whole file sent: a syntax error, another unit, more than [`MAX_RANGES`] ranges, or ranges
//! that overlap so much that they would send more than the whole.

/// The most ranges that a field may list.
pub const MAX_RANGES: usize = 16;

/// A part of a file, never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte.
    pub start: u64,
    /// The byte after the last.
    pub end: u64,
}

impl ByteRange {
    /// Number of bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.end - self.start
    }

    /// As Content-Range has it, for a file of `total` bytes.
    #[must_use]
    pub fn field(&self, total: u64) -> String {
        format!("bytes {}-{}/{total}", self.start, self.end - 1)
    }
}

/// What a Range field selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Everything: the field is ignored.
    Whole,
    /// One part or several, in the order asked for.
    Parts(Vec<ByteRange>),
    /// Nothing of it exists: 416.
    Unsatisfiable,
}

/// Select from a file of `total` bytes by the value of a Range field.
#[must_use]
pub fn select(field: &[u8], total: u64) -> Selection {
    let Some((unit, set)) = split_at_byte(field, b'=') else {
        return Selection::Whole;
    };
    if !unit.eq_ignore_ascii_case(b"bytes") {
        return Selection::Whole;
    }
    let mut parts = Vec::new();
    let mut listed = 0;
    for spec in set.split(|&byte| byte == b',') {
        let spec = spec.trim_ascii();
        if spec.is_empty() {
            continue; // RFC 9110 section 5.6.1.2
        }
        listed += 1;
        let Ok(range) = parse(spec, total) else {
            return Selection::Whole;
        };
        if listed > MAX_RANGES {
            return Selection::Whole;
        }
        parts.extend(range);
    }
    let sum = parts
        .iter()
        .fold(0_u64, |sum, part| sum.saturating_add(part.length()));
    match (listed, parts.is_empty()) {
        (0, _) => Selection::Whole,
        (_, true) => Selection::Unsatisfiable,
        _ if sum > total => Selection::Whole,
        _ => Selection::Parts(parts),
    }
}

/// A piece of text that is no range.
struct NoRange;

/// One range; `None` where nothing of it exists.
fn parse(spec: &[u8], total: u64) -> Result<Option<ByteRange>, NoRange> {
    let (first, last) = split_at_byte(spec, b'-').ok_or(NoRange)?;
    let start = if first.is_empty() {
        let start = total.saturating_sub(number(last).ok_or(NoRange)?);
        return Ok((start < total).then_some(ByteRange { start, end: total }));
    } else {
        number(first).ok_or(NoRange)?
    };
    let end = if last.is_empty() {
        total
    } else {
        let last = number(last).ok_or(NoRange)?;
        if last < start {
            return Err(NoRange);
        }
        total.min(last.saturating_add(1))
    };
    Ok((start < end).then_some(ByteRange { start, end }))
}

fn split_at_byte(text: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(byte, text)?;
    Some((&text[..at], &text[at + 1..]))
}

/// Digits alone; what no file is long enough for counts as the largest number.
fn number(digits: &[u8]) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| {
        digits.iter().fold(0_u64, |number, digit| {
            number
                .saturating_mul(10)
                .saturating_add(u64::from(digit - b'0'))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::Selection::{Unsatisfiable, Whole};
    use super::*;

    fn parts(parts: &[(u64, u64)]) -> Selection {
        let parts = parts.iter().map(|&(start, end)| ByteRange { start, end });
        Selection::Parts(parts.collect())
    }

    #[test]
    fn of_ten_thousand_bytes() {
        let most = (0..MAX_RANGES)
            .map(|at| format!("{at}-{at}"))
            .collect::<Vec<_>>()
            .join(",");
        let too_many = format!("{most},16-16");
        let each: Vec<_> = (0..MAX_RANGES as u64).map(|at| (at, at + 1)).collect();
        let table: &[(&str, Selection)] = &[
            // RFC 9110 section 14.1.2.
            ("bytes=0-499", parts(&[(0, 500)])),
            ("bytes=500-999", parts(&[(500, 1000)])),
            ("bytes=-500", parts(&[(9500, 10_000)])),
            ("bytes=9500-", parts(&[(9500, 10_000)])),
            ("bytes=0-0,-1", parts(&[(0, 1), (9999, 10_000)])),
            (
                "bytes= 0-999, 4500-5499, -1000",
                parts(&[(0, 1000), (4500, 5500), (9000, 10_000)]),
            ),
            ("bytes=500-600,601-999", parts(&[(500, 601), (601, 1000)])),
            ("bytes=500-700,601-999", parts(&[(500, 701), (601, 1000)])),
            // The order stays, empty elements go, the unit has no case.
            ("bytes=-1,0-0", parts(&[(9999, 10_000), (0, 1)])),
            ("BYTES=,, 1-1 ,\t2-2,", parts(&[(1, 2), (2, 3)])),
            // What does not exist is cut off or left out.
            ("bytes=9999-10000", parts(&[(9999, 10_000)])),
            ("bytes=0-18446744073709551615", parts(&[(0, 10_000)])),
            ("bytes=0-99999999999999999999999", parts(&[(0, 10_000)])),
            ("bytes=-10001", parts(&[(0, 10_000)])),
            ("bytes=-99999999999999999999999", parts(&[(0, 10_000)])),
            ("bytes=10000-,0-0", parts(&[(0, 1)])),
            ("bytes=10000-", Unsatisfiable),
            ("bytes=99999999999999999999999-", Unsatisfiable),
            ("bytes=-0", Unsatisfiable),
            ("bytes=-0,10000-10001", Unsatisfiable),
            // No ranges at all.
            ("bytes=", Whole),
            ("bytes=,", Whole),
            ("bytes", Whole),
            ("", Whole),
            ("bytes=1", Whole),
            ("bytes=-", Whole),
            ("bytes=2-1", Whole),
            ("bytes=0-0,2-1", Whole),
            ("bytes=a-b", Whole),
            ("bytes=+1-2", Whole),
            ("bytes=1 -2", Whole),
            ("bytes=0-1-2", Whole),
            ("bytes =0-1", Whole),
            ("items=0-1", Whole),
            // Too many, or more than the whole.
            (&format!("bytes={most}"), parts(&each)),
            (&format!("bytes={too_many}"), Whole),
            (
                "bytes=0-4999,5000-9999",
                parts(&[(0, 5000), (5000, 10_000)]),
            ),
            ("bytes=0-4999,4999-9999", Whole),
            ("bytes=0-,0-", Whole),
        ];
        for (field, selection) in table {
            assert_eq!(select(field.as_bytes(), 10_000), *selection, "{field}");
        }
    }

    #[test]
    fn of_an_empty_file() {
        for (field, selection) in [
            ("bytes=0-", Unsatisfiable),
            ("bytes=0-0", Unsatisfiable),
            ("bytes=-1", Unsatisfiable),
            ("bytes=1-0", Whole),
        ] {
            assert_eq!(select(field.as_bytes(), 0), selection, "{field}");
        }
    }

    #[test]
    fn content_range_counts_from_zero() {
        let range = ByteRange {
            start: 42,
            end: 1234,
        };
        assert_eq!(range.field(1234), "bytes 42-1233/1234");
        assert_eq!(range.length(), 1192);
    }
}
