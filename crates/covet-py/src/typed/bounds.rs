//! Bounds of numbers and of checked values, validators, choices.

use std::cmp::Ordering;

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyInt};

use super::flaw::{Flaw, Made};
use super::node::{Bound as Limit, Checked, Choice, Custom, Wire};
use super::problems::{Code, Problem};

/// How far from a multiple a double may be, as a part of it: what is lost by writing tenths in binary.
const TOLERANCE: f64 = 1e-9;

/// A whole number within its bounds.
#[inline]
pub(super) fn int<'py>(py: Python<'py>, bounds: &[Limit], value: i64) -> Made<'py> {
    for bound in bounds {
        let kept = match bound.int {
            Some(limit) if bound.code == Code::MultipleOf => {
                value.checked_rem(limit).unwrap_or(0) == 0
            }
            Some(limit) => keeps(bound.code, value.cmp(&limit)),
            None => keeps_in_python(bound, PyInt::new(py, value).as_any())?,
        };
        if !kept {
            return Err(broken(bound));
        }
    }
    Ok(value.into_bound_py_any(py)?)
}

/// A whole number of any size, from its digits.
#[cold]
pub(super) fn big_int<'py>(py: Python<'py>, bounds: &[Limit], digits: &str) -> Made<'py> {
    let made = py.get_type::<PyInt>().call1((digits,));
    // The interpreter's own limit of digits may be lower than ours.
    let value = made.map_err(|_| Flaw::bad(Code::Int, "has too many digits"))?;
    check(&value, bounds)?;
    Ok(value)
}

/// A finite number within its bounds.
#[inline]
pub(super) fn float<'py>(py: Python<'py>, bounds: &[Limit], value: f64) -> Made<'py> {
    for bound in bounds {
        let kept = match (bound.code, bound.float) {
            (Code::MultipleOf, Some(limit)) => is_multiple(value, limit),
            (code, Some(limit)) => value
                .partial_cmp(&limit)
                .is_some_and(|order| keeps(code, order)),
            (_, None) => keeps_in_python(bound, PyFloat::new(py, value).as_any())?,
        };
        if !kept {
            return Err(broken(bound));
        }
    }
    Ok(PyFloat::new(py, value).into_any())
}

fn is_multiple(value: f64, of: f64) -> bool {
    let rest = (value % of).abs();
    let slack = value.abs() * TOLERANCE;
    rest <= slack || (rest - of.abs()).abs() <= slack
}

fn keeps(code: Code, order: Ordering) -> bool {
    match code {
        Code::Gt => order == Ordering::Greater,
        Code::Ge => order != Ordering::Less,
        Code::Lt => order == Ordering::Less,
        _ => order != Ordering::Greater,
    }
}

#[cold]
fn broken(bound: &Limit) -> Flaw {
    Flaw::Bad(bound.code, bound.message.clone().into())
}

/// Whether Python finds that `value` keeps every bound.
fn check(value: &Bound<'_, PyAny>, bounds: &[Limit]) -> Result<(), Flaw> {
    for bound in bounds {
        if !keeps_in_python(bound, value)? {
            return Err(broken(bound));
        }
    }
    Ok(())
}

fn keeps_in_python(bound: &Limit, value: &Bound<'_, PyAny>) -> PyResult<bool> {
    let limit = bound.value.bind(value.py());
    match bound.code {
        Code::Gt => value.gt(limit),
        Code::Ge => value.ge(limit),
        Code::Lt => value.lt(limit),
        Code::Le => value.le(limit),
        Code::MinLength => value.len()?.into_bound_py_any(value.py())?.ge(limit),
        Code::MaxLength => value.len()?.into_bound_py_any(value.py())?.le(limit),
        _ => Ok(!value.rem(limit)?.is_truthy()?),
    }
}

/// Passes `value` through the bounds and the validators.
pub(super) fn checked<'py>(checked: &Checked, value: Bound<'py, PyAny>) -> Made<'py> {
    check(&value, &checked.bounds)?;
    let py = value.py();
    checked
        .validators
        .iter()
        .try_fold(value, |value, validator| {
            let passed = validator.bind(py).call1((value,));
            passed.map_err(|error| Flaw::of(py, error))
        })
}

/// Makes a value of a type with code of its own.
pub(super) fn custom<'py>(custom: &Custom, value: Bound<'py, PyAny>) -> Made<'py> {
    let py = value.py();
    let made = custom.decode.bind(py).call1((value,));
    made.map_err(|error| match Flaw::of(py, error.clone_ref(py)) {
        Flaw::Bad(code, message) => match entries(py, &error) {
            Some(problems) if !problems.is_empty() => Flaw::Many(problems),
            _ => Flaw::Bad(code, message),
        },
        other => other,
    })
}

/// The entries of an error that has an `errors()` as pydantic's. Their words may hold no value, because
/// only `loc` and `msg` are read; the code is `value` for all but what has an equal here.
fn entries(py: Python<'_>, error: &PyErr) -> Option<Vec<Problem>> {
    let list = error.value(py).call_method0("errors").ok()?;
    let mut problems = Vec::new();
    for entry in list.try_iter().ok()? {
        let entry = entry.ok()?;
        let message: String = entry.get_item("msg").ok()?.extract().ok()?;
        let code = match entry
            .get_item("type")
            .ok()?
            .extract::<String>()
            .ok()?
            .as_str()
        {
            "missing" => Code::Missing,
            "extra_forbidden" => Code::Unknown,
            _ => Code::Value,
        };
        let mut problem = Problem::new(code, message, None);
        let place: Vec<Bound<'_, PyAny>> = entry.get_item("loc").ok()?.extract().ok()?;
        for segment in place.iter().rev() {
            match segment.extract::<usize>() {
                Ok(index) => problem.enter_item(index),
                Err(_) => problem.enter_member(&segment.str().ok()?.to_string_lossy()),
            }
        }
        problems.push(problem);
    }
    Some(problems)
}

impl Choice {
    /// What a string chooses.
    #[inline]
    pub(super) fn by_text<'py>(&self, py: Python<'py>, text: &str) -> Made<'py> {
        self.at(py, self.texts.get(text).copied())
    }

    /// What another value chooses.
    pub(super) fn by_wire<'py>(&self, py: Python<'py>, wire: &Wire) -> Made<'py> {
        if let (true, Wire::Int(bits), Some(class)) = (self.is_flag, wire, &self.class) {
            let of_members = self
                .members
                .iter()
                .fold(0, |all, (member, _)| match member {
                    Wire::Int(member) => all | member,
                    _ => all,
                });
            if *bits < 0 || bits & !of_members != 0 {
                return self.at(py, None);
            }
            return class
                .bind(py)
                .call1((*bits,))
                .or_else(|_| self.at(py, None));
        }
        self.at(py, self.places.get(wire).copied())
    }

    #[inline]
    fn at<'py>(&self, py: Python<'py>, place: Option<usize>) -> Made<'py> {
        match place {
            Some(place) => Ok(self.members[place].1.bind(py).clone()),
            None => Err(Flaw::Bad(Code::Choice, self.message.clone().into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_multiple;

    #[test]
    fn multiples_of_what_binary_cannot_write() {
        for (value, of, expected) in [
            (0.3, 0.1, true),
            (1e6, 0.01, true),
            (0.35, 0.1, false),
            (-0.3, 0.1, true),
            (0.0, 0.1, true),
            (0.05, 0.1, false),
        ] {
            assert_eq!(is_multiple(value, of), expected, "{value} {of}");
        }
    }
}
