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
        let next = self.state().step(|data| PyBytes::new(py, data));
        match next.map_err(|error| forms::exception(py, &error.into()))? {
            Next::NeedMore => Ok(py.None().into_bound(py)),
            Next::Part(head) => shown(py, *head),
            Next::Data(bytes) => Ok(bytes.into_any()),
            Next::PartEnd => Ok(true.into_pyobject(py)?.to_owned().into_any()),
            Next::End => Ok(false.into_pyobject(py)?.to_owned().into_any()),
        }
    }
}

/// What a step came to.
enum Next<D> {
    /// Nothing, before more is fed.
    NeedMore,
    /// A part begins.
    Part(Box<PartHead>),
    /// Bytes of a part.
    Data(D),
    /// The part is over.
    PartEnd,
    /// The form is.
    End,
}

impl State {
    /// The next step; `copy` keeps the bytes of a part.
    fn step<D>(&mut self, copy: impl FnOnce(&[u8]) -> D) -> Result<Next<D>, multipart::Error> {
        loop {
            let input = &self.kept[self.used..];
            match self.parser.step(input)? {
                Step::NeedMore { skip } => {
                    self.kept.drain(..self.used + skip);
                    self.used = 0;
                    if !self.ended {
                        return Ok(Next::NeedMore);
                    }
                    self.parser.finish()?;
                    return Ok(Next::End);
                }
                Step::End { skip } => self.used += skip,
                Step::PartEnd { skip } => {
                    self.used += skip;
                    return Ok(Next::PartEnd);
                }
                Step::Data { len } => {
                    let data = copy(&input[..len]);
                    self.used += len;
                    return Ok(Next::Data(data));
                }
                Step::Part { skip, head } => {
                    self.used += skip;
                    return Ok(Next::Part(head));
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
