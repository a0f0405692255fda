//! The one place that maps failures to answers: exceptions, failed validation, what cannot be encoded.

use covet_server::body::BodyError;
use covet_server::buffers::Buffer;
use covet_server::handler::{Full, Slow};
use covet_server::http1::{field_is_valid, reason_phrase};
use covet_server::json::write::write_str;
use covet_server::request_id;
use covet_server::response::{PROBLEM, Payload, Response};
use pyo3::exceptions::{
    PyBaseException, PyException, PyKeyboardInterrupt, PyOSError, PySystemExit,
};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyMapping};

use crate::request_name::Seen;
use crate::typed::{Code, Problem, Refused};
use crate::{imports, json, request_name, runtime};

const PAGE: &[u8] = b"text/html; charset=utf-8";
/// Nothing runs and nothing is loaded.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// One failure of a request's validation.
#[derive(Debug)]
pub(crate) struct Failure {
    source: &'static str,
    problem: Problem,
}

impl Failure {
    /// `problem`, found in `source`.
    pub(crate) fn new(source: &'static str, problem: Problem) -> Self {
        Self { source, problem }
    }

    /// Path before query, query before header, as a request is read.
    pub(crate) fn rank(&self) -> usize {
        let order = ["path", "query", "header", "cookie"];
        order
            .iter()
            .position(|source| *source == self.source)
            .unwrap_or(order.len())
    }

    /// The sentence for people: where, and what is wrong. A place is the last name on the way to the value.
    fn message(&self) -> String {
        if let Some(offset) = self.problem.offset {
            let Self { source, problem } = self;
            return format!("the {source} at byte {offset}: {}", problem.message);
        }
        let is_index = |name: &&str| !name.is_empty() && name.bytes().all(|it| it.is_ascii_digit());
        let below = self.problem.pointer.strip_prefix('/');
        match below.and_then(|names| names.rsplit('/').find(|name| !is_index(name))) {
            Some(name) => format!(
                "{} {}",
                name.replace("~1", "/").replace("~0", "~"),
                self.problem.message
            ),
            None => format!("the {} {}", self.source, self.problem.message),
        }
    }
}

