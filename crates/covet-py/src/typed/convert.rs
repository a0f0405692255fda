//! From texts: path segments, query, form and header fields, the keys of a dict.
//!
//! Lax where JSON is strict, because everything is a text there: "1" is an int, "yes" is true.
//! Objects and arrays are read from several texts and hold scalars only.

use covet_server::routing::Converter;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFrozenSet, PyList, PySet, PyTuple};

use super::flaw::{Flaw, Made};
use super::node::{Choice, List, ListKind, Node, NodeId, Object, Wire};
use super::object::{build, fill_absent};
use super::problems::{Code, MAX_PROBLEMS, Problem, Refused};
use super::schema::Schema;
use super::{bounds, text, times};

impl Schema {
    /// The value of a scalar node that is written as `text`.
    ///
    /// # Errors
    /// One problem of the whole, or what the application's code raised.
    pub fn convert<'py>(
        &self,
        py: Python<'py>,
        id: NodeId,
        text: &str,
    ) -> Result<Bound<'py, PyAny>, Refused> {
        self.convert_scalar(py, id, text).map_err(refused)
    }

    /// Whether the node takes several texts: an array, also where null is accepted or more is checked.
    #[must_use]
    pub fn takes_many(&self, id: NodeId) -> bool {
        match self.node(id) {
            Node::List(_) | Node::Tuple(_) => true,
            Node::Nullable(inner) => self.takes_many(*inner),
            Node::Checked(checked) => self.takes_many(checked.inner),
            Node::Custom(custom) => self.takes_many(custom.inner),
            _ => false,
        }
    }

    /// The value of an array node whose items are written as `texts`.
    ///
    /// # Errors
    /// Every problem, each with the place of its item, or what the application's code raised.
    pub fn convert_many<'py>(
        &self,
        py: Python<'py>,
        id: NodeId,
        texts: &[&str],
    ) -> Result<Bound<'py, PyAny>, Refused> {
        self.several(py, id, texts).map_err(refused)
    }

    /// The value of an object node whose fields are the pairs of a name and a text. A name that comes
    /// again is an item more of an array, and an error of a scalar.
    ///
    /// # Errors
    /// Every problem, each with the place of its field, or what the application's code raised.
    pub fn convert_object<'py>(
        &self,
        py: Python<'py>,
        id: NodeId,
        pairs: &[(&str, &str)],
        forbid_unknown: bool,
    ) -> Result<Bound<'py, PyAny>, Refused> {
        self.of_pairs(py, id, pairs, forbid_unknown)
            .map_err(refused)
    }

    /// Whether `pairs` say anything of the object `id`: one of its fields, or a field that it forbids.
    #[must_use]
    pub fn is_addressed(&self, id: NodeId, pairs: &[(&str, &str)]) -> bool {
        match self.node(id) {
            Node::Object(object) => {
                let forbidden = object.forbid_unknown == Some(true);
                pairs
                    .iter()
                    .any(|(name, _)| forbidden || object.places.contains_key(*name))
            }
            Node::Nullable(inner) => self.is_addressed(*inner, pairs),
            Node::Checked(checked) => self.is_addressed(checked.inner, pairs),
            Node::Custom(custom) => self.is_addressed(custom.inner, pairs),
            _ => true,
        }
    }

    pub(super) fn convert_scalar<'py>(&self, py: Python<'py>, id: NodeId, text: &str) -> Made<'py> {
        match self.node(id) {
            Node::Str(rules) => text::string(py, rules, text, text.is_ascii()),
            Node::Any => Ok(text::plain_string(py, text, text.is_ascii())),
            Node::Int(limits) if Converter::Int.accepts(text) => match text.parse() {
                Ok(small) => bounds::int(py, limits, small),
                Err(_) => bounds::big_int(py, limits, text),
            },
            Node::Int(_) => Err(Flaw::bad(Code::Int, "is not a whole number")),
            Node::Float(limits) => match finite(text) {
                Some(number) => bounds::float(py, limits, number),
                None => Err(Flaw::bad(Code::Float, "is not a finite number")),
            },
            Node::Bool => boolean(py, text),
            Node::None if text.is_empty() || text == "null" => Ok(py.None().into_bound(py)),
            Node::None => Err(Flaw::bad(Code::Null, "is not null")),
            Node::Bytes(class, lengths) => text::bytes(py, class.as_ref(), *lengths, text),
            Node::Text(rules) => match rules.unix.and_then(|unit| Some((unit, finite(text)?))) {
                Some((unit, number)) => times::from_number(py, rules, unit, number),
                None => text::read(py, rules, text),
            },
            Node::Choice(choice) => chosen(py, choice, text),
            Node::Nullable(inner) => self.convert_scalar(py, *inner, text),
            Node::Checked(checked) => {
                bounds::checked(checked, self.convert_scalar(py, checked.inner, text)?)
            }
            Node::Custom(custom) => {
                bounds::custom(custom, self.convert_scalar(py, custom.inner, text)?)
            }
            Node::Union(union) => self.first_that_fits(py, &union.options, text),
            Node::List(_) | Node::Tuple(_) => Err(Flaw::bad(Code::Array, "is not an array")),
            Node::Dict(_) | Node::Object(_) => Err(Flaw::bad(Code::Object, "is not an object")),
        }
    }

    /// In declared order, so that `int | str` reads "1" as a number and `str | int` as a text.
    fn first_that_fits<'py>(&self, py: Python<'py>, options: &[NodeId], text: &str) -> Made<'py> {
        for &option in options {
            match self.convert_scalar(py, option, text) {
                Err(Flaw::Bad(..) | Flaw::Many(_)) => {}
                made => return made,
            }
        }
        Err(Flaw::bad(
            Code::Union,
            "fits none of the types that are accepted",
        ))
    }

    fn several<'py>(&self, py: Python<'py>, id: NodeId, texts: &[&str]) -> Made<'py> {
        match self.node(id) {
            Node::List(list) => {
                text::check_length(list.lengths, texts.len(), "items")?;
                let items = self.items(py, texts.iter().map(|text| (list.item, *text)))?;
                collected(py, list, items)
            }
            Node::Tuple(nodes) if nodes.len() == texts.len() => {
                let items = self.items(py, nodes.iter().copied().zip(texts.iter().copied()))?;
                Ok(PyTuple::new(py, items)?.into_any())
            }
            Node::Tuple(nodes) => {
                let message = format!("does not have {} items", nodes.len());
                Err(Flaw::Bad(Code::Length, message.into()))
            }
            Node::Nullable(inner) => self.several(py, *inner, texts),
            Node::Checked(checked) => {
                bounds::checked(checked, self.several(py, checked.inner, texts)?)
            }
            Node::Custom(custom) => bounds::custom(custom, self.several(py, custom.inner, texts)?),
            _ => match texts {
                [text] => self.convert_scalar(py, id, text),
                _ => Err(Flaw::bad(Code::Repeated, "is given more than once")),
            },
        }
    }

    fn items<'py, 't>(
        &self,
        py: Python<'py>,
        texts: impl Iterator<Item = (NodeId, &'t str)>,
    ) -> Result<Vec<Bound<'py, PyAny>>, Flaw> {
        let (mut items, mut problems) = (Vec::new(), Vec::new());
        for (index, (node, text)) in texts.enumerate() {
            match self.convert_scalar(py, node, text) {
                Ok(item) => items.push(item),
                Err(flaw) => {
                    let found = flaw.into_problems(Some("str"))?;
                    problems.extend(found.into_iter().map(|mut problem| {
                        problem.enter_item(index);
                        problem
                    }));
                    if problems.len() >= MAX_PROBLEMS {
                        break;
                    }
                }
            }
        }
        if problems.is_empty() {
            Ok(items)
        } else {
            Err(many(problems))
        }
    }

    fn of_pairs<'py>(
        &self,
        py: Python<'py>,
        id: NodeId,
        pairs: &[(&str, &str)],
        forbid_unknown: bool,
    ) -> Made<'py> {
        match self.node(id) {
            Node::Object(object) => self.fields(py, object, pairs, forbid_unknown),
            Node::Nullable(inner) => self.of_pairs(py, *inner, pairs, forbid_unknown),
            Node::Checked(checked) => bounds::checked(
                checked,
                self.of_pairs(py, checked.inner, pairs, forbid_unknown)?,
            ),
            Node::Custom(custom) => bounds::custom(
                custom,
                self.of_pairs(py, custom.inner, pairs, forbid_unknown)?,
            ),
            _ => Err(Flaw::bad(Code::Object, "is not read from fields")),
        }
    }

    fn fields<'py>(
        &self,
        py: Python<'py>,
        object: &Object,
        pairs: &[(&str, &str)],
        forbid_unknown: bool,
    ) -> Made<'py> {
        let mut texts: Vec<Vec<&str>> = vec![Vec::new(); object.wire.len()];
        let (mut problems, mut failed) = (Vec::new(), Vec::new());
        let forbidden = object.forbid_unknown.unwrap_or(forbid_unknown);
        for (name, text) in pairs {
            match object.places.get(*name) {
                Some(&index) => texts[index].push(text),
                None if forbidden => {
                    let message = format!("is no field of {}", object.name);
                    let mut problem = Problem::new(Code::Unknown, message, Some("str"));
                    problem.enter_member(name);
                    problems.push(problem);
                }
                None => {}
            }
        }
        let mut cells: Vec<_> = object.fields.iter().map(|_| None).collect();
        for (field, texts) in object.wire.iter().zip(texts) {
            if texts.is_empty() {
                continue;
            }
            match self.several(py, field.node, &texts) {
                Ok(value) => cells[field.place] = Some(value),
                Err(flaw) => {
                    failed.push(field.place);
                    let found = flaw.into_problems(Some("str"))?;
                    problems.extend(found.into_iter().map(|mut problem| {
                        problem.enter_member(&object.fields[field.place].alias);
                        problem
                    }));
                }
            }
        }
        problems.extend(fill_absent(py, object, &mut cells, &failed)?);
        if problems.is_empty() {
            return build(py, object, &mut cells);
        }
        Err(many(problems))
    }
}

