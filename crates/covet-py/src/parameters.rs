//! A handler's parameters, compiled at start: where each comes from, its type, its default.
//!
//! Reads those made of texts; a body's are filled in by [`crate::invoke`]. All failures of a request are collected.

use std::borrow::Cow;

use covet_server::handler::Request as Received;
use covet_server::routing::Converter;
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyInt, PyList, PySet, PyString};

use crate::failure::Failure;
use crate::forms::ReceivedForm;
use crate::texts::Texts;
use crate::typed::{Code, Problem, Refused, Schema};

/// The source that errors of files name.
const FORM: &str = "form";

/// Where a parameter comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Request,
    /// The place in the pattern.
    Path(usize),
    Query,
    Header,
    Cookie,
    Form,
    /// A file of a form.
    File,
    Body,
}

/// How texts become a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Of one.
    Scalar,
    /// Of all with its name.
    List,
    /// Of several names.
    Object,
}

/// One parameter.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: Py<PyString>,
    pub(crate) source: Source,
    /// The name on the wire.
    pub(crate) alias: String,
    pub(crate) keyword: bool,
    shape: Shape,
    /// None for the request and for a body, whose readers know.
    schema: Option<Schema>,
    required: bool,
    default: Py<PyAny>,
    copied: bool,
}

/// What a request says of a parameter.
pub(crate) type Found = Result<Option<Py<PyAny>>, PyErr>;

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
            "query" => Source::Query,
            "header" => Source::Header,
            "cookie" => Source::Cookie,
            "form" => Source::Form,
            "file" => Source::File,
            _ => Source::Body,
        };
        let node = plan.getattr("node")?;
        Ok(Self {
            name: PyString::intern(plan.py(), &plan.getattr("name")?.extract::<String>()?).unbind(),
            source,
            shape: match plan.getattr("shape")?.extract::<String>()?.as_str() {
                "list" => Shape::List,
                "object" => Shape::Object,
                _ => Shape::Scalar,
            },
            schema: if node.is_none() {
                None
            } else {
                Some(Schema::compile(&node)?)
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

    /// The value of this parameter in the head of `received`; `None` with a failure added, or for what has no text.
    ///
    /// # Errors
    /// What the application's own code raised.
    pub(crate) fn of_head(
        &self,
        py: Python<'_>,
        received: &Received<'_>,
        failures: &mut Vec<Failure>,
    ) -> Found {
        let texts = match self.source {
            Source::Path(at) => {
                let text = received.params.get(at).unwrap_or_default();
                return match &self.schema {
                    Some(schema) => {
                        self.kept("path", schema.convert(py, schema.root, text), failures)
                    }
                    None => Ok(None),
                };
            }
            Source::Query => Texts::Query(received),
            Source::Header => Texts::Header(received),
            Source::Cookie => Texts::Cookie(received),
            Source::Request | Source::Form | Source::File | Source::Body => return Ok(None),
        };
        self.of_texts(py, texts, failures)
    }

    /// The value of this parameter in `texts`; `None` with a failure added.
    ///
    /// # Errors
    /// What the application's own code raised.
    pub(crate) fn of_texts(
        &self,
        py: Python<'_>,
        texts: Texts<'_>,
        failures: &mut Vec<Failure>,
    ) -> Found {
        let Some(schema) = &self.schema else {
            return Ok(None);
        };
        let source = texts.name();
        match self.shape {
            Shape::Scalar => {
                let (mut first, mut repeated) = (None, false);
                texts.each(|name, text| {
                    if name == self.alias {
                        repeated |= first.is_some();
                        first.get_or_insert(text);
                    }
                });
                match first {
                    None => self.absent(py, source, failures),
                    Some(_) if repeated => {
                        let problem = Problem::new(Code::Repeated, "is given more than once", None);
                        self.kept(source, Err(Refused::Problems(vec![problem])), failures)
                    }
                    Some(text) => {
                        self.kept(source, schema.convert(py, schema.root, &text), failures)
                    }
                }
            }
            Shape::List => {
                let mut found: Vec<Cow<'_, str>> = Vec::new();
                texts.each(|name, text| {
                    if name == self.alias {
                        found.push(text);
                    }
                });
                if found.is_empty() {
                    return self.absent(py, source, failures);
                }
                let found: Vec<&str> = found.iter().map(|text| &**text).collect();
                self.kept(
                    source,
                    schema.convert_many(py, schema.root, &found),
                    failures,
                )
            }
            Shape::Object => {
                let pairs = texts.pairs();
                let pairs: Vec<_> = pairs
                    .iter()
                    .map(|(name, text)| (&**name, &**text))
                    .collect();
                if !self.required && !schema.is_addressed(schema.root, &pairs) {
                    return self.absent(py, source, failures);
                }
                match schema.convert_object(py, schema.root, &pairs, false) {
                    Ok(value) => Ok(Some(value.unbind())),
                    Err(Refused::Raised(error)) => Err(error),
                    Err(Refused::Problems(problems)) => {
                        failures.extend(problems.into_iter().map(|it| Failure::new(source, it)));
                        Ok(None)
                    }
                }
            }
        }
    }

    /// The file of this parameter, or all of them; its bytes where it has a schema. `None` with a failure added.
    ///
    /// # Errors
    /// What Python raises.
    pub(crate) fn of_files(
        &self,
        py: Python<'_>,
        form: Option<&ReceivedForm>,
        failures: &mut Vec<Failure>,
    ) -> Found {
        let files = form.into_iter().flat_map(|form| form.files(&self.alias));
        let files = files.map(|file| file.value(py, self.schema.is_some()));
        let mut files = files.collect::<PyResult<Vec<_>>>()?;
        match (files.len(), self.shape) {
            (0, _) => self.absent(py, FORM, failures),
            (_, Shape::List) => Ok(Some(PyList::new(py, files)?.into_any().unbind())),
            (1, _) => Ok(files.pop()),
            _ => {
                let problem = Problem::new(Code::Repeated, "is given more than once", None);
                self.kept(FORM, Err(Refused::Problems(vec![problem])), failures)
            }
        }
    }

    /// The default, or a failure.
    ///
    /// # Errors
    /// What copying the default raises.
    pub(crate) fn absent(
        &self,
        py: Python<'_>,
        source: &'static str,
        failures: &mut Vec<Failure>,
    ) -> Found {
        if self.required {
            let problem = Problem::new(Code::Missing, "is missing", None);
            return match self.source {
                Source::Body => {
                    failures.push(Failure::new(source, problem));
                    Ok(None)
                }
                _ => self.kept(source, Err(Refused::Problems(vec![problem])), failures),
            };
        }
        if self.copied {
            return self.default.call_method0(py, intern!(py, "copy")).map(Some);
        }
        Ok(Some(self.default.clone_ref(py)))
    }

    /// A converted value, or its problems below this parameter's name.
    fn kept(
        &self,
        source: &'static str,
        converted: Result<Bound<'_, PyAny>, Refused>,
        failures: &mut Vec<Failure>,
    ) -> Found {
        match converted {
            Ok(value) => Ok(Some(value.unbind())),
            Err(Refused::Raised(error)) => Err(error),
            Err(Refused::Problems(problems)) => {
                for mut problem in problems {
                    problem.enter_member(&self.alias);
                    failures.push(Failure::new(source, problem));
                }
                Ok(None)
            }
        }
    }

    /// The text of the path that `converter` let through, as `request.path_params` shows it.
    pub(crate) fn convert_path(
        converter: Converter,
        py: Python<'_>,
        text: &str,
    ) -> PyResult<Py<PyAny>> {
        let value = match converter {
            Converter::Int => match text.parse::<i64>() {
                Ok(small) => PyInt::new(py, small).into_any(),
                Err(_) => py.get_type::<PyInt>().call1((text,))?,
            },
            Converter::Float => PyFloat::new(py, text.parse().unwrap_or(f64::NAN)).into_any(),
            Converter::Uuid => crate::imports::uuid(py)?.call1((text,))?,
            Converter::Str | Converter::Path => PyString::new(py, text).into_any(),
        };
        Ok(value.unbind())
    }
}
