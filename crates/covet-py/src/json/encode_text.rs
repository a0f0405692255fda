//! Values that JSON holds as text: moments, spans of time, UUIDs, bytes, decimals, addresses, paths.
//!
//! The exact classes of `datetime` are read field by field; a subclass is asked for its own words.

use covet_server::json::write;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{
    PyBytes, PyDate, PyDateAccess, PyDateTime, PyDelta, PyDeltaAccess, PyString, PyTime,
    PyTimeAccess, PyTzInfo, PyTzInfoAccess,
};

use super::encode::{Encoder, checked, exact};
use super::encode_error::{Done, Failure};
use super::kind::Text;
use crate::runtime::output::{push_short, push_word};

/// Seconds of a day.
const DAY: i64 = 86_400;

impl Encoder<'_, '_> {
    /// A value that is written as text.
    pub(crate) fn text_value(&mut self, value: &Bound<'_, PyAny>, text: Text) -> Done {
        match text {
            Text::Uuid => self.uuid(value),
            Text::DateTime => self.datetime(value),
            Text::Date => self.date(value),
            Text::Time => self.time(value),
            Text::Duration => self.duration(value),
            Text::Bytes => self.bytes(value),
            Text::Str => self.own_words(value),
        }
    }

    fn uuid(&mut self, value: &Bound<'_, PyAny>) -> Done {
        let raised = |error| Failure::raised("reading the UUID", error);
        let number = value.getattr(intern!(value.py(), "int"));
        let number = number.and_then(|number| number.extract());
        write::write_uuid(self.out, number.map_err(raised)?);
        self.out.push(b',');
        Ok(())
    }

    /// RFC 3339 has offsets of whole minutes only: a datetime with another one is written in UTC.
    fn datetime(&mut self, value: &Bound<'_, PyAny>) -> Done {
        let Some(moment) = exact::<PyDateTime>(value) else {
            return self.isoformat(value, "isoformat");
        };
        let offset = match moment.get_tzinfo() {
            None => None,
            Some(zone) => offset_of(value, &zone)?,
        };
        if let Some(seconds) = offset
            && seconds % 60 != 0
        {
            let utc = PyTzInfo::utc(value.py());
            let moved =
                utc.and_then(|utc| value.call_method1(intern!(value.py(), "astimezone"), (utc,)));
            return self.datetime(
                &moved.map_err(|error| Failure::raised("moving the datetime to UTC", error))?,
            );
        }
        self.out.push(b'"');
        self.push_date(moment.get_year(), moment.get_month(), moment.get_day());
        self.out.push(b'T');
        self.push_time(moment);
        self.push_offset(offset);
        self.out.extend_from_slice(b"\",");
        Ok(())
    }

    fn date(&mut self, value: &Bound<'_, PyAny>) -> Done {
        let Some(date) = exact::<PyDate>(value) else {
            return self.isoformat(value, "isoformat");
        };
        self.out.push(b'"');
        self.push_date(date.get_year(), date.get_month(), date.get_day());
        self.out.extend_from_slice(b"\",");
        Ok(())
    }

    fn time(&mut self, value: &Bound<'_, PyAny>) -> Done {
        let Some(time) = exact::<PyTime>(value) else {
            return self.isoformat(value, "isoformat");
        };
        let offset = match time.get_tzinfo() {
            None => None,
            Some(zone) => offset_of(value, &zone)?,
        };
        if offset.is_some_and(|seconds| seconds % 60 != 0) {
            return Err(Failure::new(
                "time with an offset of seconds cannot be encoded as JSON: RFC 3339 has whole minutes",
            ));
        }
        self.out.push(b'"');
        self.push_time(time);
        self.push_offset(offset);
        self.out.extend_from_slice(b"\",");
        Ok(())
    }

    /// An ISO 8601 duration: days, hours, minutes and seconds.
    fn duration(&mut self, value: &Bound<'_, PyAny>) -> Done {
        let delta = checked::<PyDelta>(value)?;
        let seconds = i64::from(delta.get_days()) * DAY + i64::from(delta.get_seconds());
        // At most 10^9 days, which is 8.64 * 10^19 microseconds: more than an `i64` holds.
        let total = i128::from(seconds) * 1_000_000 + i128::from(delta.get_microseconds());
        let magnitude = total.unsigned_abs();
        let (whole, micros) = ((magnitude / 1_000_000) as u64, magnitude % 1_000_000);
        let (days, rest) = (whole / 86_400, whole % 86_400);
        self.out.push(b'"');
        self.out
            .extend_from_slice(if total < 0 { b"-P" } else { b"P" });
        self.push_count(days, b'D');
        if rest > 0 || micros > 0 || total == 0 {
            self.out.push(b'T');
        }
        self.push_count(rest / 3_600, b'H');
        self.push_count(rest / 60 % 60, b'M');
        if micros > 0 {
            write::write_u64(self.out, rest % 60);
            self.out.push(b'.');
            let fraction = format!("{micros:06}");
            let shown = fraction.trim_end_matches('0');
            self.out.extend_from_slice(shown.as_bytes());
            self.out.push(b'S');
        } else if total == 0 {
            self.out.extend_from_slice(b"0S");
        } else {
            self.push_count(rest % 60, b'S');
        }
        self.out.extend_from_slice(b"\",");
        Ok(())
    }

