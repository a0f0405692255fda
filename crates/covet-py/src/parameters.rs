//! A handler's parameters: read from path and query, converted, all failures reported at once.
//!
//! Compiled from the plan at start; a request does no look-up by name in Python.

use std::collections::HashMap;
use std::fmt::Write as _;

use covet_server::handler::Request as Received;
use covet_server::query;
use covet_server::routing::Converter;
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PySet, PyString, PyTuple, PyType};

/// How a text becomes a value.
#[derive(Debug)]
pub(crate) enum Kind {
    Str,
    Int,
    Float,
    Bool,
    Uuid,
    /// Enum or Literal: the wire text decides.
    Choice(HashMap<String, Py<PyAny>>, String),
    Optional(Box<Kind>),
    List(Box<Kind>),
}

/// Where a parameter comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Request,
    /// The place in the pattern.
    Path(usize),
    Query,
}

/// One parameter.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: Py<PyString>,
    pub(crate) source: Source,
    alias: String,
    kind: Kind,
    required: bool,
    default: Py<PyAny>,
    copied: bool,
    pub(crate) keyword: bool,
}

/// One failure of a request's validation; never holds the client's value.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) source: &'static str,
    pub(crate) pointer: String,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

type Converted = Result<Py<PyAny>, (&'static str, String)>;

impl Kind {
    fn read(value: &Bound<'_, PyAny>) -> PyResult<Self> {
        let tuple = value.cast::<PyTuple>()?;
        let name: String = tuple.get_item(0)?.extract()?;
        let inner =
            |at: usize| -> PyResult<Box<Self>> { Ok(Box::new(Self::read(&tuple.get_item(at)?)?)) };
        Ok(match name.as_str() {
            "str" => Self::Str,
            "int" => Self::Int,
            "float" => Self::Float,
            "bool" => Self::Bool,
            "uuid" => Self::Uuid,
            "enum" => Self::choice(&tuple.get_item(2)?)?,
            "literal" => Self::choice(&tuple.get_item(1)?)?,
            "optional" => Self::Optional(inner(1)?),
            "list" => Self::List(inner(1)?),
            other => {
                return Err(PyValueError::new_err(format!(
                    "no such kind of parameter: {other}"
                )));
            }
        })
    }

    fn choice(members: &Bound<'_, PyAny>) -> PyResult<Self> {
        let members = members.cast::<PyDict>()?;
        let mut names = Vec::new();
        let mut map = HashMap::new();
        for (text, value) in members.iter() {
            let text: String = text.extract()?;
            names.push(text.clone());
            map.insert(text, value.unbind());
        }
        Ok(Self::Choice(map, names.join(", ")))
    }

    fn is_list(&self) -> bool {
        match self {
            Self::List(_) => true,
            Self::Optional(inner) => inner.is_list(),
            _ => false,
        }
    }

    fn convert(&self, py: Python<'_>, text: &str) -> Converted {
        match self {
            Self::Str => Ok(PyString::new(py, text).into_any().unbind()),
            Self::Int if Converter::Int.accepts(text) => integer(py, text),
            Self::Int => Err(("int", "is not a whole number".into())),
            Self::Float => match text.parse::<f64>() {
                Ok(number) if number.is_finite() && !text.is_empty() => {
                    Ok(PyFloat::new(py, number).into_any().unbind())
                }
                _ => Err(("float", "is not a finite number".into())),
            },
            Self::Bool => match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => {
                    Ok(PyBool::new(py, true).to_owned().into_any().unbind())
                }
                "false" | "0" | "no" | "off" => {
                    Ok(PyBool::new(py, false).to_owned().into_any().unbind())
                }
                _ => Err(("bool", "is not true or false".into())),
            },
            Self::Uuid if Converter::Uuid.accepts(text) => {
                let made = uuid_class(py).and_then(|class| class.call1((text,)));
                made.map(Bound::unbind)
                    .map_err(|error| ("uuid", error.to_string()))
            }
            Self::Uuid => Err((
                "uuid",
                "is not a UUID such as 123e4567-e89b-12d3-a456-426614174000".into(),
            )),
            Self::Choice(members, names) => match members.get(text) {
                Some(value) => Ok(value.clone_ref(py)),
                None => Err(("choice", format!("is none of {names}"))),
            },
            Self::Optional(inner) | Self::List(inner) => inner.convert(py, text),
        }
    }
}

fn integer(py: Python<'_>, text: &str) -> Converted {
    if let Ok(small) = text.parse::<i64>() {
        return Ok(PyInt::new(py, small).into_any().unbind());
    }
    let made = py.get_type::<PyInt>().call1((text,));
    made.map(Bound::unbind)
        .map_err(|_| ("int", "has too many digits".into()))
}

