//! The words for what cannot be encoded. Neighbour: `encode_error`, which carries them outward.

use pyo3::exceptions::PyUnicodeEncodeError;
use pyo3::prelude::*;

use super::encode_error::Failure;

/// `str` that is no text.
#[cold]
pub(crate) fn text(py: Python<'_>, error: &PyErr) -> Failure {
    if !error.is_instance_of::<PyUnicodeEncodeError>(py) {
        return Failure::new(format!("the text cannot be encoded: {error}"));
    }
    let index = error
        .value(py)
        .getattr("start")
        .and_then(|start| start.extract::<usize>());
    let place = index.map_or(String::new(), |index| format!(" at index {index}"));
    Failure::new(format!(
        "str with a lone surrogate{place} cannot be encoded as JSON: it is not text"
    ))
}

/// A number that is not finite.
#[cold]
pub(crate) fn number(number: f64) -> Failure {
    let name = if number.is_nan() {
        "nan"
    } else {
        "an infinite float"
    };
    Failure::new(format!(
        "{name} cannot be encoded as JSON: a number must be finite"
    ))
}

/// A key of another type than those that are taken.
#[cold]
pub(crate) fn key(key: &Bound<'_, PyAny>, any_keys: bool) -> Failure {
    let advice = if any_keys {
        "use a str, a number or a type that is written as text"
    } else {
        "use str"
    };
    Failure::new(format!(
        "dict key of type {} cannot be encoded as JSON: {advice}",
        type_name(key)
    ))
}

/// A value of a type that has no form in JSON.
#[cold]
pub(crate) fn value(value: &Bound<'_, PyAny>) -> Failure {
    let name = type_name(value);
    let advice = match name.as_str() {
        "generator" | "map" | "filter" | "dict_keys" | "dict_values" | "dict_items" => {
            "use list() of it"
        }
        _ => "convert it first, for instance to a dict, list or str",
    };
    Failure::new(format!(
        "object of type {name} cannot be encoded as JSON: {advice}"
    ))
}

/// The qualified name of the value's type.
pub(crate) fn type_name(value: &Bound<'_, PyAny>) -> String {
    value
        .get_type()
        .qualname()
        .map_or_else(|_| "?".to_owned(), |name| name.to_string())
}