    /// A part of a duration, where there is some.
    fn push_count(&mut self, count: u64, unit: u8) {
        if count > 0 {
            write::write_u64(self.out, count);
            self.out.push(unit);
        }
    }

    fn bytes(&mut self, value: &Bound<'_, PyAny>) -> Done {
        if let Some(bytes) = exact::<PyBytes>(value) {
            self.push_base64(bytes.as_bytes());
            return Ok(());
        }
        // A copy, because a bytearray or what a memoryview shows may change.
        let copy = value.py().get_type::<PyBytes>().call1((value,));
        let copy = copy.and_then(|copy| Ok(copy.cast_into::<PyBytes>()?));
        let copy = copy.map_err(|error| Failure::raised("bytes()", error))?;
        self.push_base64(copy.as_bytes());
        Ok(())
    }

    fn own_words(&mut self, value: &Bound<'_, PyAny>) -> Done {
        let text = value.str();
        self.text(&text.map_err(|error| Failure::raised("str()", error))?)
    }

    fn isoformat(&mut self, value: &Bound<'_, PyAny>, method: &str) -> Done {
        let text = value.call_method0(PyString::intern(value.py(), method));
        let text = text.and_then(|text| Ok(text.cast_into::<PyString>()?));
        self.text(&text.map_err(|error| Failure::raised("isoformat()", error))?)
    }

    /// `YYYY-MM-DD`
    fn push_date(&mut self, year: i32, month: u8, day: u8) {
        let year = year.unsigned_abs();
        self.push_two((year / 100) as u8);
        self.push_two((year % 100) as u8);
        self.out.push(b'-');
        self.push_two(month);
        self.out.push(b'-');
        self.push_two(day);
    }

    /// `HH:MM:SS`, and six digits of microseconds where there are some.
    fn push_time(&mut self, time: &impl PyTimeAccess) {
        self.push_two(time.get_hour());
        self.out.push(b':');
        self.push_two(time.get_minute());
        self.out.push(b':');
        self.push_two(time.get_second());
        let micros = time.get_microsecond();
        if micros > 0 {
            self.out.push(b'.');
            for part in [micros / 10_000, micros / 100 % 100, micros % 100] {
                self.push_two(part as u8);
            }
        }
    }

    /// `+HH:MM`; nothing for a naive value.
    fn push_offset(&mut self, offset: Option<i32>) {
        let Some(seconds) = offset else { return };
        self.out.push(if seconds < 0 { b'-' } else { b'+' });
        let minutes = seconds.unsigned_abs() / 60;
        self.push_two((minutes / 60) as u8);
        self.out.push(b':');
        self.push_two((minutes % 60) as u8);
    }

    /// Two digits.
    fn push_two(&mut self, number: u8) {
        let digits = [b'0' + number / 10, b'0' + number % 10];
        push_word(self.out, u64::from(u16::from_le_bytes(digits)), 2);
    }

    /// RFC 4648, section 4, with its padding.
    fn push_base64(&mut self, bytes: &[u8]) {
        const LETTERS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        self.out.reserve(bytes.len().div_ceil(3) * 4 + 3);
        self.out.push(b'"');
        for chunk in bytes.chunks(3) {
            let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
            let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
            let letter = |shift: u32| LETTERS[(bits >> shift & 63) as usize];
            let mut quad = [letter(18), letter(12), letter(6), letter(0)];
            quad[chunk.len() + 1..].fill(b'=');
            push_short(self.out, &quad);
        }
        self.out.extend_from_slice(b"\",");
    }
}

/// Seconds east of UTC; none where the zone does not know.
fn offset_of(value: &Bound<'_, PyAny>, zone: &Bound<'_, PyTzInfo>) -> Result<Option<i32>, Failure> {
    let py = value.py();
    let raised = |error| Failure::raised("utcoffset()", error);
    if PyTzInfo::utc(py).is_ok_and(|utc| utc.is(zone)) {
        return Ok(Some(0));
    }
    let offset = value
        .call_method0(intern!(py, "utcoffset"))
        .map_err(raised)?;
    if offset.is_none() {
        return Ok(None);
    }
    let delta = offset
        .cast::<PyDelta>()
        .map_err(|error| raised(error.into()))?;
    if delta.get_microseconds() != 0 {
        // No whole seconds either: anything that is no whole minute is moved to UTC.
        return Ok(Some(1));
    }
    Ok(Some(delta.get_days() * DAY as i32 + delta.get_seconds()))
}
