//! A Python value to JSON bytes.
//!
//! Leaves are written by `runtime::leaf` and `runtime::walk` without running Python code; what is
//! not a leaf comes here: the built-in containers by their type's address, any other type by what
//! `kind` says. No lock and no borrow is held while the value's own Python code runs, and a
//! container that such code changes is an error, never a crash.
//!
//! Each value is written with a comma after it; the end of the container, or of everything, takes
//! the last comma back.

use std::sync::Arc;

use covet_server::json::MAX_DEPTH;
use pyo3::PyTypeInfo;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyList, PyString, PyTuple};

use super::encode_error::{Done, EncodeError, Failure};
use super::fields::{Fields, Names};
use super::kind::{Kind, KindCache};
use super::refusal;
use crate::runtime::digits::push_i64;
use crate::runtime::ffi::utf8;
use crate::runtime::leaf::{Shape, push_leaf};
use crate::runtime::quoted::push_quoted;
use crate::runtime::walk::{DictEntries, ListItems, TupleItems};

/// What a caller may choose.
#[derive(Clone, Copy, Default)]
pub struct EncodeOptions<'a, 'py> {
    /// Called with a value of a type that has no form in JSON; what it returns is written.
    pub default: Option<&'a Bound<'py, PyAny>>,
    /// Whether keys of other types than `str` are written as their text.
    pub any_keys: bool,
}

/// Appends `value` as JSON to `out`.
///
/// # Errors
/// A type without a form in JSON, floats that are not finite, lone surrogates, more than 128
/// containers in each other (a cycle is such), and what the value's own code raised. `out` is then
/// as it was before.
pub fn encode(value: &Bound<'_, PyAny>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    encode_with(value, out, EncodeOptions::default())
}

/// [`encode`] with a choice.
///
/// # Errors
/// As [`encode`], and what `default` raised.
pub fn encode_with(
    value: &Bound<'_, PyAny>,
    out: &mut Vec<u8>,
    options: EncodeOptions<'_, '_>,
) -> Result<(), EncodeError> {
    Encoder::run(out, options, |encoder| encoder.value(value))
}

/// Writes values at the end of a buffer.
pub(crate) struct Encoder<'a, 'py> {
    pub(super) out: &'a mut Vec<u8>,
    pub(super) options: EncodeOptions<'a, 'py>,
    /// Containers that are open.
    depth: usize,
    kinds: KindCache,
}

impl<'a, 'py> Encoder<'a, 'py> {
    /// Has `write` append one value and its comma, which is taken back.
    pub(crate) fn run(
        out: &'a mut Vec<u8>,
        options: EncodeOptions<'a, 'py>,
        write: impl FnOnce(&mut Self) -> Done,
    ) -> Result<(), EncodeError> {
        let start = out.len();
        let mut encoder = Self {
            out,
            options,
            depth: 0,
            kinds: KindCache::default(),
        };
        match write(&mut encoder) {
            Ok(()) => {
                encoder.out.pop();
                Ok(())
            }
            Err(failure) => {
                encoder.out.truncate(start);
                Err(failure.finish())
            }
        }
    }

    /// Where everything is written.
    pub(crate) fn out(&mut self) -> &mut Vec<u8> {
        self.out
    }

    /// Any value.
    #[inline]
    pub(crate) fn value(&mut self, value: &Bound<'_, PyAny>) -> Done {
        if push_leaf(self.out, value.as_borrowed()) {
            return Ok(());
        }
        self.compound(value)
    }

    /// A value that is no leaf.
    pub(crate) fn compound(&mut self, value: &Bound<'_, PyAny>) -> Done {
        if let Some(dict) = exact::<PyDict>(value) {
            self.dict(dict)
        } else if let Some(list) = exact::<PyList>(value) {
            self.list(list)
        } else if let Some(tuple) = exact::<PyTuple>(value) {
            self.tuple(tuple)
        } else {
            self.other(value)
        }
    }

    pub(crate) fn text(&mut self, text: &Bound<'_, PyString>) -> Done {
        let text = utf8(text).map_err(|error| refusal::text(text.py(), &error))?;
        push_quoted(self.out, text, b',');
        Ok(())
    }

