//! A request's body as Python awaits it: whole, kept, as bytes, text or JSON.
//!
//! The bytes are read by the connection straight into a `bytes` object; what is here already is
//! given without suspending.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use covet_server::body::{Asked, Body, BodyError, Sink};
use covet_server::body_stream::BodyStream;
use covet_server::exchange::Exchange;
use covet_server::json::ScanError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pyclass::{PyTraverseError, PyVisit};
use pyo3::types::{PyBool, PyBytes, PyDict, PyList, PyString};
use tokio::io::ReadBuf;

use super::awaited_body::AwaitedBody;
use super::body_pieces::BodyPieces;
use super::form_source::FormRules;
use crate::json::DecodeError;
use crate::runtime::{GrowingBytes, ThreadBound};
use crate::typed::{Code, Problem};
use crate::{imports, json, runtime};

/// Where the body is, as `T`.
pub(super) enum Stage<T> {
    /// Nobody asked.
    Unread,
    /// Being read; these futures are set when it ends, one for each who waits.
    Reading(Vec<Py<PyAny>>),
    /// Here.
    Whole(Py<T>),
    /// Given away, to be read in pieces.
    InPieces,
    /// It never came whole, for this reason.
    Failed(Fault),
}

/// Makes the exception for each who asks: one that was raised holds the frames it went through.
pub(super) type Fault = Arc<dyn Fn(Python<'_>) -> PyErr + Send + Sync>;

/// The body of one request, shared by all who ask for it.
#[pyclass(frozen, module = "covet._native")]
pub struct BodySource {
    pub(super) body: ThreadBound<Body>,
    pub(super) exchange: ThreadBound<Exchange>,
    pub(super) event_loop: Py<PyAny>,
    pub(super) stage: Arc<Mutex<Stage<PyBytes>>>,
    /// The same as a form with files.
    pub(super) form: Arc<Mutex<Stage<PyAny>>>,
    pub(super) rules: FormRules,
}

/// What an awaited body becomes.
#[derive(Clone, Debug)]
pub enum BodyForm {
    /// `bytes`
    Bytes,
    /// The JSON value.
    Json,
    /// `str`, from UTF-8 or the charset that the client named.
    Text(Option<String>),
    /// `FormData`, of `application/x-www-form-urlencoded`.
    Urlencoded,
    /// `FormData`, of `multipart/form-data`.
    Multipart,
    /// No body: whether the client has gone.
    Departure,
}

pub(super) fn lock<T>(stage: &Mutex<Stage<T>>) -> MutexGuard<'_, Stage<T>> {
    stage.lock().unwrap_or_else(PoisonError::into_inner)
}

impl BodySource {
    pub(crate) fn new(
        py: Python<'_>,
        body: Body,
        exchange: Exchange,
        event_loop: &Py<PyAny>,
        rules: FormRules,
    ) -> Self {
        Self {
            body: ThreadBound::new(body),
            exchange: ThreadBound::new(exchange),
            event_loop: event_loop.clone_ref(py),
            stage: Arc::new(Mutex::new(Stage::Unread)),
            form: Arc::new(Mutex::new(Stage::Unread)),
            rules,
        }
    }

    /// The body was read for the handler's own parameters: it is this.
    pub(crate) fn arrived(&self, py: Python<'_>, bytes: &[u8]) {
        let before = std::mem::replace(
            &mut *lock(&self.stage),
            Stage::Whole(PyBytes::new(py, bytes).unbind()),
        );
        drop(before);
    }

    /// Something to await that gives the body in `form`.
    ///
    /// # Errors
    /// `RuntimeError` on another thread than the loop's.
    pub fn awaitable(source: &Bound<'_, Self>, form: BodyForm) -> PyResult<Py<PyAny>> {
        let py = source.py();
        let this = source.get();
        this.ask(py)?;
        let waits = matches!(*lock(&this.stage), Stage::Reading(_));
        let inner = if waits {
            this.wait(py, &this.stage)?
        } else {
            None
        };
        let awaited = AwaitedBody::new(source.clone().unbind(), inner, form);
        Ok(Py::new(py, awaited)?.into_any())
    }

    /// The body in pieces, as an async iterator; what is here already is one piece.
    ///
    /// # Errors
    /// `RuntimeError` where it was asked for before, or on another thread than the loop's.
    pub fn in_pieces(&self, py: Python<'_>) -> PyResult<BodyPieces> {
        let whole = match &*lock(&self.stage) {
            Stage::Unread => Ok(None),
            Stage::Whole(bytes) => Ok(Some(bytes.clone_ref(py))),
            Stage::Failed(fault) => Err(Arc::clone(fault)),
            Stage::Reading(_) | Stage::InPieces => return Err(taken()),
        };
        let whole = whole.map_err(|fault| fault(py))?;
        let pieces = match whole {
            Some(bytes) => BodyStream::of_whole(bytes.as_bytes(py)),
            None => BodyStream::of(self.body.get()?).ok_or_else(taken)?,
        };
        let before = std::mem::replace(&mut *lock(&self.stage), Stage::InPieces);
        drop(before);
        Ok(BodyPieces::new(py, pieces, &self.event_loop))
    }