/// No more of them than are collected.
fn many(mut problems: Vec<Problem>) -> Flaw {
    problems.truncate(MAX_PROBLEMS);
    Flaw::Many(problems)
}

fn collected<'py>(py: Python<'py>, list: &List, items: Vec<Bound<'py, PyAny>>) -> Made<'py> {
    Ok(match list.kind {
        ListKind::List => PyList::new(py, items)?.into_any(),
        ListKind::Tuple => PyTuple::new(py, items)?.into_any(),
        ListKind::Set => PySet::new(py, items)?.into_any(),
        ListKind::FrozenSet => PyFrozenSet::new(py, items)?.into_any(),
        ListKind::Called => {
            let made = list.class.bind(py).call1((PyList::new(py, items)?,));
            made.map_err(|error| Flaw::of(py, error))?
        }
    })
}

/// The number that is written as `text`.
fn finite(text: &str) -> Option<f64> {
    let number = text.parse().ok();
    number.filter(|number: &f64| number.is_finite())
}

fn boolean<'py>(py: Python<'py>, text: &str) -> Made<'py> {
    let any_of = |words: [&str; 4]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    let value = any_of(["true", "1", "yes", "on"]);
    if !value && !any_of(["false", "0", "no", "off"]) {
        return Err(Flaw::bad(Code::Bool, "is not true or false"));
    }
    Ok(PyBool::new(py, value).to_owned().into_any())
}

/// A string before what is written as the text: 1, true, null.
fn chosen<'py>(py: Python<'py>, choice: &Choice, text: &str) -> Made<'py> {
    if choice.texts.contains_key(text) {
        return choice.by_text(py, text);
    }
    let wires = [
        text.parse()
            .ok()
            .filter(|_| Converter::Int.accepts(text))
            .map(Wire::Int),
        (text == "true").then_some(Wire::Bool(true)),
        (text == "false").then_some(Wire::Bool(false)),
        (text == "null").then_some(Wire::Null),
        finite(text).map(|number| Wire::Float(number.to_bits())),
    ];
    for wire in wires.iter().flatten() {
        if let Ok(made) = choice.by_wire(py, wire) {
            return Ok(made);
        }
    }
    choice.by_text(py, text)
}

fn refused(flaw: Flaw) -> Refused {
    match flaw.into_problems(Some("str")) {
        Ok(problems) => Refused::Problems(problems),
        Err(error) => Refused::Raised(error),
    }
}
