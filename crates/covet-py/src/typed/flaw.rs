//! What stands against one value, before its place is known.

use std::borrow::Cow;

use pyo3::exceptions::{PyAssertionError, PyValueError};
use pyo3::prelude::*;

use super::problems::{Code, Problem};

/// A value, or what stands against it.
pub(super) type Made<'py> = Result<Bound<'py, PyAny>, Flaw>;

/// What stands against a value.
#[derive(Debug)]
pub(super) enum Flaw {
    /// One problem with the whole value.
    Bad(Code, Cow<'static, str>),
    /// Problems with places inside it.
    Many(Vec<Problem>),
    /// The application's code raised.
    Raised(PyErr),
}

impl Flaw {
    /// One problem in fixed words.
    #[cold]
    pub(super) fn bad(code: Code, message: &'static str) -> Self {
        Self::Bad(code, Cow::Borrowed(message))
    }

    /// What a validator or a class raised: `ValueError` and `AssertionError` are about the value.
    #[cold]
    pub(super) fn of(py: Python<'_>, error: PyErr) -> Self {
        let about_value = error.is_instance_of::<PyValueError>(py)
            || error.is_instance_of::<PyAssertionError>(py);
        if !about_value {
            return Self::Raised(error);
        }
        match error.value(py).str() {
            Ok(text) if !text.to_string_lossy().is_empty() => {
                Self::Bad(Code::Value, Cow::Owned(text.to_string_lossy().into_owned()))
            }
            Ok(_) => Self::bad(Code::Value, "is not accepted"),
            Err(worse) => Self::Raised(worse),
        }
    }

    /// As problems; `input` is the type of what was refused.
    pub(super) fn into_problems(self, input: Option<&'static str>) -> Result<Vec<Problem>, PyErr> {
        match self {
            Self::Bad(code, message) => Ok(vec![Problem::new(code, message, input)]),
            Self::Many(problems) => Ok(problems),
            Self::Raised(error) => Err(error),
        }
    }
}

/// What failed in the interpreter itself: no memory, an interrupt.
impl From<PyErr> for Flaw {
    #[cold]
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}
