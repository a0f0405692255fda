//! What a handler returned becomes an answer, encoded straight into a pooled buffer.

use std::sync::Arc;

use covet_server::buffers::Buffer;
use covet_server::files::{FileBody, StoredFile, open_below};
use covet_server::response::{JSON, Payload, Response, TEXT, WholeResponse};
use pyo3::exceptions::{PyException, PyOSError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyList, PyString, PyTuple};

use crate::answers::AnswerForm;
use crate::json::EncodeError;
use crate::plan::CallPlan;
use crate::typed::Schema;
use crate::types::{FileSource, ResponseBody, ResponseView, StreamContent, StreamForm};
use crate::{failure, json, runtime};

/// `application/octet-stream`
const OCTETS: &[u8] = b"application/octet-stream";
/// `application/jsonl`
const LINES: &[u8] = b"application/jsonl";
/// Server-sent events.
const EVENTS: &[u8] = b"text/event-stream; charset=utf-8";
/// A `bytes` answer up to this size is copied; a larger one is sent from its own memory.
pub(crate) const COPIED: usize = 16 * 1024;

/// What a call gave.
pub(crate) enum Outcome {
    /// An answer.
    Answer(Response),
    /// Something that has to be awaited first.
    Awaitable(Py<PyAny>),
    /// An answer whose content is still to be asked for; its body is empty.
    Streaming(Response, StreamContent),
}

/// An [`Outcome`] that may cross threads.
pub(crate) enum Shipped {
    Answer(WholeResponse),
    Awaitable(Py<PyAny>),
    Streaming(WholeResponse, StreamContent),
}

impl Outcome {
    /// The same for another thread. Nothing here is a stream that runs already.
    pub(crate) fn ship(self) -> Option<Shipped> {
        Some(match self {
            Self::Answer(response) => Shipped::Answer(response.whole()?),
            Self::Awaitable(awaitable) => Shipped::Awaitable(awaitable),
            Self::Streaming(head, content) => Shipped::Streaming(head.whole()?, content),
        })
    }
}

impl From<Shipped> for Outcome {
    fn from(shipped: Shipped) -> Self {
        match shipped {
            Shipped::Answer(response) => Self::Answer(response.into()),
            Shipped::Awaitable(awaitable) => Self::Awaitable(awaitable),
            Shipped::Streaming(head, content) => Self::Streaming(head.into(), content),
        }
    }
}

/// A `bytes` object held until it is sent.
pub(crate) struct Held(Py<PyBytes>);

impl Held {
    pub(crate) fn new(bytes: &Bound<'_, PyBytes>) -> Self {
        Self(bytes.clone().unbind())
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        runtime::attached(|py| self.0.as_bytes(py))
    }
}

/// The answer that `value` means on the route of `plan`.
pub(crate) fn respond(plan: &CallPlan, value: &Bound<'_, PyAny>) -> Outcome {
    match &plan.answer.form {
        AnswerForm::Any => by_type(plan, value),
        AnswerForm::Empty if value.is_none() => {
            Outcome::Answer(Response::new(plan.status, None, Payload::Empty))
        }
        AnswerForm::Empty => Outcome::Answer(mismatch(plan, value, "None")),
        AnswerForm::Text => match value.cast::<PyString>() {
            Ok(text) => Outcome::Answer(as_text(plan, text)),
            Err(_) => other_than(plan, value, "str"),
        },
        AnswerForm::Bytes => match octets(value) {
            Some(bytes) => Outcome::Answer(Response::new(plan.status, Some(OCTETS), bytes)),
            None => other_than(plan, value, "bytes"),
        },
        AnswerForm::Json(schema) => declared(plan, schema, value),
        AnswerForm::Items(form, schema) => items(plan, *form, schema.as_ref(), value),
    }
}

/// An answer of the declared type.
fn declared(plan: &CallPlan, schema: &Schema, value: &Bound<'_, PyAny>) -> Outcome {
    let py = value.py();
    if !value.is_exact_instance_of::<PyDict>() && !value.is_exact_instance_of::<PyList>() {
        match ResponseView::of(value) {
            Ok(Some(view)) => return of_view(py, plan, &view),
            Ok(None) => {}
            Err(error) => return Outcome::Answer(failure::raised(py, &plan.label, error)),
        }
    }
    let mut out = Buffer::take();
    match schema.encode(value, plan.answer.by_attribute, &mut out) {
        Ok(()) => {}
        Err(_) if is_awaitable(value) => return Outcome::Awaitable(value.clone().unbind()),
        Err(error) => return Outcome::Answer(not_encoded(plan, py, error)),
    }
    if plan.answer.check
        && let Err(refused) = schema.decode(py, &out, false)
    {
        return Outcome::Answer(failure::wrong_answer(py, &plan.label, refused));
    }
    Outcome::Answer(Response::new(plan.status, Some(JSON), Payload::Buffer(out)))
}

