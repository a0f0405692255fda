//! `PartReader`: the multipart codec for Python code that takes a form part by part, as `request.parts()` does.
//!
//! Nothing is kept but what a boundary may still begin in. The bytes come from the request's stream.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use covet_server::multipart::{self, Parser, PartHead, Step};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::fields::FieldBlock;
use super::form_source::FormRules;
use super::headers::Headers;
use super::text::latin1;
use crate::forms;

/// A form that is read part by part.
#[pyclass(frozen, module = "covet._native")]
pub struct PartReader(Mutex<Box<State>>);

/// Boxed: the parser's searcher holds vectors, which want more alignment than Python's allocator gives.
struct State {
    parser: Parser,
    /// Received; the first `used` bytes mean nothing any more.
    kept: Vec<u8>,
    used: usize,
    ended: bool,
}

impl PartReader {
    /// One for a body of `content_type`.
    ///
    /// # Errors
    /// `BadRequest` where that names no boundary.
    pub(crate) fn new(py: Python<'_>, content_type: &[u8], rules: FormRules) -> PyResult<Self> {
        let boundary = multipart::boundary(content_type);
        let boundary = boundary.map_err(|error| forms::exception(py, &error.into()))?;
        Ok(Self(Mutex::new(Box::new(State {
            parser: Parser::new(&boundary, rules.multipart),
            kept: Vec::new(),
            used: 0,
            ended: false,
        }))))
    }

    /// Held only for one step, which runs no Python code.
    fn state(&self) -> MutexGuard<'_, Box<State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl PartReader {
    /// One for tests of applications: by its boundary, with the usual limits.
    #[staticmethod]
    fn _make(py: Python<'_>, content_type: &[u8]) -> PyResult<Self> {
        let rules = FormRules {
            fields: 1000,
            multipart: multipart::Limits::default(),
        };
        Self::new(py, content_type, rules)
    }

    /// More of the body; none at all is its end.
    fn feed(&self, data: &[u8]) {
        let mut state = self.state();
        state.ended |= data.is_empty();
        state.kept.extend_from_slice(data);
    }

    /// What comes next: name, whether it is a file, file name, content type and headers of a part; bytes of it; True after its last;
    /// False after the last part; None where more must be fed first. Malformed or over a limit: `HTTPException`.
    fn step<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let mut state = self.state();
        let state = &mut **state;
        loop {
            let input = &state.kept[state.used..];
            let found = state.parser.step(input);
            match found.map_err(|error| forms::exception(py, &error.into()))? {
                Step::NeedMore { skip } => {
                    state.kept.drain(..state.used + skip);
                    state.used = 0;
                    if !state.ended {
                        return Ok(py.None().into_bound(py));
                    }
                    let finished = state.parser.finish();
                    finished.map_err(|error| forms::exception(py, &error.into()))?;
                    return Ok(false.into_pyobject(py)?.to_owned().into_any());
                }
                Step::End { skip } => state.used += skip,
                Step::PartEnd { skip } => {
                    state.used += skip;
                    return Ok(true.into_pyobject(py)?.to_owned().into_any());
                }
                Step::Data { len } => {
                    let data = PyBytes::new(py, &input[..len]);
                    state.used += len;
                    return Ok(data.into_any());
                }
                Step::Part { skip, head } => {
                    state.used += skip;
                    return shown(py, *head);
                }
            }
        }
    }
}

/// Name, whether it is a file, file name, content type, headers.
fn shown(py: Python<'_>, head: PartHead) -> PyResult<Bound<'_, PyAny>> {
    let filename = head.base_name().map(str::to_owned);
    let kind = head.content_type().map(|kind| latin1(kind).into_owned());
    let is_file = head.is_file();
    let block = FieldBlock {
        bytes: head.bytes,
        fields: head.fields,
    };
    let headers = Headers::new(Arc::new(block));
    let shown = (head.name, is_file, filename, kind, headers).into_pyobject(py)?;
    Ok(shown.into_any())
}
