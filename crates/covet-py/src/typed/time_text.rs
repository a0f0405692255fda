//! How dates, times and durations are written: RFC 3339 and its ISO 8601 relatives.
//!
//! Read strictly: fixed widths, fractions to the microsecond (further digits are cut), no leap
//! second because Python has none, no years or months in a duration because they have no length.

/// Seconds of a day.
pub(super) const SECONDS_OF_A_DAY: i64 = 86_400;
/// The days of `timedelta.max`.
pub(super) const MAX_DAYS: i64 = 999_999_999;

/// A date that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Date {
    pub(super) year: i32,
    pub(super) month: u8,
    pub(super) day: u8,
}

/// A time of day that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time {
    pub(super) hour: u8,
    pub(super) minute: u8,
    pub(super) second: u8,
    pub(super) microsecond: u32,
    /// Minutes east of UTC.
    pub(super) offset: Option<i32>,
}

/// Two digits at `at`.
fn two(text: &[u8], at: usize) -> Option<u8> {
    let (tens, ones) = (digit(text, at)?, digit(text, at + 1)?);
    Some(tens * 10 + ones)
}

fn digit(text: &[u8], at: usize) -> Option<u8> {
    let value = text.get(at)?.wrapping_sub(b'0');
    (value <= 9).then_some(value)
}

/// `2026-01-31`.
pub(super) fn parse_date(text: &str) -> Option<Date> {
    let text = text.as_bytes();
    (text.len() == 10).then(|| date_prefix(text)).flatten()
}

fn date_prefix(text: &[u8]) -> Option<Date> {
    let year = i32::from(two(text, 0)?) * 100 + i32::from(two(text, 2)?);
    let (month, day) = (two(text, 5)?, two(text, 8)?);
    let separated = text[4] == b'-' && text[7] == b'-';
    let exists = year > 0 && (1..=12).contains(&month) && day > 0 && day <= days_of(year, month);
    (separated && exists).then_some(Date { year, month, day })
}

fn days_of(year: i32, month: u8) -> u8 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + u8::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A date and a time with `T`, `t` or a blank between them.
pub(super) fn parse_datetime(text: &str) -> Option<(Date, Time)> {
    let (date, rest) = text.as_bytes().split_at_checked(10)?;
    let (separator, time) = rest.split_first()?;
    if !matches!(separator, b'T' | b't' | b' ') {
        return None;
    }
    Some((date_prefix(date)?, time_of(time)?))
}

/// `12:30`, `12:30:01`, `12:30:01.25`, each with or without an offset.
pub(super) fn parse_time(text: &str) -> Option<Time> {
    time_of(text.as_bytes())
}

