//! An object with known fields: its members read into cells, absent ones filled, the instance built.

use std::borrow::Cow;

use covet_server::json::{Keys, ScanError, ScanErrorKind};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PySet, PyTuple};
use pyo3::{PyTypeInfo, intern};

use super::decode::{Course, Decoder, Got};
use super::flaw::{Flaw, Made};
use super::node::{Build, Default, JsonKind, Object, Wire};
use super::problems::{Code, Problem};
use crate::runtime::building;

/// Fields whose cells are on the stack.
const FEW: usize = 6;

/// The same for larger objects.
const SOME: usize = 24;

/// What a key of the text is.
enum Member<'k> {
    /// The member of `wire`.
    Known(usize),
    /// The tag.
    Tag,
    /// None of the fields.
    Unknown(Cow<'k, str>),
}

impl<'a, 'py> Decoder<'a, 'py> {
    /// Reads an object.
    pub(super) fn object(&mut self, object: &'a Object) -> Got<'py> {
        if self.scanner.head() != b'{' {
            return self.mismatch(Code::Object, "is not an object");
        }
        match object.fields.len() {
            count @ 0..=FEW => self.filled(object, &mut [const { None }; FEW][..count]),
            count @ 0..=SOME => self.filled(object, &mut [const { None }; SOME][..count]),
            count => self.filled(object, &mut (0..count).map(|_| None).collect::<Vec<_>>()),
        }
    }

    /// `cells` are empty, one for each field.
    fn filled(&mut self, object: &'a Object, cells: &mut [Got<'py>]) -> Got<'py> {
        if let Err(error) = self.scanner.enter() {
            return self.malformed(error);
        }
        let mut failed = Vec::new();
        let set = self.members(object, cells, &mut failed)?;
        if set < object.fields.len() {
            self.absent(object, cells, &mut failed)?;
        }
        if !failed.is_empty() {
            return None;
        }
        let made = build(self.py, object, cells);
        self.take(made, JsonKind::Object)
    }

    /// Reads the members into the cells from `base` on. Fields whose value was refused go to `failed`,
    /// and so does every other refusal. How many cells were read; None where the decoder has ended.
    fn members(
        &mut self,
        object: &'a Object,
        cells: &mut [Got<'py>],
        failed: &mut Vec<usize>,
    ) -> Option<usize> {
        let mut set = 0;
        let forbidden = object.forbid_unknown.unwrap_or(self.forbid_unknown);
        let mut unknown = Keys::default();
        let mut has_tag = false;
        let mut next = 0;
        let mut settled = self.problems.len();
        let mut more = self.scanner.first_member();
        loop {
            match more {
                Ok(true) => {}
                Ok(false) => return Some(set),
                Err(error) => return self.stop(error),
            }
            let offset = self.scanner.offset();
            let member = match object.wire.get(next) {
                Some(field) if self.scanner.try_key(&field.key) => Member::Known(next),
                _ => match self.key(object, &mut unknown) {
                    Ok(member) => member,
                    Err(error) => return self.stop(error),
                },
            };
            match member {
                Member::Known(index) => {
                    let field = &object.wire[index];
                    if cells[field.place].is_some() || failed.contains(&field.place) {
                        return self.stop(duplicate(offset));
                    }
                    let value = self.value(field.node);
                    if value.is_none() {
                        failed.push(field.place);
                        self.enter_member(&mut settled, &object.fields[field.place].alias);
                        if !self.is_going() {
                            return None;
                        }
                    }
                    cells[field.place] = value;
                    set += 1;
                    next = index + 1;
                }
                Member::Tag => {
                    if has_tag {
                        return self.stop(duplicate(offset));
                    }
                    has_tag = true;
                    self.tag(object, failed, &mut settled)?;
                }
                Member::Unknown(key) => {
                    let kind = match self.skip() {
                        Ok(kind) => kind,
                        Err(error) => return self.stop(error),
                    };
                    if forbidden {
                        failed.push(usize::MAX);
                        let message = format!("is no field of {}", object.name);
                        self.note(Flaw::Bad(Code::Unknown, message.into()), Some(kind.name()));
                        self.enter_member(&mut settled, &key);
                        if !self.is_going() {
                            return None;
                        }
                    }
                }
            }
            more = self.scanner.next_member();
        }
    }

    /// Reads a key that was not guessed.
    fn key(&mut self, object: &Object, unknown: &mut Keys<'a>) -> Result<Member<'a>, ScanError> {
        if let Some(tag) = &object.tag
            && self.scanner.try_key(&tag.key)
        {
            return Ok(Member::Tag);
        }
        let offset = self.scanner.offset();
        let key = self.scanner.member_key()?;
        if let Some(&index) = object.places.get(key.as_ref()) {
            return Ok(Member::Known(index));
        }
        if object.tag.as_ref().is_some_and(|tag| tag.field == key) {
            return Ok(Member::Tag);
        }
        if unknown.insert(key.clone()) {
            return Ok(Member::Unknown(key));
        }
        Err(duplicate(offset))
    }

    /// Reads the value of the tag and compares it.
    fn tag(&mut self, object: &Object, failed: &mut Vec<usize>, settled: &mut usize) -> Option<()> {
        let Some(tag) = &object.tag else {
            return Some(());
        };
        let (found, kind) = match self.wire() {
            Ok(found) => found,
            Err(error) => return self.stop(error),
        };
        if found.as_ref() != Some(&tag.wire) {
            failed.push(usize::MAX);
            self.refuse(Code::Discriminator, "is not the tag of this type", kind);
            self.enter_member(settled, &tag.field);
        }
        self.is_going().then_some(())
    }

    /// Fills what is absent, or notes that it is missing. None where the decoder has ended.
    #[inline(never)]
    fn absent(
        &mut self,
        object: &Object,
        cells: &mut [Got<'py>],
        failed: &mut Vec<usize>,
    ) -> Option<()> {
        match fill_absent(self.py, object, cells, failed) {
            Ok(missing) if missing.is_empty() => return Some(()),
            Ok(missing) => {
                failed.push(usize::MAX);
                self.note(Flaw::Many(missing), None);
            }
            Err(error) => self.course = Course::Raised(error),
        }
        self.is_going().then_some(())
    }

    /// Reads a value that may be that of a tag; None where it cannot be one.
    pub(super) fn wire(&mut self) -> Result<(Option<Wire>, JsonKind), ScanError> {
        use covet_server::json::Event;
        Ok(match self.scanner.value()? {
            Event::Str(text) => (Some(Wire::Str(text.to_owned())), JsonKind::Str),
            Event::Int(value) => (Some(Wire::Int(value)), JsonKind::Int),
            Event::Bool(value) => (Some(Wire::Bool(value)), JsonKind::Bool),
            Event::BigInt(digits) => (Some(Wire::BigInt(digits.to_owned())), JsonKind::Int),
            Event::Float(value) => (Some(Wire::Float(value.to_bits())), JsonKind::Float),
            Event::Null => (Some(Wire::Null), JsonKind::Null),
            Event::Array => {
                self.scanner.skip_items()?;
                (None, JsonKind::Array)
            }
            Event::Object => {
                self.scanner.skip_members()?;
                (None, JsonKind::Object)
            }
        })
    }

    /// As `malformed`, for what returns no value.
    #[cold]
    fn stop<T>(&mut self, error: ScanError) -> Option<T> {
        self.malformed(error);
        None
    }
}

fn duplicate(offset: usize) -> ScanError {
    let kind = ScanErrorKind::DuplicateKey;
    ScanError { offset, kind }
}

/// Fills the empty cells of fields that were not refused; returns which are missing.
#[inline]
pub(super) fn fill_absent<'py>(
    py: Python<'py>,
    object: &Object,
    cells: &mut [Got<'py>],
    failed: &[usize],
) -> PyResult<Vec<Problem>> {
    let mut problems = Vec::new();
    let stays_absent = matches!(object.build, Build::Dict | Build::Call);
    for (place, (field, cell)) in object.fields.iter().zip(cells).enumerate() {
        if cell.is_some() || failed.contains(&place) {
            continue;
        }
        if !field.required {
            if !stays_absent {
                *cell = default(py, &field.default)?;
            }
        } else if field.init {
            let mut problem = Problem::new(Code::Missing, "is missing", None);
            problem.enter_member(&field.alias);
            problems.push(problem);
        }
    }
    Ok(problems)
}

/// The value of an absent field; None where it stays absent.
fn default<'py>(py: Python<'py>, default: &Default) -> PyResult<Got<'py>> {
    Ok(match default {
        Default::None => None,
        Default::Value(value) => Some(value.bind(py).clone()),
        Default::Factory(factory) => Some(factory.bind(py).call0()?),
        Default::Copied(value) => Some(copied(value.bind(py))?),
    })
}