    pub(crate) fn int(&mut self, number: &Bound<'_, PyInt>) -> Done {
        if let Some(number) = crate::runtime::ffi::int_as_i64(number) {
            push_i64(self.out, number, b',');
            return Ok(());
        }
        let py = number.py();
        let text = py
            .get_type::<PyInt>()
            .call_method1(intern!(py, "__repr__"), (number,));
        // By `int`'s own conversion, which is exact and bounded in its digits.
        let text = text.and_then(|text| text.extract::<String>());
        let text = text.map_err(|error| Failure::raised("converting an int to text", error))?;
        self.push_number(text.as_bytes());
        Ok(())
    }

    pub(crate) fn float(&mut self, number: f64) -> Done {
        if !number.is_finite() {
            return Err(refusal::number(number));
        }
        self.push_number(zmij::Buffer::new().format_finite(number).as_bytes());
        Ok(())
    }

    fn push_number(&mut self, text: &[u8]) {
        self.out.extend_from_slice(text);
        self.out.push(b',');
    }

    fn dict(&mut self, dict: &Bound<'_, PyDict>) -> Done {
        let lists = self.open(b'{')?;
        let size = dict.len();
        let mut entries = DictEntries::new(dict, true)
            .map_err(|error| Failure::raised("copying the dict", error))?;
        while let Some(entry) = entries.push_leaves::<false>(Shape::any(lists), self.out) {
            if !entry.key_is_written {
                self.key(&entry.key)?;
            }
            self.value(&entry.value)
                .map_err(|failure| failure.under_key(&entry.key))?;
            if dict.len() != size {
                return Err(Failure::new("the dict changed size while it was encoded"));
            }
        }
        self.close(b'}');
        Ok(())
    }

    fn list(&mut self, list: &Bound<'_, PyList>) -> Done {
        let lists = self.open(b'[')?;
        let size = list.len();
        let mut items = ListItems::new(list);
        while let Some(item) = items.push_leaves::<false>(Shape::any(lists), self.out) {
            self.compound(&item)
                .map_err(|failure| failure.at_index(items.index()))?;
            if list.len() != size {
                return Err(Failure::new("the list changed size while it was encoded"));
            }
        }
        self.close(b']');
        Ok(())
    }

    fn tuple(&mut self, tuple: &Bound<'_, PyTuple>) -> Done {
        let lists = self.open(b'[')?;
        let mut items = TupleItems::new(tuple);
        while let Some(item) = items.push_leaves::<false>(Shape::any(lists), self.out) {
            self.compound(&item)
                .map_err(|failure| failure.at_index(items.index()))?;
        }
        self.close(b']');
        Ok(())
    }

    /// A named tuple; one whose items are not those of its names is a tuple like any other.
    fn named(&mut self, tuple: &Bound<'_, PyTuple>, names: &Names) -> Done {
        let Some(items) = names.items(tuple) else {
            return self.tuple(tuple);
        };
        self.open(b'{')?;
        for (name, key, item) in items {
            key.push_to(self.out);
            self.value(&item)
                .map_err(|failure| failure.under_key(name.bind(tuple.py())))?;
        }
        self.close(b'}');
        Ok(())
    }

    /// Whatever is not of an exact built-in type, and leaves that need more than copying.
    #[inline(never)]
    fn other(&mut self, value: &Bound<'_, PyAny>) -> Done {
        let kind = self.kind_of(value)?;
        match &*kind {
            Kind::Str => self.text(checked(value)?),
            Kind::Int => self.int(checked(value)?),
            Kind::Float => {
                let number = value.extract();
                self.float(number.map_err(|error| Failure::raised("reading the float", error))?)
            }
            Kind::List => self.list(checked(value)?),
            Kind::Tuple => self.tuple(checked(value)?),
            Kind::Named(names) => self.named(checked(value)?, names),
            Kind::Mapping => self.items_of_mapping(value),
            Kind::Iterable => self.items(value),
            Kind::Object(fields) => self.object(value, fields),
            Kind::Model => self.model(value),
            Kind::Enum => self.enum_value(value),
            Kind::Text(text) => self.text_value(value, *text),
            Kind::Unknown => self.unknown(value),
        }
    }

    pub(super) fn kind_of(&mut self, value: &Bound<'_, PyAny>) -> Result<Arc<Kind>, Failure> {
        let kind = self.kinds.of(value);
        kind.map_err(|error| Failure::raised("looking at the type", error))
    }

