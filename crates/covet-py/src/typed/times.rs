//! Dates, times and durations as objects of Python: from texts, and from Unix time as numbers.

use std::borrow::Cow;

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyDate, PyDateTime, PyDelta, PyTime, PyTzInfo};

use super::flaw::{Flaw, Made};
use super::node::{Text, TextName, Unix};
use super::problems::Code;
use super::time_text::{
    Date, MAX_DAYS, SECONDS_OF_A_DAY, Time, date_of, parse_date, parse_datetime, parse_duration,
    parse_time,
};

const MICROSECONDS: i64 = 1_000_000;

/// The value of `text`, which is named by `rules`.
pub(super) fn read<'py>(py: Python<'py>, rules: &Text, text: &str) -> Made<'py> {
    match rules.name {
        TextName::Datetime => match parse_datetime(text) {
            Some((date, time)) => datetime(py, rules, date, time),
            None => Err(flaw(
                Code::Datetime,
                "is not a date with a time such as 2026-01-31T12:30:00Z",
            )),
        },
        TextName::Date => match parse_date(text) {
            Some(date) => build_date(py, rules, date),
            None => Err(flaw(Code::Date, "is not a date such as 2026-01-31")),
        },
        TextName::Time => match parse_time(text) {
            Some(time) => build_time(py, rules, time),
            None => Err(flaw(Code::Time, "is not a time such as 12:30:00")),
        },
        _ => match parse_duration(text) {
            Some((days, seconds, microseconds)) => {
                build_delta(py, rules, days, seconds, microseconds)
            }
            None => Err(flaw(Code::Timedelta, "is not a duration such as P1DT2H30M")),
        },
    }
}

/// The value of a number of the unit that `rules` accepts.
pub(super) fn from_number<'py>(
    py: Python<'py>,
    rules: &Text,
    unit: Unix,
    number: f64,
) -> Made<'py> {
    let scale = match unit {
        Unix::Seconds => 1_000_000.0,
        Unix::Milliseconds => 1_000.0,
    };
    let scaled = (number * scale).round_ties_even();
    if scaled.abs() >= 9e18 {
        return Err(out_of_range(rules));
    }
    let total = scaled as i64;
    let days = total.div_euclid(SECONDS_OF_A_DAY * MICROSECONDS);
    let rest = total.rem_euclid(SECONDS_OF_A_DAY * MICROSECONDS);
    let (seconds, microseconds) = (rest / MICROSECONDS, rest % MICROSECONDS);
    if rules.name == TextName::Timedelta {
        return build_delta(py, rules, days, seconds, microseconds);
    }
    let Some(date) = date_of(days) else {
        return Err(out_of_range(rules));
    };
    let time = Time {
        hour: (seconds / 3600).cast_unsigned() as u8,
        minute: (seconds / 60 % 60).cast_unsigned() as u8,
        second: (seconds % 60).cast_unsigned() as u8,
        microsecond: microseconds.cast_unsigned() as u32,
        offset: (rules.timezone != Some(false)).then_some(0),
    };
    datetime(py, rules, date, time)
}

fn out_of_range(rules: &Text) -> Flaw {
    flaw(rules.name.code(), "is out of range")
}

fn flaw(code: Code, message: &'static str) -> Flaw {
    Flaw::Bad(code, Cow::Borrowed(message))
}

fn datetime<'py>(py: Python<'py>, rules: &Text, date: Date, time: Time) -> Made<'py> {
    check_offset(rules, time)?;
    let zone = zone(py, time.offset)?;
    let Date { year, month, day } = date;
    let Time {
        hour,
        minute,
        second,
        microsecond,
        ..
    } = time;
    if rules.exact {
        let made = PyDateTime::new(
            py,
            year,
            month,
            day,
            hour,
            minute,
            second,
            microsecond,
            zone.as_ref(),
        )?;
        return Ok(made.into_any());
    }
    let arguments = (year, month, day, hour, minute, second, microsecond, zone);
    Ok(rules.class.bind(py).call1(arguments)?)
}

fn build_date<'py>(py: Python<'py>, rules: &Text, date: Date) -> Made<'py> {
    let Date { year, month, day } = date;
    if rules.exact {
        return Ok(PyDate::new(py, year, month, day)?.into_any());
    }
    Ok(rules.class.bind(py).call1((year, month, day))?)
}

fn build_time<'py>(py: Python<'py>, rules: &Text, time: Time) -> Made<'py> {
    check_offset(rules, time)?;
    let zone = zone(py, time.offset)?;
    let Time {
        hour,
        minute,
        second,
        microsecond,
        ..
    } = time;
    if rules.exact {
        return Ok(PyTime::new(py, hour, minute, second, microsecond, zone.as_ref())?.into_any());
    }
    Ok(rules
        .class
        .bind(py)
        .call1((hour, minute, second, microsecond, zone))?)
}

fn build_delta<'py>(
    py: Python<'py>,
    rules: &Text,
    days: i64,
    seconds: i64,
    microseconds: i64,
) -> Made<'py> {
    if days.abs() > MAX_DAYS {
        return Err(out_of_range(rules));
    }
    if rules.exact {
        let made = PyDelta::new(py, days as i32, seconds as i32, microseconds as i32, true)?;
        return Ok(made.into_any());
    }
    Ok(rules.class.bind(py).call1((days, seconds, microseconds))?)
}

fn check_offset(rules: &Text, time: Time) -> Result<(), Flaw> {
    match (rules.timezone, time.offset) {
        (Some(true), None) => Err(flaw(rules.name.code(), "has no offset from UTC")),
        (Some(false), Some(_)) => Err(flaw(rules.name.code(), "has an offset from UTC")),
        _ => Ok(()),
    }
}

fn zone(py: Python<'_>, offset: Option<i32>) -> PyResult<Option<Bound<'_, PyTzInfo>>> {
    Ok(match offset {
        None => None,
        Some(0) => Some(PyTzInfo::utc(py)?.to_owned()),
        Some(minutes) => {
            let delta = PyDelta::new(py, 0, minutes * 60, 0, true)?;
            Some(PyTzInfo::fixed_offset(
                py,
                delta.into_bound_py_any(py)?.cast_into::<PyDelta>()?,
            )?)
        }
    })
}
