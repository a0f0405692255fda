//! Strings and what is written as one: base64, decimals, UUIDs, addresses, paths.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use covet_server::routing::Converter;
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyArithmeticError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyString, PyType};

use super::flaw::{Flaw, Made};
use super::node::{Lengths, StrRules, Text, TextName};
use super::problems::Code;
use super::times;
use crate::runtime::building::{self, Slots};

/// Digits and other characters of a decimal number, as for integers.
const MAX_DECIMAL: usize = covet_server::json::MAX_INT_DIGITS;

/// What a UUID is not.
const NO_UUID: &str = "is not a UUID such as 123e4567-e89b-12d3-a456-426614174000";

/// `text` as a `str`.
#[inline]
pub(super) fn string<'py>(
    py: Python<'py>,
    rules: &StrRules,
    text: &str,
    is_ascii: bool,
) -> Made<'py> {
    if rules.lengths != Lengths::ANY {
        let length = if is_ascii {
            text.len()
        } else {
            text.chars().count()
        };
        check_length(rules.lengths, length, "characters")?;
    }
    if let Some(pattern) = &rules.pattern
        && !pattern.is_match(text)
    {
        return Err(Flaw::Bad(
            Code::Pattern,
            format!("does not match {pattern}").into(),
        ));
    }
    Ok(plain_string(py, text, is_ascii))
}

/// `text` as a `str`, unchecked.
#[inline]
pub(super) fn plain_string<'py>(py: Python<'py>, text: &str, is_ascii: bool) -> Bound<'py, PyAny> {
    if is_ascii && let Some(made) = building::ascii_str(py, text) {
        return made;
    }
    PyString::new(py, text).into_any()
}

/// Whether `length`, which counts `unit`, is within the bounds.
#[inline]
pub(super) fn check_length(lengths: Lengths, length: usize, unit: &str) -> Result<(), Flaw> {
    if length < lengths.min {
        let message = format!("has fewer than {} {unit}", lengths.min);
        return Err(Flaw::Bad(Code::MinLength, message.into()));
    }
    if length > lengths.max {
        let message = format!("has more than {} {unit}", lengths.max);
        return Err(Flaw::Bad(Code::MaxLength, message.into()));
    }
    Ok(())
}

/// The bytes that `text` is the base64 of.
pub(super) fn bytes<'py>(
    py: Python<'py>,
    class: Option<&Py<PyType>>,
    lengths: Lengths,
    text: &str,
) -> Made<'py> {
    let Ok(decoded) = STANDARD.decode(text) else {
        return Err(Flaw::bad(Code::Bytes, "is not base64"));
    };
    check_length(lengths, decoded.len(), "bytes")?;
    let plain = PyBytes::new(py, &decoded);
    match class {
        None => Ok(plain.into_any()),
        Some(class) => Ok(class.bind(py).call1((plain,))?),
    }
}

/// The value that `text` is written for.
pub(super) fn read<'py>(py: Python<'py>, rules: &Text, text: &str) -> Made<'py> {
    match rules.name {
        TextName::Uuid => uuid(py, rules, text),
        TextName::Decimal => decimal(py, rules, text),
        TextName::Ip(message) => {
            called(py, rules, text).map_err(|flaw| about_text(py, flaw, Code::Ip, message))
        }
        TextName::Path if text.contains('\0') => Err(Flaw::bad(Code::Path, "is not a path")),
        TextName::Path => called(py, rules, text)
            .map_err(|flaw| about_text(py, flaw, Code::Path, "is not a path")),
        _ => times::read(py, rules, text),
    }
}

fn called<'py>(py: Python<'py>, rules: &Text, text: &str) -> Result<Bound<'py, PyAny>, PyErr> {
    rules.class.bind(py).call1((text,))
}

/// A class of the standard library refuses a text by `ValueError`, whose words hold the text.
fn about_text(py: Python<'_>, error: PyErr, code: Code, message: &'static str) -> Flaw {
    if error.is_instance_of::<PyValueError>(py) {
        return Flaw::bad(code, message);
    }
    Flaw::Raised(error)
}