    /// A mapping may keep an order of its own, so it is asked for its items.
    fn items_of_mapping(&mut self, mapping: &Bound<'_, PyAny>) -> Done {
        let raised = |error| Failure::raised("items()", error);
        let items = mapping
            .call_method0(intern!(mapping.py(), "items"))
            .and_then(|items| items.try_iter());
        self.open(b'{')?;
        for item in items.map_err(raised)? {
            let (key, value) = item
                .and_then(|item| item.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>())
                .map_err(raised)?;
            self.key(&key)?;
            self.value(&value)
                .map_err(|failure| failure.under_key(&key))?;
        }
        self.close(b'}');
        Ok(())
    }

    fn items(&mut self, items: &Bound<'_, PyAny>) -> Done {
        let raised = |error| Failure::raised("iterating", error);
        self.open(b'[')?;
        for (index, item) in items.try_iter().map_err(raised)?.enumerate() {
            item.map_err(raised)
                .and_then(|item| self.value(&item))
                .map_err(|failure| failure.at_index(index))?;
        }
        self.close(b']');
        Ok(())
    }

    fn object(&mut self, object: &Bound<'_, PyAny>, fields: &Fields) -> Done {
        let lists = self.open(b'{')?;
        if let Some(tag) = &fields.tag {
            tag.push_to(self.out);
        }
        let mut next = 0;
        while let Some(member) = fields.push_leaves(object, next, lists, self.out) {
            next = member.index + 1;
            let name = fields.names[member.index].bind(object.py());
            let value = member.value.map_or_else(|| object.getattr(name), Ok);
            if let (Ok(value), Some(unset)) = (&value, &fields.unset)
                && unset.is(value)
            {
                fields.take_back(member.index, self.out);
                continue;
            }
            value
                .map_err(|error| Failure::raised("reading the field", error))
                .and_then(|value| self.value(&value))
                .map_err(|failure| failure.under_key(name))?;
        }
        self.close(b'}');
        Ok(())
    }

    /// A pydantic model, by its own words.
    fn model(&mut self, model: &Bound<'_, PyAny>) -> Done {
        let py = model.py();
        let words = PyDict::new(py);
        let dumped = words
            .set_item(intern!(py, "mode"), intern!(py, "json"))
            .and_then(|()| words.set_item(intern!(py, "by_alias"), true))
            .and_then(|()| model.call_method(intern!(py, "model_dump"), (), Some(&words)));
        self.inner(&dumped.map_err(|error| Failure::raised("model_dump()", error))?)
    }

    fn enum_value(&mut self, member: &Bound<'_, PyAny>) -> Done {
        let value = member.getattr(intern!(member.py(), "value"));
        self.inner(&value.map_err(|error| Failure::raised("reading the member's value", error))?)
    }

    fn unknown(&mut self, value: &Bound<'_, PyAny>) -> Done {
        let Some(default) = self.options.default else {
            return Err(refusal::value(value));
        };
        let given = default.call1((value,));
        self.inner(&given.map_err(|error| Failure::raised("default()", error))?)
    }

    /// What stands for a value counts as a level, so that one which stands for itself ends.
    fn inner(&mut self, value: &Bound<'_, PyAny>) -> Done {
        self.enter()?;
        self.value(value)?;
        self.depth -= 1;
        Ok(())
    }

    /// Opens a container. Whether another one may be opened in it.
    #[inline]
    pub(crate) fn open(&mut self, bracket: u8) -> Result<bool, Failure> {
        self.enter()?;
        self.out.push(bracket);
        Ok(self.depth < MAX_DEPTH)
    }

    /// Closes a container: the comma of its last value becomes the bracket.
    #[inline]
    pub(crate) fn close(&mut self, bracket: u8) {
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
pub(super) fn exact<'a, 'py, T: PyTypeInfo>(
    value: &'a Bound<'py, PyAny>,
) -> Option<&'a Bound<'py, T>> {
    if value.is_exact_instance_of::<T>() {
        value.cast_exact().ok()
    } else {
        None
    }
}

/// `value` as an instance of `T` or of a subclass, which its kind says it is.
pub(super) fn checked<'a, 'py, T: PyTypeInfo>(
    value: &'a Bound<'py, PyAny>,
) -> Result<&'a Bound<'py, T>, Failure> {
    value.cast().map_err(|_| refusal::value(value))
}