/// An answer of the items that `value` gives, each of the type of `schema`.
fn items(
    plan: &CallPlan,
    form: StreamForm,
    schema: Option<&Arc<Schema>>,
    value: &Bound<'_, PyAny>,
) -> Outcome {
    let py = value.py();
    let iterates = [
        intern!(py, "__anext__"),
        intern!(py, "__next__"),
        intern!(py, "__aiter__"),
    ]
    .into_iter()
    .any(|name| value.hasattr(name).unwrap_or(false));
    if !iterates {
        return other_than(plan, value, "an iterator");
    }
    let mut head = Response::new(plan.status, Some(LINES), Payload::Empty);
    if let StreamForm::Events { .. } = form {
        head.content_type = Some(EVENTS);
        head = head.with_field("cache-control", "no-store");
    }
    match StreamContent::new(value, form, schema.cloned()) {
        Ok(content) => Outcome::Streaming(head, content),
        Err(error) => Outcome::Answer(failure::raised(py, &plan.label, error)),
    }
}

/// A value whose annotation is another type: an answer as it is, something to await, or a mistake.
fn other_than(plan: &CallPlan, value: &Bound<'_, PyAny>, declared: &str) -> Outcome {
    match ResponseView::of(value) {
        Ok(Some(view)) => of_view(value.py(), plan, &view),
        Err(error) => Outcome::Answer(failure::raised(value.py(), &plan.label, error)),
        Ok(None) if is_awaitable(value) => Outcome::Awaitable(value.clone().unbind()),
        Ok(None) => Outcome::Answer(mismatch(plan, value, declared)),
    }
}

fn mismatch(plan: &CallPlan, value: &Bound<'_, PyAny>, declared: &str) -> Response {
    let what = format!(
        "returned {} although it declares {declared}",
        type_name(value)
    );
    failure::internal(value.py(), &plan.label, &what, None)
}

fn is_awaitable(value: &Bound<'_, PyAny>) -> bool {
    value
        .hasattr(intern!(value.py(), "__await__"))
        .unwrap_or(false)
}

/// The octets of `bytes` or `bytearray`.
fn octets(value: &Bound<'_, PyAny>) -> Option<Payload> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Some(shared(bytes));
    }
    let array = value.cast::<PyByteArray>().ok()?;
    Some(copied(&array.to_vec()))
}

/// An answer by the type of the value.
fn by_type(plan: &CallPlan, value: &Bound<'_, PyAny>) -> Outcome {
    let py = value.py();
    if value.is_exact_instance_of::<PyDict>() || value.is_exact_instance_of::<PyList>() {
        return Outcome::Answer(as_json(plan, plan.status, value));
    }
    if let Ok(text) = value.cast_exact::<PyString>() {
        return Outcome::Answer(as_text(plan, text));
    }
    if let Ok(bytes) = value.cast_exact::<PyBytes>() {
        return Outcome::Answer(Response::new(plan.status, Some(OCTETS), shared(bytes)));
    }
    match ResponseView::of(value) {
        Ok(Some(view)) => return of_view(py, plan, &view),
        Ok(None) => {}
        Err(error) => return Outcome::Answer(failure::raised(py, &plan.label, error)),
    }
    if value.is_exact_instance_of::<PyTuple>() {
        let what = "returned a tuple: write `return JSONResponse(body, status_code)`";
        return Outcome::Answer(failure::internal(py, &plan.label, what, None));
    }
    if is_awaitable(value) {
        return Outcome::Awaitable(value.clone().unbind());
    }
    Outcome::Answer(as_json(plan, plan.status, value))
}

fn as_text(plan: &CallPlan, text: &Bound<'_, PyString>) -> Response {
    match text.to_str() {
        Ok(text) => Response::new(plan.status, Some(TEXT), copied(text.as_bytes())),
        Err(error) => failure::internal(
            text.py(),
            &plan.label,
            "returned text that is not Unicode",
            Some(&error),
        ),
    }
}