/// A decimal number, exactly: digits with an optional fraction and exponent. No NaN, no Infinity.
fn decimal<'py>(py: Python<'py>, rules: &Text, text: &str) -> Made<'py> {
    if !is_decimal(text.as_bytes()) {
        return Err(Flaw::bad(Code::Decimal, "is not a decimal number"));
    }
    if text.len() > MAX_DECIMAL {
        return Err(Flaw::bad(Code::Decimal, "has too many digits"));
    }
    called(py, rules, text).map_err(|error| {
        if error.is_instance_of::<PyArithmeticError>(py) {
            return Flaw::bad(Code::Decimal, "is out of range");
        }
        about_text(py, error, Code::Decimal, "is not a decimal number")
    })
}

fn is_decimal(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let unsigned = |text: &[u8]| usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let mut rest = &text[unsigned(text)..];
    let whole = digits(rest);
    rest = &rest[whole..];
    let mut places = 0;
    if let Some(fraction) = rest.strip_prefix(b".") {
        places = digits(fraction);
        rest = &fraction[places..];
    }
    if let Some((b'e' | b'E', exponent)) = rest.split_first() {
        let exponent = &exponent[unsigned(exponent)..];
        let length = digits(exponent);
        if length == 0 {
            return false;
        }
        rest = &exponent[length..];
    }
    whole + places > 0 && rest.is_empty()
}

fn uuid<'py>(py: Python<'py>, rules: &Text, text: &str) -> Made<'py> {
    if !Converter::Uuid.accepts(text) {
        return Err(Flaw::bad(Code::Uuid, NO_UUID));
    }
    if rules.exact
        && let Some(made) = fast_uuid(py, rules, text)?
    {
        return Ok(made);
    }
    called(py, rules, text).map_err(|error| about_text(py, error, Code::Uuid, NO_UUID))
}

/// A UUID without its `__init__`, whose two members are slots; None where they are not.
fn fast_uuid<'py>(
    py: Python<'py>,
    rules: &Text,
    text: &str,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    static MEMBERS: PyOnceLock<Option<(Slots, Py<PyAny>)>> = PyOnceLock::new();
    let members = MEMBERS.get_or_try_init(py, || {
        let class = rules.class.bind(py);
        let unknown = py.import("uuid")?.getattr("SafeUUID")?.getattr("unknown")?;
        let slots = Slots::of(class, &[Some("int"), Some("is_safe")]);
        let plain = building::has_plain_new(class);
        PyResult::Ok(
            slots
                .filter(|_| plain)
                .map(|slots| (slots, unknown.unbind())),
        )
    })?;
    let Some((slots, unknown)) = members else {
        return Ok(None);
    };
    let digits = text
        .bytes()
        .filter_map(|byte| char::from(byte).to_digit(16));
    let number = digits.fold(0u128, |number, digit| number << 4 | u128::from(digit));
    let Some(mut shell) = slots.allocate(py) else {
        return Err(PyErr::fetch(py));
    };
    shell.set(0, number.into_bound_py_any(py)?);
    shell.set(1, unknown.bind(py).clone());
    Ok(Some(shell.finish()))
}

#[cfg(test)]
mod tests {
    use super::is_decimal;

    #[test]
    fn decimals() {
        for (text, valid) in [
            ("1", true),
            ("-1.50", true),
            ("+.5", true),
            ("5.", true),
            ("1e5", true),
            ("1.5E-10", true),
            ("", false),
            (".", false),
            ("-", false),
            ("1e", false),
            ("1e+", false),
            ("e5", false),
            ("1_000", false),
            (" 1", false),
            ("1 ", false),
            ("NaN", false),
            ("Infinity", false),
            ("0x10", false),
            ("١", false),
        ] {
            assert_eq!(is_decimal(text.as_bytes()), valid, "{text}");
        }
    }
}
