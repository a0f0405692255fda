//! `MutableHeaders`: the fields of an answer as a mapping to be changed in place.
//!
//! The shape is Starlette's: `[]` reads the first value and writes the only one, `append` adds,
//! iteration sees every field. No lock is held while Python runs: each method copies what it
//! needs out, or builds what it needs first.

use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyList, PyString};

use super::answer_fields::{AnswerField, AnswerFields};
use super::field_rules::{check_content_length, checked_name, declared_length, encoded_value};
use super::text::{as_str, latin1};
use crate::imports;

/// Header fields of an answer; names compare without case. CR, LF or NUL in a value: `ValueError`.
#[pyclass(frozen, mapping, weakref, module = "covet.responses")]
pub struct MutableHeaders {
    fields: Mutex<AnswerFields>,
}

impl MutableHeaders {
    /// Fields of an answer that start as `fields`.
    #[must_use]
    pub fn new(fields: AnswerFields) -> Self {
        Self {
            fields: Mutex::new(fields),
        }
    }

    /// Runs `work` on the fields. `work` must not call Python.
    pub fn with<R>(&self, work: impl FnOnce(&mut AnswerFields) -> R) -> R {
        work(&mut self.fields.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A checked field, None for a `Content-Length`, which the server writes.
    fn field(&self, key: &str, value: &str) -> PyResult<Option<AnswerField>> {
        let name = checked_name(key)?;
        let value = encoded_value(&name, value)?;
        if name == "content-length" {
            let (length, streamed) = self.with(|fields| (fields.length, fields.streamed));
            if streamed {
                let declared = declared_length(&value)?;
                self.with(|fields| fields.declared = Some(declared));
                return Ok(None);
            }
            return check_content_length(&value, length).map(|()| None);
        }
        Ok(Some(AnswerField::new(name, value)))
    }

    /// Adds each field of `source`, a mapping of str to str, keeping those of the same name.
    ///
    /// # Errors
    /// `TypeError` where it is no such mapping, `ValueError` where a field cannot be sent.
    pub(super) fn extend(&self, source: &Bound<'_, PyAny>) -> PyResult<()> {
        for (key, value) in pairs(source)? {
            self.append(&key, &value)?;
        }
        Ok(())
    }

    fn text(&self, key: &str) -> Option<String> {
        self.with(|fields| {
            fields
                .first(key)
                .map(|field| latin1(&field.value).into_owned())
        })
    }

    fn sorted(&self) -> Vec<(String, String)> {
        let mut items = self.listed();
        items.sort_unstable();
        items
    }
}

/// Name and value of each item of a mapping of str to str.
pub(super) fn pairs(source: &Bound<'_, PyAny>) -> PyResult<Vec<(String, String)>> {
    let wrong = |what: &Bound<'_, PyAny>| match what.get_type().name() {
        Ok(name) => PyTypeError::new_err(format!(
            "headers must be a mapping of str to str, not {name}"
        )),
        Err(error) => error,
    };
    let items = match source.cast::<PyDict>() {
        Ok(dict) => dict.items().into_any(),
        Err(_) if source.hasattr("items")? => source.call_method0("items")?,
        Err(_) => return Err(wrong(source)),
    };
    items
        .try_iter()?
        .map(|item| {
            let item = item?;
            item.extract().map_err(|_| {
                PyTypeError::new_err(format!(
                    "headers must be a mapping of str to str; it has the item {item:?}"
                ))
            })
        })
        .collect()
}

fn missing(key: &str) -> PyErr {
    PyKeyError::new_err(key.to_owned())
}

#[pymethods]
impl MutableHeaders {
    fn __getitem__(&self, key: &str) -> PyResult<String> {
        self.text(key).ok_or_else(|| missing(key))
    }

    fn __setitem__(&self, key: &str, value: &str) -> PyResult<()> {
        if let Some(field) = self.field(key, value)? {
            self.with(|fields| fields.set(field));
        }
        Ok(())
    }

    fn __delitem__(&self, key: &str) -> PyResult<()> {
        if self.with(|fields| fields.remove(key)) {
            return Ok(());
        }
        Err(missing(key))
    }

