//! A request's body as a form that Python awaits: urlencoded from the bytes, multipart while it arrives.

use std::sync::Arc;

use covet_server::media_type::MediaType;
use covet_server::multipart::{self, Limits};
use covet_server::query;
use covet_server::spool::{Form, Options, SpoolError, Spooling, spool, spool_bytes};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::awaited_body::AwaitedBody;
use super::body_source::{BodyForm, BodySource, Stage, lock, raised, settle, taken};
use super::part_reader::PartReader;
use crate::forms::{self, ReceivedForm};
use crate::{imports, runtime};

/// What the forms of a route may hold.
#[derive(Clone, Copy, Debug)]
pub struct FormRules {
    /// Fields of an urlencoded form, and of the query.
    pub fields: usize,
    /// Of a form with files.
    pub multipart: Limits,
}

impl FormRules {
    /// From a `FormLimits` of Python.
    pub(crate) fn read(given: &Bound<'_, PyAny>) -> PyResult<Self> {
        let number = |name: &str| -> PyResult<usize> { given.getattr(name)?.extract() };
        Ok(Self {
            fields: number("fields")?,
            multipart: Limits {
                parts: number("parts")?,
                files: number("files")?,
                fields: number("head_fields")?,
                head: number("head")?,
                field_size: number("field_size")? as u64,
                all_fields: number("all_fields")? as u64,
            },
        })
    }
}

impl BodySource {
    /// The body was read as a form for the handler's own parameters: it is this.
    pub(crate) fn form_arrived(&self, py: Python<'_>, form: Py<PyAny>) {
        settle(py, &self.form, Stage::Whole(form));
        settle(py, &self.stage, gone());
    }

    /// Something to await that gives the body as a `FormData`.
    ///
    /// # Errors
    /// `UnsupportedMediaType` where it is no form, `BadRequest` where it has no boundary, `RuntimeError` where it is
    /// being read as something else.
    pub(crate) fn awaitable_form(
        source: &Bound<'_, Self>,
        content_type: &[u8],
        sha256: bool,
    ) -> PyResult<Py<PyAny>> {
        let py = source.py();
        let this = source.get();
        let sent = MediaType::of(content_type);
        if sent.is("application/x-www-form-urlencoded") {
            return Self::awaitable(source, BodyForm::Urlencoded);
        }
        if !sent.is("multipart/form-data") {
            let message =
                "The body must be application/x-www-form-urlencoded or multipart/form-data.";
            return Err(unsupported(py, message));
        }
        if matches!(*lock(&this.form), Stage::Unread) {
            let boundary = multipart::boundary(content_type);
            let boundary = boundary.map_err(|error| forms::exception(py, &error.into()))?;
            let options = Options {
                limits: this.rules.multipart,
                sha256,
                ..Options::default()
            };
            this.begin_form(py, &boundary, options)?;
        }
        let waits = matches!(*lock(&this.form), Stage::Reading(_));
        let inner = if waits {
            this.wait(py, &this.form)?
        } else {
            None
        };
        let awaited = AwaitedBody::new(source.clone().unbind(), inner, BodyForm::Multipart);
        Ok(Py::new(py, awaited)?.into_any())
    }

    /// A reader of the parts of a body of `content_type`.
    ///
    /// # Errors
    /// `UnsupportedMediaType` where it is no form with files, `BadRequest` where it names no boundary.
    pub(crate) fn part_reader(&self, py: Python<'_>, content_type: &[u8]) -> PyResult<PartReader> {
        if !MediaType::of(content_type).is("multipart/form-data") {
            return Err(unsupported(py, "The body must be multipart/form-data."));
        }
        PartReader::new(py, content_type, self.rules)
    }

    fn begin_form(&self, py: Python<'_>, boundary: &[u8], options: Options) -> PyResult<()> {
        let here = match &*lock(&self.stage) {
            Stage::Whole(bytes) => Ok(Some(bytes.clone_ref(py))),
            Stage::Unread => Ok(None),
            Stage::Failed(fault) => Err(Arc::clone(fault)),
            Stage::InPieces => return Err(taken()),
            Stage::Reading(_) => {
                return Err(PyRuntimeError::new_err(
                    "the body is being read as bytes: await that first, or read it as a form only",
                ));
            }
        };
        let here = here.map_err(|fault| fault(py))?;
        let spooling = runtime::enter(self.event_loop.bind(py), || match here {
            Some(bytes) => Ok(spool_bytes(bytes.as_bytes(py), boundary, options)),
            None => self.body.get().map(|body| spool(body, boundary, options)),
        })??;
        if matches!(*lock(&self.stage), Stage::Unread) {
            settle(py, &self.stage, gone());
        }
        if let Some(outcome) = spooling.ready() {
            settle(py, &self.form, ended(py, outcome, &self.event_loop));
            return Ok(());
        }
        *lock(&self.form) = Stage::Reading(Vec::new());
        self.follow(py, spooling)
    }

    /// Tell those who wait once the form is there.
    fn follow(&self, py: Python<'_>, spooling: Spooling) -> PyResult<()> {
        let stage = Arc::clone(&self.form);
        let event_loop = self.event_loop.clone_ref(py);
        runtime::spawn(self.event_loop.bind(py), async move {
            let outcome = spooling.await;
            runtime::attached(|py| {
                let ended = ended(py, outcome, &event_loop);
                settle(py, &stage, ended);
                drop(event_loop);
            });
        })
    }

    /// The form of an urlencoded body.
    pub(super) fn urlencoded(&self, py: Python<'_>, bytes: &[u8]) -> PyResult<Py<PyAny>> {
        if query::count(bytes) > self.rules.fields {
            let made = imports::bad_request(py)?.call1(("The form has too many fields.",))?;
            return Err(PyErr::from_value(made));
        }
        let pairs = PyList::new(py, query::pairs(bytes).collect::<Vec<_>>())?;
        Ok(imports::form_data(py)?.call1((pairs,))?.unbind())
    }
}

fn unsupported(py: Python<'_>, message: &str) -> PyErr {
    let made = imports::unsupported_media_type(py).and_then(|class| class.call1((message,)));
    made.map_or_else(|error| error, PyErr::from_value)
}

fn ended(
    py: Python<'_>,
    outcome: Result<Form, SpoolError>,
    event_loop: &Py<PyAny>,
) -> Stage<PyAny> {
    let made = match outcome {
        Ok(form) => ReceivedForm::new(py, form, event_loop).and_then(|form| form.to_python(py)),
        Err(error) => {
            return Stage::Failed(Arc::new(move |py| forms::exception(py, &error)));
        }
    };
    match made {
        Ok(form) => Stage::Whole(form),
        Err(error) => Stage::Failed(raised(error)),
    }
}

/// What a body is to those who ask for its bytes after it was read as a form.
fn gone<T>() -> Stage<T> {
    let message = "the body was read as a form, piece by piece: use request.form()";
    Stage::Failed(Arc::new(move |_| PyRuntimeError::new_err(message)))
}