    /// Something to await that says whether the client has gone.
    ///
    /// # Errors
    /// `RuntimeError` on another thread than the loop's.
    pub fn departure(source: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        source.get().exchange.get()?;
        let awaited = AwaitedBody::new(source.clone().unbind(), None, BodyForm::Departure);
        Ok(Py::new(source.py(), awaited)?.into_any())
    }

    /// The iterator of a future of the caller's own, so that who gives up gives up for nobody else.
    pub(super) fn wait<T>(
        &self,
        py: Python<'_>,
        stage: &Mutex<Stage<T>>,
    ) -> PyResult<Option<Py<PyAny>>> {
        let future = self
            .event_loop
            .call_method0(py, intern!(py, "create_future"))?;
        let inner = future.call_method0(py, intern!(py, "__await__"))?;
        let mut stage = lock(stage);
        let Stage::Reading(waiting) = &mut *stage else {
            return Ok(None);
        };
        waiting.push(future);
        Ok(Some(inner))
    }

    fn ask(&self, py: Python<'_>) -> PyResult<()> {
        if !matches!(*lock(&self.stage), Stage::Unread) {
            return Ok(());
        }
        let stage = Arc::clone(&self.stage);
        let asked = self.body.get()?.ask(|| {
            Box::new(Collector {
                bytes: GrowingBytes::new(),
                failed: None,
                stage,
            })
        });
        *lock(&self.stage) = match asked {
            Asked::Later => Stage::Reading(Vec::new()),
            Asked::Whole(Some(bytes)) => Stage::Whole(PyBytes::new(py, &bytes).unbind()),
            Asked::Whole(None) => Stage::Whole(PyBytes::new(py, b"").unbind()),
            Asked::Taken => {
                let message = "the body is gone: the request was answered before it was read";
                Stage::Failed(Arc::new(move |_| PyRuntimeError::new_err(message)))
            }
        };
        Ok(())
    }

    /// The body in `form`, once it is here.
    pub(super) fn take(&self, py: Python<'_>, form: &BodyForm) -> PyResult<Py<PyAny>> {
        if matches!(form, BodyForm::Multipart) {
            return whole(py, &self.form);
        }
        if matches!(form, BodyForm::Departure) {
            let gone = self.exchange.get()?.is_disconnected();
            return Ok(PyBool::new(py, gone).to_owned().into_any().unbind());
        }
        let bytes = whole(py, &self.stage)?;
        let slice = bytes.as_bytes(py);
        match form {
            BodyForm::Bytes | BodyForm::Multipart | BodyForm::Departure => Ok(bytes.into_any()),
            BodyForm::Urlencoded => self.urlencoded(py, slice),
            BodyForm::Text(None) => match std::str::from_utf8(slice) {
                Ok(text) => Ok(PyString::new(py, text).into_any().unbind()),
                Err(error) => {
                    let at = error.valid_up_to();
                    Err(bad_request(
                        py,
                        &format!("The body is not UTF-8 at byte {at}."),
                    ))
                }
            },
            BodyForm::Text(Some(charset)) => decode_charset(&bytes, py, charset),
            BodyForm::Json => match json::decode(py, slice) {
                Ok(value) => Ok(value.unbind()),
                Err(error) => Err(invalid(py, &problem(error))),
            },
        }
    }
}

/// A fault that Python raised, of which there is one only.
pub(super) fn raised(error: PyErr) -> Fault {
    Arc::new(move |py| error.clone_ref(py))
}

/// What a stage holds.
fn whole<T>(py: Python<'_>, stage: &Mutex<Stage<T>>) -> PyResult<Py<T>> {
    let fault = match &*lock(stage) {
        Stage::Whole(value) => return Ok(value.clone_ref(py)),
        Stage::Failed(fault) => Arc::clone(fault),
        Stage::InPieces => return Err(taken()),
        Stage::Unread | Stage::Reading(_) => {
            return Err(PyRuntimeError::new_err("the body was not awaited"));
        }
    };
    Err(fault(py)) // which runs Python code: not under the lock
}

/// A stage ends; those who wait are told.
pub(super) fn settle<T>(py: Python<'_>, stage: &Mutex<Stage<T>>, ended: Stage<T>) {
    let before = std::mem::replace(&mut *lock(stage), ended);
    let Stage::Reading(waiting) = before else {
        return;
    };
    for future in waiting {
        if let Err(error) = wake(future.bind(py)) {
            error.write_unraisable(py, None);
        }
    }
}