/// A new problem document (RFC 9457), open: members follow, then `}`.
fn problem(status: u16) -> Buffer {
    let mut out = Buffer::take();
    out.extend_from_slice(br#"{"type":"about:blank","title":"#);
    write_str(&mut out, reason_phrase(status));
    out.extend_from_slice(br#","status":"#);
    out.extend_from_slice(status.to_string().as_bytes());
    out
}

fn closed(status: u16, mut out: Buffer) -> Response {
    out.push(b'}');
    Response::new(status, Some(PROBLEM), Payload::Buffer(out))
}

/// 422 with every failure of the request; 400 where a limit of JSON itself is passed.
pub(crate) fn invalid(failures: &[Failure]) -> Response {
    let over = |failure: &Failure| matches!(failure.problem.code, Code::Depth | Code::Digits);
    let status = if failures.iter().any(over) { 400 } else { 422 };
    let mut out = problem(status);
    out.extend_from_slice(br#","errors":["#);
    for (at, failure) in failures.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let problem = &failure.problem;
        out.extend_from_slice(br#"{"source":"#);
        write_str(&mut out, failure.source);
        out.extend_from_slice(br#","pointer":"#);
        write_str(&mut out, &problem.pointer);
        out.extend_from_slice(br#","code":"#);
        write_str(&mut out, problem.code.name());
        out.extend_from_slice(br#","message":"#);
        write_str(&mut out, &failure.message());
        if let Some(input) = problem.input {
            out.extend_from_slice(br#","input":"#);
            write_str(&mut out, input);
        }
        if let Some(offset) = problem.offset {
            out.extend_from_slice(br#","offset":"#);
            out.extend_from_slice(offset.to_string().as_bytes());
        }
        out.push(b'}');
    }
    out.push(b']');
    closed(status, out)
}

/// 500 with a request id, 507 where the exception says that the disk is full, and one log record that has the id, the
/// route and `what` happened. In debug mode the answer is a 500 that has the exception.
pub(crate) fn internal(py: Python<'_>, route: &str, what: &str, error: Option<&PyErr>) -> Response {
    let known = request_name::current();
    let id = known.name.unwrap_or_else(|| request_id::make().into());
    let words = PyDict::new(py);
    let logged = (|| {
        if let Some(error) = error {
            words.set_item(
                intern!(py, "exc_info"),
                (error.get_type(py), error.value(py), error.traceback(py)),
            )?;
        }
        let text = "%s: %s (request %s)";
        let logger = imports::error_logger(py)?;
        logger.call_method(
            intern!(py, "error"),
            (text, route, what, &*id),
            Some(&words),
        )
    })();
    if let Err(failed) = logged {
        failed.write_unraisable(py, None);
    }
    if let Some(seen) = known.seen {
        let error = error.map(|error| error.clone_ref(py).into_value(py)); // with its traceback, before 3.12 too
        match in_debug(py, (error.as_ref(), what, route, &id), &seen) {
            Ok(response) => return response,
            Err(failed) => failed.write_unraisable(py, None),
        }
    }
    let status = if error.is_some_and(|error| is_full(py, error)) {
        507
    } else {
        500
    };
    let mut out = problem(status);
    out.extend_from_slice(br#","request_id":"#);
    write_str(&mut out, &id);
    closed(status, out)
}

/// Whether it is an `OSError` of a disk, a quota or a file that may not grow.
fn is_full(py: Python<'_>, error: &PyErr) -> bool {
    if !error.is_instance_of::<PyOSError>(py) {
        return false;
    }
    let number = error.value(py).getattr(intern!(py, "errno"));
    let number = number.and_then(|number| number.extract::<i32>());
    number.is_ok_and(|number| matches!(number, libc::ENOSPC | libc::EDQUOT | libc::EFBIG))
}

/// The exception, what happened, where, and the request's name.
type Failed<'a> = (Option<&'a Py<PyBaseException>>, &'a str, &'a str, &'a str);

/// 500 with all that is known.
fn in_debug(py: Python<'_>, failed: Failed<'_>, seen: &Seen) -> PyResult<Response> {
    let fields: Vec<(&str, &str)> = seen
        .fields
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let asked = (&seen.method, &seen.target, seen.version, fields);
    let said = imports::debug_answer(py)?.call1((failed, asked, seen.locals))?;
    let (is_page, body): (bool, Bound<'_, PyBytes>) = said.extract()?;
    let mut out = Buffer::take();
    out.extend_from_slice(body.as_bytes());
    let kind = if is_page { PAGE } else { PROBLEM };
    let response = Response::new(500, Some(kind), Payload::Buffer(out));
    Ok(response
        .with_field("cache-control", "no-store")
        .with_field("content-security-policy", POLICY))
}

/// One warning about a request that took long.
pub(crate) fn slow(py: Python<'_>, request: &Slow<'_>) {
    let method = String::from_utf8_lossy(request.method);
    let path = String::from_utf8_lossy(request.path);
    let seconds = format!("{:.3}", request.took.as_secs_f64());
    let name = request
        .request_id
        .map_or(String::new(), |id| format!(" (request {id})"));
    let text = "slow: %s %s took %s s%s";
    let logged = imports::server_logger(py).and_then(|logger| {
        logger.call_method1(intern!(py, "warning"), (text, method, path, seconds, name))
    });
    if let Err(failed) = logged {
        failed.write_unraisable(py, None);
    }
}

/// One warning about connections that a limit turned away.
pub(crate) fn full(py: Python<'_>, full: Full) {
    let text = "too many connections: %d turned away since the last such line (%s is %d)";
    let logged = imports::server_logger(py).and_then(|logger| {
        let words = (text, full.turned_away, full.limit, full.most);
        logger.call_method1(intern!(py, "warning"), words)
    });
    if let Err(failed) = logged {
        failed.write_unraisable(py, None);
    }
}

/// 500 for an answer that `response_check=True` refused.
pub(crate) fn wrong_answer(py: Python<'_>, route: &str, refused: Refused) -> Response {
    let problems = match refused {
        Refused::Raised(error) => return raised(py, route, error),
        Refused::Problems(problems) => problems,
    };
    let shown = problems
        .iter()
        .take(5)
        .map(|problem| format!("{} {}", problem.pointer, problem.message));
    let list = shown.collect::<Vec<_>>().join("; ");
    let what = format!("returned what its annotation does not allow: {list}");
    internal(py, route, &what, None)
}

/// The answer to an exception with which a task ended. One that ends the loop has left it with the task's last step.
pub(crate) fn ended_with(py: Python<'_>, route: &str, error: PyErr) -> Response {
    if ends_the_loop(py, &error) {
        return stopping();
    }
    raised(py, route, error)
}

fn ends_the_loop(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<PyKeyboardInterrupt>(py) || error.is_instance_of::<PySystemExit>(py)
}

fn stopping() -> Response {
    Response::problem(503, "The server is stopping.").closing()
}

/// The answer to an exception that left a handler.
pub(crate) fn raised(py: Python<'_>, route: &str, error: PyErr) -> Response {
    if ends_the_loop(py, &error) {
        runtime::carry_out(error);
        return stopping();
    }
    let is_answer = imports::http_exception(py).is_ok_and(|class| error.is_instance(py, class));
    if is_answer {
        return match answered(py, &error) {
            Ok(response) => response,
            Err(worse) => internal(
                py,
                route,
                "an HTTPException cannot be answered",
                Some(&worse),
            ),
        };
    }
    let what = if error.is_instance_of::<PyException>(py) {
        "unhandled exception"
    } else {
        "cancelled"
    };
    internal(py, route, what, Some(&error))
}

fn answered(py: Python<'_>, error: &PyErr) -> PyResult<Response> {
    let value = error.value(py);
    let status: u16 = value.getattr(intern!(py, "status_code"))?.extract()?;
    let mut out = problem(status);
    if value.is_instance(imports::validation_error(py)?)? {
        out.extend_from_slice(br#","errors":"#);
        encode(&value.call_method0(intern!(py, "errors"))?, &mut out)?;
    } else {
        let detail = value.getattr(intern!(py, "detail"))?;
        let phrase = reason_phrase(status);
        if !detail.is_none() && detail.extract::<&str>().ok() != Some(phrase) {
            out.extend_from_slice(br#","detail":"#);
            encode(&detail, &mut out)?;
        }
    }
    let mut response = closed(status, out);
    let headers = value.getattr(intern!(py, "headers"))?;
    if !headers.is_none() {
        for pair in headers.cast::<PyMapping>()?.items()?.iter() {
            let (name, text): (String, String) = pair.extract()?;
            if !field_is_valid(name.as_bytes(), text.as_bytes()) {
                let message = format!("the header {name:?} of an HTTPException cannot be sent");
                return Err(pyo3::exceptions::PyValueError::new_err(message));
            }
            response = response.with_field(&name.to_ascii_lowercase(), &text);
        }
    }
    Ok(response)
}

/// A body that did not arrive whole: the connection has answered, or there is nobody to answer.
pub(crate) fn unread(error: BodyError) -> Response {
    match error {
        BodyError::Refused(refusal) => Response::problem(refusal.status, refusal.reason.as_str()),
        BodyError::Disconnected | BodyError::Taken => {
            Response::problem(400, "The body did not arrive.")
        }
    }
    .closing()
}

fn encode(value: &Bound<'_, PyAny>, out: &mut Buffer) -> PyResult<()> {
    json::encode(value, out).map_err(|error| {
        let message = format!("at {}: {}", error.path, error.message);
        error
            .cause
            .unwrap_or_else(|| pyo3::exceptions::PyValueError::new_err(message))
    })
}