fn as_json(plan: &CallPlan, status: u16, value: &Bound<'_, PyAny>) -> Response {
    let mut out = Buffer::take();
    match json::encode(value, &mut out) {
        Ok(()) => Response::new(status, Some(JSON), Payload::Buffer(out)),
        Err(error) => not_encoded(plan, value.py(), error),
    }
}

fn not_encoded(plan: &CallPlan, py: Python<'_>, error: EncodeError) -> Response {
    let cause = error
        .cause
        .filter(|cause| !cause.is_instance_of::<PyException>(py));
    if let Some(interrupt) = cause {
        return failure::raised(py, &plan.label, interrupt);
    }
    let what = format!(
        "cannot encode what it returned at {}: {}",
        error.path, error.message
    );
    failure::internal(py, &plan.label, &what, None)
}

fn of_view(py: Python<'_>, plan: &CallPlan, view: &ResponseView) -> Outcome {
    let mut validators = Vec::new();
    let body = match &view.body {
        ResponseBody::Empty | ResponseBody::Stream(_) => Payload::Empty,
        ResponseBody::Bytes(bytes) => shared(bytes.bind(py)),
        ResponseBody::Text(text) => match text.to_str(py) {
            Ok(text) => copied(text.as_bytes()),
            Err(error) => return Outcome::Answer(failure::raised(py, &plan.label, error)),
        },
        ResponseBody::Json(value) => {
            let encoded = as_json(plan, view.status, value.bind(py));
            if encoded.content_type != Some(JSON) {
                return Outcome::Answer(encoded);
            }
            encoded.body
        }
        ResponseBody::File(source) => match opened(source) {
            Ok(None) => return Outcome::Answer(Response::problem(404, "")),
            // Validators of the application's own: only it knows what they mean.
            Ok(Some(file)) if view.has("etag") || view.has("last-modified") => {
                Payload::File(Box::new(FileBody::unconditional(file)))
            }
            Ok(Some(file)) => {
                file.write_fields(&mut validators);
                Payload::File(Box::new(FileBody::whole(file)))
            }
            Err(error) => return Outcome::Answer(failure::raised(py, &plan.label, error)),
        },
    };
    let mut response = Response::new(view.status, None, body);
    if let Some(content_type) = view.content_type() {
        match content_type.as_ref() {
            "application/json" => response.content_type = Some(JSON),
            "text/plain; charset=utf-8" => response.content_type = Some(TEXT),
            other => response = response.with_field("content-type", other),
        }
    }
    view.write_fields(plan.debug, &mut response.fields);
    response.fields.extend_from_slice(&validators);
    match &view.body {
        ResponseBody::Stream(content) => {
            let mut content = content.clone_ref(py);
            content.length = view.declared_length();
            Outcome::Streaming(response, content)
        }
        _ => Outcome::Answer(response),
    }
}

/// The file of a `FileResponse`; `None` where it is not below the root. Without a root the path is the program's own,
/// and one that cannot be opened is its mistake.
fn opened(source: &FileSource) -> PyResult<Option<StoredFile>> {
    let shown = source.path.display();
    match &source.root {
        None => match StoredFile::open(&source.path) {
            Ok(file) => Ok(Some(file)),
            Err(error) => Err(PyOSError::new_err(format!(
                "FileResponse cannot open {shown}: {error}; give `root` where a client chooses the path"
            ))),
        },
        Some(root) => {
            let Some(path) = source.path.to_str() else {
                return Ok(None);
            };
            open_below(root, path).map_err(|error| {
                PyOSError::new_err(format!("FileResponse cannot open {shown}: {error}"))
            })
        }
    }
}

fn copied(bytes: &[u8]) -> Payload {
    let mut out = Buffer::with_capacity(bytes.len());
    out.extend_from_slice(bytes);
    Payload::Buffer(out)
}

fn shared(bytes: &Bound<'_, PyBytes>) -> Payload {
    let slice = bytes.as_bytes();
    if slice.len() <= COPIED {
        copied(slice)
    } else {
        Payload::Shared(Box::new(Held::new(bytes)))
    }
}

fn type_name(value: &Bound<'_, PyAny>) -> String {
    value
        .get_type()
        .name()
        .map_or_else(|_| "an object".into(), |name| name.to_string())
}
