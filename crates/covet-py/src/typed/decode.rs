//! From a JSON text to final objects in one pass: what is refused is noted and the rest goes on
//! being validated.
//!
//! Every reader returns the value, or None. After None either the decoder has ended (text that is
//! not JSON, the application raised, enough problems), or a problem was noted and the text of the
//! value was read to its end. Places are put in front of problems on the way out, so that a good
//! value costs no path. [`scalars`] reads what holds nothing else.

mod scalars;

use covet_server::json::{Event, ScanError, Scanner};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt};

use self::scalars::double;
use super::bounds;
use super::flaw::{Flaw, Made};
use super::node::{JsonKind, Node, NodeId};
use super::options::Failures;
use super::problems::{Code, MAX_PROBLEMS, Problem, Refused};
use super::schema::Schema;
use super::text;

/// A value; None: it was refused, or the decoder has ended.
pub(super) type Got<'py> = Option<Bound<'py, PyAny>>;

/// Whether the decoder goes on.
#[derive(Debug)]
pub(super) enum Course {
    /// It does.
    Going,
    /// The option of a union that is tried does not fit.
    TrialFailed,
    /// The text is no JSON, or there are enough problems.
    Ended,
    /// The application's code raised.
    Raised(PyErr),
}

/// Reads one text.
pub(super) struct Decoder<'a, 'py> {
    pub(super) py: Python<'py>,
    pub(super) schema: &'a Schema,
    pub(super) scanner: Scanner<'a>,
    /// Whether unknown fields are errors where their type does not say.
    pub(super) forbid_unknown: bool,
    pub(super) problems: Vec<Problem>,
    pub(super) course: Course,
    /// Whether an option of a union is tried: the first problem fails it.
    pub(super) in_trial: bool,
    /// Options that failed, and where.
    pub(super) failures: Option<Box<Failures>>,
    /// The items of all open arrays.
    pub(super) items: Vec<Bound<'py, PyAny>>,
}

/// Decodes `data` as the root of `schema`.
pub(super) fn decode<'py>(
    py: Python<'py>,
    schema: &Schema,
    data: &[u8],
    forbid_unknown: bool,
) -> Result<Bound<'py, PyAny>, Refused> {
    let scanner = Scanner::new(data).map_err(|error| Refused::Problems(vec![error.into()]))?;
    let mut decoder = Decoder {
        py,
        schema,
        scanner,
        forbid_unknown,
        problems: Vec::new(),
        course: Course::Going,
        in_trial: false,
        failures: None,
        items: Vec::new(),
    };
    let mut value = decoder.value(schema.root);
    if matches!(decoder.course, Course::Going)
        && let Err(error) = decoder.scanner.end()
    {
        value = decoder.malformed(error);
    }
    match (decoder.course, value) {
        (Course::Raised(error), _) => Err(Refused::Raised(error)),
        (Course::Going, Some(value)) => Ok(value),
        _ => Err(Refused::Problems(decoder.problems)),
    }
}