fn time_of(text: &[u8]) -> Option<Time> {
    let (hour, minute) = (two(text, 0)?, two(text, 3)?);
    if text[2] != b':' {
        return None;
    }
    let (mut second, mut microsecond, mut at) = (0, 0, 5);
    if text.get(5) == Some(&b':') {
        second = two(text, 6)?;
        at = 8;
        if matches!(text.get(8), Some(b'.' | b',')) {
            (microsecond, at) = fraction(text, 9)?;
        }
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(Time {
        hour,
        minute,
        second,
        microsecond,
        offset: offset_of(&text[at..])?,
    })
}

/// The microseconds of the digits at `at`, of which there must be one, and where they end.
fn fraction(text: &[u8], at: usize) -> Option<(u32, usize)> {
    digit(text, at)?;
    let (mut value, mut end) = (0, at);
    while let Some(digit) = digit(text, end) {
        if end < at + 6 {
            value = value * 10 + u32::from(digit);
        }
        end += 1;
    }
    let missing = 6usize.saturating_sub(end - at);
    Some((value * 10u32.pow(missing as u32), end))
}

/// Minutes east of UTC; the inner None for no offset at all.
#[allow(clippy::option_option, reason = "the outer one is a refusal")]
fn offset_of(text: &[u8]) -> Option<Option<i32>> {
    let sign = match text.first() {
        None => return Some(None),
        Some(b'Z' | b'z') => return (text.len() == 1).then_some(Some(0)),
        Some(b'+') => 1,
        Some(b'-') => -1,
        Some(_) => return None,
    };
    let minutes = match text.len() {
        6 if text[3] == b':' => two(text, 4)?,
        5 => two(text, 3)?,
        _ => return None,
    };
    let hours = two(text, 1)?;
    let valid = hours < 24 && minutes < 60;
    valid.then_some(Some(sign * (i32::from(hours) * 60 + i32::from(minutes))))
}

/// Days, seconds and microseconds of `[+-]P[nW][nD][T[nH][nM][n[.n]S]]`.
pub(super) fn parse_duration(text: &str) -> Option<(i64, i64, i64)> {
    let bytes = text.as_bytes();
    let (sign, bytes) = match bytes.split_first()? {
        (b'-', rest) => (-1, rest),
        (b'+', rest) => (1, rest),
        _ => (1, bytes),
    };
    let rest = bytes.strip_prefix(b"P")?;
    let (mut at, mut in_time, mut last) = (0, false, 0);
    let (mut seconds, mut microseconds) = (0i64, 0i64);
    while at < rest.len() {
        if rest[at] == b'T' && !in_time {
            (in_time, at) = (true, at + 1);
            digit(rest, at)?;
            continue;
        }
        digit(rest, at)?;
        let mut number = 0i64;
        while let Some(digit) = digit(rest, at) {
            number = number.checked_mul(10)?.checked_add(i64::from(digit))?;
            at += 1;
        }
        if matches!(rest.get(at), Some(b'.' | b',')) {
            let (part, end) = fraction(rest, at + 1)?;
            if rest.get(end) != Some(&b'S') {
                return None;
            }
            (microseconds, at) = (i64::from(part), end);
        }
        let (order, unit) = match (rest.get(at)?, in_time) {
            (b'W', false) => (1, 7 * SECONDS_OF_A_DAY),
            (b'D', false) => (2, SECONDS_OF_A_DAY),
            (b'H', true) => (3, 3600),
            (b'M', true) => (4, 60),
            (b'S', true) => (5, 1),
            _ => return None,
        };
        if order <= last {
            return None;
        }
        seconds = seconds.checked_add(number.checked_mul(unit)?)?;
        (last, at) = (order, at + 1);
    }
    if last == 0 || seconds / SECONDS_OF_A_DAY > MAX_DAYS {
        return None;
    }
    let total = sign * (i128::from(seconds) * 1_000_000 + i128::from(microseconds));
    let day = i128::from(SECONDS_OF_A_DAY) * 1_000_000;
    let (days, within) = (total.div_euclid(day), total.rem_euclid(day));
    Some((
        days as i64,
        (within / 1_000_000) as i64,
        (within % 1_000_000) as i64,
    ))
}

/// The date that is `days` after 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date algorithms").
pub(super) fn date_of(days: i64) -> Option<Date> {
    let shifted = days.checked_add(719_468)?;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (1..=9999).contains(&year).then_some(Date {
        year: year as i32,
        month: month.cast_unsigned() as u8,
        day: day.cast_unsigned() as u8,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, expected) in [
            ("P1D", Some((1, 0, 0))),
            ("P2W", Some((14, 0, 0))),
            ("PT36H", Some((1, 43_200, 0))),
            ("P1DT2H3M4.5S", Some((1, 7_384, 500_000))),
            ("-PT1S", Some((-1, 86_399, 0))),
            ("+PT0,000001S", Some((0, 0, 1))),
            ("PT0S", Some((0, 0, 0))),
            ("-PT0.5S", Some((-1, 86_399, 500_000))),
            ("P", None),
            ("PT", None),
            ("P1DT", None),
            ("P1Y", None),
            ("P1M", None),
            ("P1H", None),
            ("PT1D", None),
            ("PT1.5H", None),
            ("PT1M1H", None),
            ("PT1S1S", None),
            ("1D", None),
            ("", None),
            ("-", None),
            ("P99999999999999999999D", None),
            ("P9999999999D", None),
        ] {
            assert_eq!(parse_duration(text), expected, "{text}");
        }
    }

    #[test]
    fn dates_of_days() {
        let date = |year, month, day| Some(Date { year, month, day });
        for (days, expected) in [
            (0, date(1970, 1, 1)),
            (-1, date(1969, 12, 31)),
            (19_782, date(2024, 2, 29)),
            (2_932_896, date(9999, 12, 31)),
            (2_932_897, None),
            (-719_162, date(1, 1, 1)),
            (-719_163, None),
            (i64::MAX, None),
            (i64::MIN, None),
        ] {
            assert_eq!(date_of(days), expected, "{days}");
        }
    }

    #[test]
    fn times_and_offsets() {
        let time = |hour, minute, second, microsecond, offset| {
            Some(Time {
                hour,
                minute,
                second,
                microsecond,
                offset,
            })
        };
        for (text, expected) in [
            ("12:30", time(12, 30, 0, 0, None)),
            ("12:30:01", time(12, 30, 1, 0, None)),
            ("12:30:01.5Z", time(12, 30, 1, 500_000, Some(0))),
            (
                "12:30:01.123456789+01:30",
                time(12, 30, 1, 123_456, Some(90)),
            ),
            ("12:30:01-0800", time(12, 30, 1, 0, Some(-480))),
            ("24:00:00", None),
            ("12:60:00", None),
            ("12:30:60", None),
            ("12:30:01.", None),
            ("12:30:01+24:00", None),
            ("12:30:01+1:00", None),
            ("12:30:01ZZ", None),
            ("12", None),
            ("", None),
            ("1２:30", None),
        ] {
            assert_eq!(parse_time(text), expected, "{text}");
        }
    }

    #[test]
    fn dates() {
        for (text, valid) in [
            ("2024-02-29", true),
            ("2023-02-29", false),
            ("1900-02-29", false),
            ("2000-02-29", true),
            ("0000-01-01", false),
            ("2026-13-01", false),
            ("2026-00-01", false),
            ("2026-04-31", false),
            ("2026-1-1", false),
            ("2026/01/01", false),
            ("2026-01-01 ", false),
            ("", false),
        ] {
            assert_eq!(parse_date(text).is_some(), valid, "{text}");
        }
    }
}
