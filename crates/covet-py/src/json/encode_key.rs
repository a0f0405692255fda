//! Keys of objects: text, and by option whatever is written as one short text.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyString};

use super::encode::{Encoder, exact};
use super::encode_error::{Done, Failure};
use super::kind::Kind;
use super::refusal;
use crate::runtime::ffi::utf8;
use crate::runtime::leaf::push_key;
use crate::runtime::quoted::push_quoted;

impl Encoder<'_, '_> {
    /// A key and its colon. The text of a subclass of `str` counts, which for a member of a
    /// `StrEnum` is its value.
    pub(crate) fn key(&mut self, key: &Bound<'_, PyAny>) -> Done {
        if push_key(self.out, key.as_borrowed()) {
            return Ok(());
        }
        let text = exact::<PyString>(key).or_else(|| key.cast::<PyString>().ok());
        if let Some(text) = text {
            let text = utf8(text).map_err(|error| refusal::text(text.py(), &error))?;
            push_quoted(self.out, text, b':');
            return Ok(());
        }
        if !self.options.any_keys || !self.is_short(key)? {
            return Err(refusal::key(key, self.options.any_keys));
        }
        self.other_key(key)
    }

    /// The value's text, put in quotes where it is not.
    fn other_key(&mut self, key: &Bound<'_, PyAny>) -> Done {
        let start = self.out.len();
        self.value(key)?;
        self.finish_key(start, key)
    }

    /// Makes a key of the value that was written from `start` on for `key`.
    pub(crate) fn finish_key(&mut self, start: usize, key: &Bound<'_, PyAny>) -> Done {
        self.out.pop();
        match self.out.get(start) {
            Some(b'"') => {}
            // An enumeration whose value is a container.
            Some(b'[' | b'{') => return Err(refusal::key(key, true)),
            _ => {
                self.out.insert(start, b'"');
                self.out.push(b'"');
            }
        }
        self.out.push(b':');
        Ok(())
    }

    fn is_short(&mut self, key: &Bound<'_, PyAny>) -> Result<bool, Failure> {
        if key.is_none()
            || exact::<PyInt>(key).is_some()
            || exact::<PyBool>(key).is_some()
            || exact::<PyFloat>(key).is_some()
        {
            return Ok(true);
        }
        let kind = self.kind_of(key)?;
        Ok(matches!(
            &*kind,
            Kind::Int | Kind::Float | Kind::Enum | Kind::Text(_)
        ))
    }
}