fn uuid_class(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static UUID: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    UUID.import(py, "uuid", "UUID")
}

impl Parameter {
    /// From a `ParameterPlan`. `path` has the names of the pattern, in order.
    pub(crate) fn read(plan: &Bound<'_, PyAny>, path: &[String]) -> PyResult<Self> {
        let alias: String = plan.getattr("alias")?.extract()?;
        let default = plan.getattr("default")?;
        let source = match plan.getattr("source")?.extract::<String>()?.as_str() {
            "request" => Source::Request,
            "path" => {
                Source::Path(path.iter().position(|name| *name == alias).ok_or_else(|| {
                    PyValueError::new_err(format!("the path has no parameter named {alias:?}"))
                })?)
            }
            _ => Source::Query,
        };
        let kind = plan.getattr("kind")?;
        Ok(Self {
            name: PyString::intern(plan.py(), &plan.getattr("name")?.extract::<String>()?).unbind(),
            source,
            kind: if source == Source::Request {
                Kind::Str
            } else {
                Kind::read(&kind)?
            },
            alias,
            required: plan.getattr("required")?.extract()?,
            copied: default.is_instance_of::<PyList>()
                || default.is_instance_of::<PyDict>()
                || default.is_instance_of::<PySet>(),
            default: default.unbind(),
            keyword: plan.getattr("keyword")?.extract()?,
        })
    }

    /// The value of this parameter in `received`; failures are added to `failures`.
    pub(crate) fn value(
        &self,
        py: Python<'_>,
        received: &Received<'_>,
        failures: &mut Vec<Failure>,
    ) -> Option<Py<PyAny>> {
        match self.source {
            Source::Request => None,
            Source::Path(at) => {
                let text = received.params.get(at).unwrap_or_default();
                match self.kind.convert(py, text) {
                    Ok(value) => Some(value),
                    Err((code, message)) => self.fail(failures, "path", None, code, &message),
                }
            }
            Source::Query => self.query_value(py, received, failures),
        }
    }

    fn query_value(
        &self,
        py: Python<'_>,
        received: &Received<'_>,
        failures: &mut Vec<Failure>,
    ) -> Option<Py<PyAny>> {
        let raw = received
            .head
            .query
            .map_or(&b""[..], |query| query.of(received.bytes));
        let mut texts = query::pairs(raw)
            .filter(|(name, _)| *name == self.alias)
            .map(|(_, text)| text);
        let Some(first) = texts.next() else {
            return self.absent(py, failures);
        };
        if self.kind.is_list() {
            let list = PyList::empty(py);
            let before = failures.len();
            for (at, text) in std::iter::once(first).chain(texts).enumerate() {
                match self.kind.convert(py, &text) {
                    Ok(value) => list.append(value).ok()?,
                    Err((code, message)) => {
                        self.fail(failures, "query", Some(at), code, &message);
                    }
                }
            }
            return (failures.len() == before).then(|| list.into_any().unbind());
        }
        if texts.next().is_some() {
            return self.fail(
                failures,
                "query",
                None,
                "repeated",
                "is given more than once",
            );
        }
        match self.kind.convert(py, &first) {
            Ok(value) => Some(value),
            Err((code, message)) => self.fail(failures, "query", None, code, &message),
        }
    }

    fn absent(&self, py: Python<'_>, failures: &mut Vec<Failure>) -> Option<Py<PyAny>> {
        if self.required {
            return self.fail(failures, "query", None, "missing", "is missing");
        }
        if self.copied {
            return self.default.call_method0(py, intern!(py, "copy")).ok();
        }
        Some(self.default.clone_ref(py))
    }

    fn fail(
        &self,
        failures: &mut Vec<Failure>,
        source: &'static str,
        item: Option<usize>,
        code: &'static str,
        message: &str,
    ) -> Option<Py<PyAny>> {
        // JSON pointer (RFC 6901 section 3).
        let mut pointer = format!("/{}", self.alias.replace('~', "~0").replace('/', "~1"));
        if let Some(item) = item {
            let _ = write!(pointer, "/{item}");
        }
        failures.push(Failure {
            source,
            pointer,
            code,
            message: format!("{} {message}", self.alias),
        });
        None
    }

    /// The converted value as `request.path_params` shows it.
    pub(crate) fn convert_path(converter: Converter, py: Python<'_>, text: &str) -> Py<PyAny> {
        let kind = match converter {
            Converter::Int => Kind::Int,
            Converter::Float => Kind::Float,
            Converter::Uuid => Kind::Uuid,
            Converter::Str | Converter::Path => Kind::Str,
        };
        kind.convert(py, text)
            .unwrap_or_else(|_| PyString::new(py, text).into_any().unbind())
    }
}