fn copied<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if let Ok(list) = value.cast_exact::<PyList>() {
        return Ok(list.get_slice(0, list.len()).into_any());
    }
    if let Ok(dict) = value.cast_exact::<PyDict>() {
        return Ok(dict.copy()?.into_any());
    }
    if let Ok(set) = value.cast_exact::<PySet>() {
        return Ok(PySet::new(value.py(), set.iter())?.into_any());
    }
    value.call_method0(intern!(value.py(), "copy"))
}

/// Builds the instance of the cells, which are emptied; an empty one is a field that stays unset.
pub(super) fn build<'py>(py: Python<'py>, object: &Object, cells: &mut [Got<'py>]) -> Made<'py> {
    let made = match object.build {
        Build::Slots => slots(py, object, cells)?,
        Build::Attributes => attributes(py, object, cells)?,
        Build::Dict => dict(py, object, cells)?.into_any(),
        Build::Tuple => {
            let values = PyTuple::new(
                py,
                cells
                    .iter_mut()
                    .filter_map(Option::take)
                    .collect::<Vec<_>>(),
            )?;
            PyTuple::type_object(py)
                .call_method1(intern!(py, "__new__"), (object.class.bind(py), values))?
        }
        Build::Call => {
            let fields = keywords(py, object, cells)?;
            let called = object.class.bind(py).call((), Some(&fields));
            return called.map_err(|error| Flaw::of(py, error));
        }
    };
    if object.post_init {
        let arguments = cells
            .iter_mut()
            .filter_map(Option::take)
            .collect::<Vec<_>>();
        let method = intern!(py, "__post_init__");
        let called = if arguments.is_empty() {
            made.call_method0(method)
        } else {
            made.call_method1(method, PyTuple::new(py, arguments)?)
        };
        called.map_err(|error| Flaw::of(py, error))?;
    }
    Ok(made)
}

/// Leaves the init-only values in their cells.
fn slots<'py>(py: Python<'py>, object: &Object, cells: &mut [Got<'py>]) -> Made<'py> {
    let Some(slots) = &object.slots else {
        return attributes(py, object, cells);
    };
    if !object.plain_new {
        return attributes(py, object, cells);
    }
    let Some(mut shell) = slots.allocate(py) else {
        return Err(PyErr::fetch(py).into());
    };
    for (index, cell) in cells.iter_mut().enumerate() {
        if slots.has(index)
            && let Some(value) = cell.take()
        {
            shell.set(index, value);
        }
    }
    Ok(shell.finish())
}

/// Leaves the init-only values in their cells.
fn attributes<'py>(py: Python<'py>, object: &Object, cells: &mut [Got<'py>]) -> Made<'py> {
    if let Some(inline) = &object.inline
        && let Some(made) = inline.make(py, cells)
    {
        return Ok(made);
    }
    let class = object.class.bind(py);
    let made = if object.plain_new {
        building::allocate(class).ok_or_else(|| PyErr::fetch(py))?
    } else {
        class.call_method1(intern!(py, "__new__"), (class,))?
    };
    for (field, cell) in object.fields.iter().zip(cells) {
        if !field.init_only
            && let Some(value) = cell.take()
        {
            building::set_attribute(&made, field.name.bind(py), &value)?;
        }
    }
    Ok(made)
}

fn dict<'py>(
    py: Python<'py>,
    object: &Object,
    cells: &mut [Got<'py>],
) -> PyResult<Bound<'py, PyDict>> {
    let made = PyDict::new(py);
    for (field, cell) in object.fields.iter().zip(cells) {
        if let Some(value) = cell.take() {
            made.set_item(field.name.bind(py), value)?;
        }
    }
    Ok(made)
}

/// What the class is called with.
fn keywords<'py>(
    py: Python<'py>,
    object: &Object,
    cells: &mut [Got<'py>],
) -> PyResult<Bound<'py, PyDict>> {
    let made = PyDict::new(py);
    for (field, cell) in object.fields.iter().zip(cells) {
        if let Some(value) = cell.take() {
            let keyword = field.keyword.as_ref().unwrap_or(&field.name);
            made.set_item(keyword.bind(py), value)?;
        }
    }
    Ok(made)
}
