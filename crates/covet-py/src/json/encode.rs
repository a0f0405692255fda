//! A Python value to JSON bytes.
//!
//! The exact built-in types are told apart by their type's address; any other type is looked up
//! in `kind`. No lock and no borrow is held while the value's own Python code runs, and a
//! container that such code changes is an error, never a crash.
//!
//! Each value is written with a comma after it, in one store where it is short; the end of the
//! container, or of everything, takes the last comma back.

use covet_server::json::{MAX_DEPTH, write};
use pyo3::PyTypeInfo;
use pyo3::exceptions::PyUnicodeEncodeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use super::encode_error::{Done, EncodeError, Failure};
use super::kind::{Field, Kind, kind_of};
use crate::runtime::ffi::{DictEntries, int_as_i64, utf8};

/// Appends `value` as JSON to `out`.
///
/// Takes `str`, `int`, `float`, `bool`, `None`, `dict` with keys of `str`, `list`, `tuple` and
/// subclasses of these, dataclasses, enumerations (as their values), `UUID`, `datetime`, `date`, `time`.
///
/// # Errors
/// Anything else, floats that are not finite, lone surrogates, more than 128 containers in each
/// other (a cycle is such), and what the value's own code raised. `out` is then as it was before.
pub fn encode(value: &Bound<'_, PyAny>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let start = out.len();
    let mut encoder = Encoder { out, depth: 0 };
    match encoder.value(value) {
        Ok(()) => {
            out.pop();
            Ok(())
        }
        Err(failure) => {
            out.truncate(start);
            Err(failure.finish())
        }
    }
}

struct Encoder<'out> {
    out: &'out mut Vec<u8>,
    /// Containers that are open.
    depth: usize,
}