/// Two readers of one body.
pub(super) fn taken() -> PyErr {
    PyRuntimeError::new_err(
        "the body is read elsewhere: use one of stream(), body(), json() and text()",
    )
}

/// Charsets that a client may name: those of the web (WHATWG Encoding), by the start of their names.
const CHARSETS: [&str; 12] = [
    "ascii",
    "us-ascii",
    "iso-8859-",
    "latin",
    "windows-125",
    "cp125",
    "utf-",
    "shift_jis",
    "euc-",
    "gb",
    "big5",
    "koi8-",
];

fn decode_charset(bytes: &Py<PyBytes>, py: Python<'_>, charset: &str) -> PyResult<Py<PyAny>> {
    if !CHARSETS.iter().any(|known| charset.starts_with(known)) {
        return Err(bad_request(py, "The charset of the body is not known."));
    }
    let decoded = bytes.call_method1(py, intern!(py, "decode"), (charset,));
    decoded.map_err(|_| bad_request(py, "The body is not text in the charset that it names."))
}

fn bad_request(py: Python<'_>, message: &str) -> PyErr {
    let made = imports::bad_request(py).and_then(|class| class.call1((message,)));
    made.map_or_else(|error| error, PyErr::from_value)
}

fn problem(error: DecodeError) -> Problem {
    let DecodeError {
        offset,
        message,
        kind,
    } = error;
    match kind {
        Some(kind) => Problem::from(ScanError { offset, kind }),
        None => Problem {
            offset: Some(offset),
            ..Problem::new(Code::Digits, message, None)
        },
    }
}

/// A `RequestValidationError` about the body as a whole.
fn invalid(py: Python<'_>, problem: &Problem) -> PyErr {
    let made = (|| {
        let error = PyDict::new(py);
        error.set_item("source", "body")?;
        error.set_item("pointer", &problem.pointer)?;
        error.set_item("code", problem.code.name())?;
        let offset = problem.offset.unwrap_or_default();
        let message = format!("the body at byte {offset}: {}", problem.message);
        error.set_item("message", message)?;
        error.set_item("offset", offset)?;
        let errors = PyList::new(py, [error])?;
        imports::validation_error(py)?.call1((errors,))
    })();
    made.map_or_else(|error| error, PyErr::from_value)
}

#[pymethods]
impl BodySource {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)
    }
}

/// What the connection reads into.
struct Collector {
    bytes: GrowingBytes,
    failed: Option<PyErr>,
    stage: Arc<Mutex<Stage<PyBytes>>>,
}

impl Sink for Collector {
    fn read(&mut self, hint: usize, fill: &mut dyn FnMut(&mut ReadBuf<'_>)) {
        runtime::attached(|py| {
            if let Err(error) = self.bytes.read(py, hint, fill) {
                self.failed = Some(error);
            }
        });
    }

    fn finish(self: Box<Self>, result: Result<(), BodyError>) {
        runtime::attached(|py| {
            let Self {
                bytes,
                failed,
                stage,
            } = *self;
            let ended = match (failed, result) {
                (Some(error), _) => Err(error),
                (None, Ok(())) => bytes.finish(py),
                (None, Err(why)) => {
                    let fault = move |py: Python<'_>| body_exception(py, why);
                    settle(py, &stage, Stage::Failed(Arc::new(fault)));
                    return;
                }
            };
            let ended = match ended {
                Ok(bytes) => Stage::Whole(bytes),
                Err(error) => Stage::Failed(raised(error)),
            };
            settle(py, &stage, ended);
        });
    }
}

pub(super) fn wake(future: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = future.py();
    if !future.call_method0(intern!(py, "done"))?.is_truthy()? {
        future.call_method1(intern!(py, "set_result"), (py.None(),))?;
    }
    Ok(())
}

/// What a body that did not arrive whole raises.
pub(crate) fn body_exception(py: Python<'_>, why: BodyError) -> PyErr {
    let (class, message) = match why {
        BodyError::Refused(refusal) if refusal.status == 413 => {
            (imports::content_too_large(py), refusal.reason.as_str())
        }
        BodyError::Refused(refusal) => (imports::bad_request(py), refusal.reason.as_str()),
        BodyError::Disconnected => (
            imports::bad_request(py),
            "The client went away before the body was complete.",
        ),
        BodyError::Taken => {
            return PyRuntimeError::new_err("the request was answered before its body was read");
        }
    };
    class
        .and_then(|class| class.call1((message,)))
        .map_or_else(|error| error, PyErr::from_value)
}