    fn __contains__(&self, key: &Bound<'_, PyAny>) -> bool {
        as_str(key).is_some_and(|key| self.text(key).is_some())
    }

    fn __len__(&self) -> usize {
        self.with(|fields| fields.list.len())
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        let names = self.with(|fields| -> Vec<String> {
            fields.list.iter().map(|field| field.name.clone()).collect()
        });
        PyList::new(py, names)?.try_iter()
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> Option<bool> {
        let other = other.cast::<Self>().ok()?.get();
        Some(std::ptr::eq(self, other) || self.sorted() == other.sorted())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let items = PyList::new(py, self.listed())?;
        Ok(format!("MutableHeaders({})", items.repr()?))
    }

    /// Every value of `key`, in order; empty where absent.
    fn getlist(&self, key: &str) -> Vec<String> {
        self.with(|fields| {
            fields
                .all(key)
                .map(|field| latin1(&field.value).into_owned())
                .collect()
        })
    }

    /// Add a field, keeping those of the same name; but an answer has one Content-Type.
    fn append(&self, key: &str, value: &str) -> PyResult<()> {
        if let Some(field) = self.field(key, value)? {
            self.with(|fields| fields.add(field));
        }
        Ok(())
    }

    /// The first value of `key`, or `default`.
    #[pyo3(signature = (key, default = None, /))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        key: &str,
        default: Option<Bound<'py, PyAny>>,
    ) -> Option<Bound<'py, PyAny>> {
        match self.text(key) {
            Some(value) => Some(PyString::new(py, &value).into_any()),
            None => default,
        }
    }

    /// The first value of `key`; where absent, `default` is set and returned.
    fn setdefault(&self, key: &str, default: &str) -> PyResult<String> {
        if let Some(value) = self.text(key) {
            return Ok(value);
        }
        self.__setitem__(key, default)?;
        Ok(default.to_owned())
    }

    /// Remove every field called `key` and return the first value; where absent the default, or
    /// `KeyError` without one.
    #[pyo3(signature = (key, /, *default))]
    fn pop<'py>(
        &self,
        py: Python<'py>,
        key: &str,
        default: Vec<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if default.len() > 1 {
            return Err(PyTypeError::new_err("pop takes at most one default"));
        }
        let value = self.with(|fields| {
            let value = fields.first(key).map(|field| field.value.clone());
            fields.remove(key);
            value
        });
        match value {
            Some(value) => Ok(PyString::new(py, &latin1(&value)).into_any()),
            None => default.into_iter().next().ok_or_else(|| missing(key)),
        }
    }

    /// Remove the last field and return its name and value.
    fn popitem(&self) -> PyResult<(String, String)> {
        self.with(|fields| fields.list.pop())
            .map(|field| (field.name, latin1(&field.value).into_owned()))
            .ok_or_else(|| PyKeyError::new_err("popitem(): there are no fields"))
    }

    /// Remove every field.
    fn clear(&self) {
        self.with(|fields| fields.list.clear());
    }

    /// Set each field of a mapping, then of the keywords.
    #[pyo3(signature = (other = None, /, **fields))]
    fn update(
        &self,
        other: Option<&Bound<'_, PyAny>>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let sources = [other, fields.map(Bound::as_any)];
        for source in sources.into_iter().flatten() {
            for (key, value) in pairs(source)? {
                self.__setitem__(&key, &value)?;
            }
        }
        Ok(())
    }

    /// A view of the name of each field, in order, in lower case.
    fn keys<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        imports::field_keys(slf.py())?.call1((slf,))
    }

    /// A view of the value of each field, in order.
    fn values<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        imports::field_values(slf.py())?.call1((slf,))
    }

    /// A view of name, in lower case, and value of each field, in order.
    fn items<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        imports::field_items(slf.py())?.call1((slf,))
    }

    /// Name and value of each field, for the views.
    #[pyo3(name = "_fields")]
    fn listed(&self) -> Vec<(String, String)> {
        self.with(|fields| {
            fields
                .list
                .iter()
                .map(|field| (field.name.clone(), latin1(&field.value).into_owned()))
                .collect()
        })
    }
}