impl Encoder<'_> {
    /// Little more than jumps: what needs a stack frame is not inlined here.
    fn value(&mut self, value: &Bound<'_, PyAny>) -> Done {
        if let Some(text) = exact::<PyString>(value) {
            self.text(text)
        } else if let Some(number) = exact::<PyInt>(value) {
            self.int(number)
        } else if let Some(dict) = exact::<PyDict>(value) {
            self.dict(dict)
        } else if let Some(list) = exact::<PyList>(value) {
            self.list(list)
        } else if value.is_none() {
            self.out.extend_from_slice(b"null,");
            Ok(())
        } else if let Some(word) = exact::<PyBool>(value) {
            if word.is_true() {
                self.out.extend_from_slice(b"true,");
            } else {
                self.out.extend_from_slice(b"false,");
            }
            Ok(())
        } else if let Some(number) = exact::<PyFloat>(value) {
            self.float(number)
        } else if let Some(tuple) = exact::<PyTuple>(value) {
            self.tuple(tuple)
        } else {
            self.other(value)
        }
    }

    #[inline(never)]
    fn text(&mut self, text: &Bound<'_, PyString>) -> Done {
        let text = utf8(text).map_err(|error| refuse_text(text.py(), &error))?;
        write::write_str_then(self.out, text, b',');
        Ok(())
    }

    #[inline(never)]
    fn int(&mut self, number: &Bound<'_, PyInt>) -> Done {
        match int_as_i64(number) {
            Some(number) => {
                write::write_i64_then(self.out, number, b',');
                Ok(())
            }
            None => self.big_int(number),
        }
    }

    /// By `int`'s own conversion, which is exact and bounded in its digits.
    #[cold]
    fn big_int(&mut self, number: &Bound<'_, PyInt>) -> Done {
        let py = number.py();
        let text = py
            .get_type::<PyInt>()
            .call_method1(intern!(py, "__repr__"), (number,));
        let text = text.and_then(|text| text.extract::<String>());
        let text = text.map_err(|error| Failure::raised("converting an int to text", error))?;
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(b',');
        Ok(())
    }

    #[inline(never)]
    fn float(&mut self, number: &Bound<'_, PyFloat>) -> Done {
        let number = number.value();
        if write::write_f64(self.out, number) {
            self.out.push(b',');
            return Ok(());
        }
        let name = if number.is_nan() {
            "nan"
        } else {
            "an infinite float"
        };
        Err(Failure::new(format!(
            "{name} cannot be encoded as JSON: a number must be finite"
        )))
    }

    #[inline(never)]
    fn dict(&mut self, dict: &Bound<'_, PyDict>) -> Done {
        self.open(b'{')?;
        let size = dict.len();
        for (key, value) in DictEntries::new(dict) {
            self.key(&key)?;
            self.value(&value)
                .map_err(|failure| failure.under_key(&key))?;
            if dict.len() != size {
                return Err(Failure::new("the dict changed size while it was encoded"));
            }
        }
        self.close(b'}');
        Ok(())
    }

    /// Writes a key and its colon. The text of a subclass of `str` counts, which for a member of
    /// a `StrEnum` is its value.
    #[inline]
    fn key(&mut self, key: &Bound<'_, PyAny>) -> Done {
        let text = exact::<PyString>(key).or_else(|| key.cast::<PyString>().ok());
        let text = text.ok_or_else(|| refuse_key(key))?;
        let text = utf8(text).map_err(|error| refuse_text(text.py(), &error))?;
        write::write_str_then(self.out, text, b':');
        Ok(())
    }

    #[inline(never)]
    fn list(&mut self, list: &Bound<'_, PyList>) -> Done {
        self.open(b'[')?;
        let size = list.len();
        for (index, item) in list.iter().enumerate() {
            self.value(&item)
                .map_err(|failure| failure.at_index(index))?;
            if list.len() != size {
                return Err(Failure::new("the list changed size while it was encoded"));
            }
        }
        self.close(b']');
        Ok(())
    }

    #[inline(never)]
    fn tuple(&mut self, tuple: &Bound<'_, PyTuple>) -> Done {
        self.open(b'[')?;
        for (index, item) in tuple.iter_borrowed().enumerate() {
            self.value(&item)
                .map_err(|failure| failure.at_index(index))?;
        }
        self.close(b']');
        Ok(())
    }

    /// Whatever is not of an exact built-in type.
    #[inline(never)]
    fn other(&mut self, value: &Bound<'_, PyAny>) -> Done {
        let kind = kind_of(value).map_err(|error| Failure::raised("looking at the type", error))?;
        let Some(kind) = kind else {
            return Err(refuse(value));
        };
        match &*kind {
            Kind::Str => self.text(checked(value)?),
            Kind::Int => self.int(checked(value)?),
            Kind::Float => self.float(checked(value)?),
            Kind::List => self.list(checked(value)?),
            Kind::Tuple => self.tuple(checked(value)?),
            Kind::Dict => self.dict_items(checked(value)?),
            Kind::Dataclass(fields) => self.dataclass(value, fields),
            Kind::Enum => self.enum_value(value),
            Kind::Uuid => self.uuid(value),
            Kind::DateOrTime => self.isoformat(value),
            Kind::DateTime => self.datetime(value),
        }
    }

    /// A subclass of `dict` may keep an order of its own, so it is asked for its items.
    fn dict_items(&mut self, dict: &Bound<'_, PyDict>) -> Done {
        let raised = |error| Failure::raised("items()", error);
        let items = dict.as_mapping().items().map_err(raised)?;
        self.open(b'{')?;
        for item in items.iter() {
            let (key, value) = item
                .extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()
                .map_err(raised)?;
            self.key(&key)?;
            self.value(&value)
                .map_err(|failure| failure.under_key(&key))?;
        }
        self.close(b'}');
        Ok(())
    }

    fn dataclass(&mut self, value: &Bound<'_, PyAny>, fields: &[Field]) -> Done {
        self.open(b'{')?;
        for field in fields {
            let name = field.name.bind(value.py());
            let raised = |error| Failure::raised("reading the field", error);
            self.out.extend_from_slice(&field.prefix);
            let item = value.getattr(name).map_err(raised);
            item.and_then(|item| self.value(&item))
                .map_err(|failure| failure.under_key(name))?;
        }
        self.close(b'}');
        Ok(())
    }

    /// A value that is a member again counts as a level, so that one which is itself ends.
    fn enum_value(&mut self, member: &Bound<'_, PyAny>) -> Done {
        let value = member.getattr(intern!(member.py(), "value"));
        let value = value.map_err(|error| Failure::raised("reading the member's value", error))?;
        self.enter()?;
        self.value(&value)?;
        self.depth -= 1;
        Ok(())
    }

    fn uuid(&mut self, value: &Bound<'_, PyAny>) -> Done {
        let raised = |error| Failure::raised("reading the UUID", error);
        let number = value.getattr(intern!(value.py(), "int"));
        let number = number.and_then(|number| number.extract());
        write::write_uuid(self.out, number.map_err(raised)?);
        self.out.push(b',');
        Ok(())
    }

    fn isoformat(&mut self, value: &Bound<'_, PyAny>) -> Done {
        self.text(&isoformat(value)?)
    }

    /// RFC 3339 has offsets of whole minutes only: a datetime with another one is written in UTC.
    fn datetime(&mut self, value: &Bound<'_, PyAny>) -> Done {
        let text = isoformat(value)?;
        if text.to_str().is_ok_and(has_whole_minutes) {
            return self.text(&text);
        }
        let py = value.py();
        let utc = py
            .import("datetime")
            .and_then(|module| module.getattr("UTC"));
        let moved = utc.and_then(|utc| value.call_method1(intern!(py, "astimezone"), (utc,)));
        let moved = moved.map_err(|error| Failure::raised("moving the datetime to UTC", error))?;
        self.isoformat(&moved)
    }

    #[inline]
    fn open(&mut self, bracket: u8) -> Done {
        self.enter()?;
        self.out.push(bracket);
        Ok(())
    }

    /// Closes a container: the comma of its last value becomes the bracket.
    #[inline]
    fn close(&mut self, bracket: u8) {
        self.depth -= 1;
        match self.out.last_mut() {
            Some(last) if *last == b',' => {
                *last = bracket;
                self.out.push(b',');
            }
            _ => self.out.extend_from_slice(&[bracket, b',']),
        }
    }

    #[inline]
    fn enter(&mut self) -> Done {
        if self.depth == MAX_DEPTH {
            return Err(Failure::new(format!(
                "nested deeper than {MAX_DEPTH}, or a cycle"
            )));
        }
        self.depth += 1;
        Ok(())
    }
}