impl<'py> Decoder<'_, 'py> {
    /// Reads a value of the node: the commonest without a call.
    #[inline]
    pub(super) fn item(&mut self, id: NodeId) -> Got<'py> {
        match self.schema.node(id) {
            Node::Str(rules) if rules.is_free && self.scanner.head() == b'"' => {
                let py = self.py;
                match self.scanner.text() {
                    Ok(found) => Some(text::plain_string(py, found.text, found.is_ascii)),
                    Err(error) => self.malformed(error),
                }
            }
            Node::Int(bounds) if bounds.is_empty() => {
                self.scanner.head();
                match self.scanner.try_natural() {
                    Some(value) => Some(PyInt::new(self.py, value).into_any()),
                    None => self.value(id),
                }
            }
            _ => self.value(id),
        }
    }

    /// Reads a value of the node.
    pub(super) fn value(&mut self, id: NodeId) -> Got<'py> {
        let schema = self.schema;
        match schema.node(id) {
            Node::Str(rules) => {
                if self.scanner.head() != b'"' {
                    return self.mismatch(Code::Str, "is not a string");
                }
                let py = self.py;
                match self.scanner.text() {
                    Ok(found) if rules.is_free => {
                        Some(text::plain_string(py, found.text, found.is_ascii))
                    }
                    Ok(found) => {
                        let made = text::string(py, rules, found.text, found.is_ascii);
                        self.take(made, JsonKind::Str)
                    }
                    Err(error) => self.malformed(error),
                }
            }
            Node::Int(bounds) => {
                let head = self.scanner.head();
                if bounds.is_empty()
                    && let Some(value) = self.scanner.try_natural()
                {
                    return Some(PyInt::new(self.py, value).into_any());
                }
                if !matches!(head, b'-' | b'0'..=b'9') {
                    return self.mismatch(Code::Int, "is not a whole number");
                }
                let made = match self.scanner.number() {
                    Ok(Event::Int(value)) => bounds::int(self.py, bounds, value),
                    Ok(Event::BigInt(digits)) => bounds::big_int(self.py, bounds, digits),
                    Ok(_) => {
                        return self.refuse(Code::Int, "is not a whole number", JsonKind::Float);
                    }
                    Err(error) => return self.malformed(error),
                };
                self.take(made, JsonKind::Int)
            }
            Node::Object(object) => self.object(object),
            Node::List(list) => self.list(list),
            Node::Float(bounds) => {
                if !matches!(self.scanner.head(), b'-' | b'0'..=b'9') {
                    return self.mismatch(Code::Float, "is not a number");
                }
                let (value, kind) = match self.scanner.number() {
                    Ok(Event::Float(value)) if bounds.is_empty() => {
                        return Some(PyFloat::new(self.py, value).into_any());
                    }
                    Ok(Event::Float(value)) => (Some(value), JsonKind::Float),
                    Ok(event) => (double(event), JsonKind::Int),
                    Err(error) => return self.malformed(error),
                };
                let made = match value {
                    Some(value) => bounds::float(self.py, bounds, value),
                    None => Err(Flaw::bad(Code::Float, "is out of range")),
                };
                self.take(made, kind)
            }
            Node::Bool => match self.scanner.head() {
                b't' | b'f' => match self.scanner.value() {
                    Ok(Event::Bool(value)) => {
                        Some(PyBool::new(self.py, value).to_owned().into_any())
                    }
                    Ok(_) => None,
                    Err(error) => self.malformed(error),
                },
                _ => self.mismatch(Code::Bool, "is not true or false"),
            },
            Node::Nullable(inner) => match self.scanner.head() {
                b'n' => self.null(),
                _ => self.value(*inner),
            },
            Node::None => match self.scanner.head() {
                b'n' => self.null(),
                _ => self.mismatch(Code::Null, "is not null"),
            },
            Node::Text(rules) => self.text(rules),
            Node::Choice(choice) => self.choice(choice),
            Node::Dict(dict) => self.dict(dict),
            Node::Union(union) => self.union(union),
            Node::Any => self.any(),
            Node::Bytes(class, lengths) => {
                self.string(Code::Bytes, "is not base64", |py, found| {
                    text::bytes(py, class.as_ref(), *lengths, found)
                })
            }
            Node::Tuple(items) => self.tuple(items),
            Node::Checked(checked) => {
                let (kind, value) = (self.kind(), self.value(checked.inner)?);
                self.take(bounds::checked(checked, value), kind)
            }
            Node::Custom(custom) => {
                let (kind, value) = (self.kind(), self.value(custom.inner)?);
                self.take(bounds::custom(custom, value), kind)
            }
        }
    }

    /// The kind of the value that comes, for a problem; a number counts as an int.
    fn kind(&mut self) -> JsonKind {
        match self.scanner.head() {
            b'"' => JsonKind::Str,
            b'{' => JsonKind::Object,
            b'[' => JsonKind::Array,
            b't' | b'f' => JsonKind::Bool,
            b'n' => JsonKind::Null,
            _ => JsonKind::Int,
        }
    }

    /// The value, or None with what stands against it noted.
    #[inline]
    pub(super) fn take(&mut self, made: Made<'py>, kind: JsonKind) -> Got<'py> {
        match made {
            Ok(value) => Some(value),
            Err(flaw) => self.note(flaw, Some(kind.name())),
        }
    }

    /// Notes a flaw. Always None.
    #[cold]
    pub(super) fn note(&mut self, flaw: Flaw, input: Option<&'static str>) -> Got<'py> {
        match flaw.into_problems(input) {
            Ok(problems) => {
                for problem in problems {
                    self.add(problem);
                }
            }
            Err(error) => self.course = Course::Raised(error),
        }
        None
    }

    #[cold]
    pub(super) fn refuse(&mut self, code: Code, message: &'static str, kind: JsonKind) -> Got<'py> {
        self.note(Flaw::bad(code, message), Some(kind.name()))
    }

    #[cold]
    fn add(&mut self, problem: Problem) {
        if self.in_trial {
            self.course = Course::TrialFailed;
            return;
        }
        // One flaw may be several problems, of which the last ones are too many.
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        }
        if self.problems.len() == MAX_PROBLEMS {
            self.course = Course::Ended;
        }
    }

    /// The text is no JSON: that is the one problem. Always None.
    #[cold]
    pub(super) fn malformed(&mut self, error: ScanError) -> Got<'py> {
        self.problems.clear();
        self.problems.push(error.into());
        self.course = Course::Ended;
        None
    }

    /// Reads a value of the wrong kind to its end and notes that it is one. Always None.
    #[cold]
    pub(super) fn mismatch(&mut self, code: Code, message: &'static str) -> Got<'py> {
        if self.in_trial {
            self.course = Course::TrialFailed;
            return None;
        }
        match self.skip() {
            Ok(kind) => self.refuse(code, message, kind),
            Err(error) => self.malformed(error),
        }
    }

    /// Reads a value to its end.
    pub(super) fn skip(&mut self) -> Result<JsonKind, ScanError> {
        let kind = match self.scanner.value()? {
            Event::Null => JsonKind::Null,
            Event::Bool(_) => JsonKind::Bool,
            Event::Int(_) | Event::BigInt(_) => JsonKind::Int,
            Event::Float(_) => JsonKind::Float,
            Event::Str(_) => JsonKind::Str,
            Event::Array => {
                self.scanner.skip_items()?;
                JsonKind::Array
            }
            Event::Object => {
                self.scanner.skip_members()?;
                JsonKind::Object
            }
        };
        Ok(kind)
    }

    /// Whether reading goes on.
    #[inline]
    pub(super) fn is_going(&self) -> bool {
        matches!(self.course, Course::Going)
    }

    /// Puts the item in front of the problems since `from`, which becomes their number.
    #[cold]
    pub(super) fn enter_item(&mut self, from: &mut usize, index: usize) {
        if self.is_located() {
            for problem in self.problems.iter_mut().skip(*from) {
                problem.enter_item(index);
            }
        }
        *from = self.problems.len();
    }

    /// Puts the member in front of the problems since `from`, which becomes their number.
    #[cold]
    pub(super) fn enter_member(&mut self, from: &mut usize, name: &str) {
        if self.is_located() {
            for problem in self.problems.iter_mut().skip(*from) {
                problem.enter_member(name);
            }
        }
        *from = self.problems.len();
    }

    /// Whether the problems have places: not the one of a text that is no JSON.
    fn is_located(&self) -> bool {
        self.problems
            .last()
            .is_some_and(|problem| problem.offset.is_none())
    }
}