/// `value` as a `T` where its type is exactly that. Tested first, because a failed cast alone
/// makes an error.
#[inline]
fn exact<'a, 'py, T: PyTypeInfo>(value: &'a Bound<'py, PyAny>) -> Option<&'a Bound<'py, T>> {
    if value.is_exact_instance_of::<T>() {
        value.cast_exact().ok()
    } else {
        None
    }
}

/// `value` as an instance of `T` or of a subclass, which its kind says it is.
fn checked<'a, 'py, T: PyTypeInfo>(
    value: &'a Bound<'py, PyAny>,
) -> Result<&'a Bound<'py, T>, Failure> {
    value.cast().map_err(|_| refuse(value))
}

fn isoformat<'py>(value: &Bound<'py, PyAny>) -> Result<Bound<'py, PyString>, Failure> {
    let text = value.call_method0(intern!(value.py(), "isoformat"));
    let text = text.and_then(|text| Ok(text.cast_into::<PyString>()?));
    text.map_err(|error| Failure::raised("isoformat()", error))
}

/// Whether the offset of an ISO 8601 date and time is absent or `+hh:mm`.
fn has_whole_minutes(text: &str) -> bool {
    let time = text.split_once('T').map_or("", |(_, time)| time);
    time.find(['+', '-'])
        .is_none_or(|sign| time.len() - sign == "+hh:mm".len())
}

#[cold]
fn refuse_text(py: Python<'_>, error: &PyErr) -> Failure {
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

#[cold]
fn refuse_key(key: &Bound<'_, PyAny>) -> Failure {
    Failure::new(format!(
        "dict key of type {} cannot be encoded as JSON: use str",
        type_name(key)
    ))
}

#[cold]
fn refuse(value: &Bound<'_, PyAny>) -> Failure {
    let name = type_name(value);
    let advice = match name.as_str() {
        "Decimal" => "use str() or float() of it",
        "bytes" | "bytearray" | "memoryview" => "decode it to str, or encode it as base64",
        "set" | "frozenset" | "generator" | "range" | "dict_keys" | "dict_values" => {
            "use list() of it"
        }
        _ => {
            "use str, int, float, bool, None, dict, list, tuple, a dataclass, Enum, UUID, datetime, date or time"
        }
    };
    Failure::new(format!(
        "object of type {name} cannot be encoded as JSON: {advice}"
    ))
}

fn type_name(value: &Bound<'_, PyAny>) -> String {
    value
        .get_type()
        .qualname()
        .map_or_else(|_| "?".to_owned(), |name| name.to_string())
}
