//! How a route's body is read: by its content type, into what the handler takes. Compiled at start.
//!
//! Decides from the head alone whether the body is wanted, then makes values of its bytes. Knows
//! nothing of how they arrive.

use covet_server::handler::Request as Received;
use covet_server::media_type::MediaType;
use covet_server::multipart::Limits;
use covet_server::response::Response;
use covet_server::spool::Options;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::failure::Failure;
use crate::forms::ReceivedForm;
use crate::texts::Texts;
use crate::typed::{Code, Problem, Refused, Schema};

/// The source that errors of a body name.
pub(crate) const BODY: &str = "body";

/// How a body is read.
#[derive(Debug)]
pub(crate) struct BodyPlan {
    readers: Vec<Reader>,
    /// The body is an object whose fields are parameters.
    spread: bool,
    /// A parameter takes the bytes of a file: none is written to the disk.
    in_memory: bool,
    /// A parameter asks for the digest of its file.
    sha256: bool,
}

/// One way to read a body.
#[derive(Debug)]
pub(crate) struct Reader {
    syntax: Syntax,
    /// In lower case; `*/*` takes anything.
    media_type: String,
    /// None where parameters take the fields of a form.
    schema: Option<Schema>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Syntax {
    Json,
    Urlencoded,
    Multipart,
    Text,
    Bytes,
}

/// A body that has arrived.
#[derive(Clone, Copy)]
pub(crate) enum Arrived<'a> {
    /// As it is.
    Bytes(&'a [u8]),
    /// A form with files.
    Form(&'a ReceivedForm),
}

impl<'a> Arrived<'a> {
    /// The fields of a form.
    pub(crate) fn texts(self) -> Texts<'a> {
        match self {
            Self::Bytes(bytes) => Texts::Form(bytes),
            Self::Form(form) => Texts::Parts(form),
        }
    }

    fn is_empty(self) -> bool {
        match self {
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::Form(form) => form.is_empty(),
        }
    }
}

/// What a body became.
pub(crate) enum BodyValue<'py> {
    /// The value of the one parameter that takes it.
    One(Bound<'py, PyAny>),
    /// A value for each parameter that takes a field, by alias; absent ones were optional.
    Fields(Bound<'py, PyDict>),
    /// Nothing was sent.
    Empty,
    /// A form whose fields parameters take.
    Form,
}

impl BodyPlan {
    /// From a `BodyPlan` of Python; None from None.
    pub(crate) fn compile(plan: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        if plan.is_none() {
            return Ok(None);
        }
        let mut readers = Vec::new();
        for reader in plan.getattr("readers")?.try_iter()? {
            let reader = reader?;
            let node = reader.getattr("node")?;
            readers.push(Reader {
                syntax: match reader.getattr("form")?.extract::<String>()?.as_str() {
                    "json" => Syntax::Json,
                    "form" => Syntax::Urlencoded,
                    "multipart" => Syntax::Multipart,
                    "text" => Syntax::Text,
                    _ => Syntax::Bytes,
                },
                media_type: reader.getattr("media_type")?.extract()?,
                schema: if node.is_none() {
                    None
                } else {
                    Some(Schema::compile(&node)?)
                },
            });
        }
        Ok(Some(Self {
            readers,
            spread: plan.getattr("spread")?.extract()?,
            in_memory: plan.getattr("in_memory")?.extract()?,
            sha256: plan.getattr("sha256")?.extract()?,
        }))
    }

    /// The reader for what the head announces; a request without a body goes to the first.
    ///
    /// # Errors
    /// 415 that names what the route takes.
    pub(crate) fn reader(&self, received: &Received<'_>) -> Result<usize, Response> {
        if received.body.is_empty() {
            return Ok(0);
        }
        let field = |name| received.head.field(received.bytes, name);
        if field("content-encoding").is_some_and(|coding| !coding.eq_ignore_ascii_case(b"identity"))
        {
            return Err(Response::problem(
                415,
                "The body is compressed: send it as it is.",
            ));
        }
        let sent = MediaType::of(field("content-type").unwrap_or_default());
        let found = self.readers.iter().position(|reader| reader.takes(&sent));
        found.ok_or_else(|| {
            let names: Vec<_> = self.readers.iter().map(|it| &*it.media_type).collect();
            let detail = format!("The body must be {} in UTF-8.", names.join(" or "));
            Response::problem(415, &detail)
        })
    }

    /// What the bytes mean to reader number `reader`.
    ///
    /// # Errors
    /// Every failure of the body, or what the application's own code raised.
    pub(crate) fn read<'py>(
        &self,
        py: Python<'py>,
        reader: usize,
        arrived: Arrived<'_>,
        forbid_unknown: bool,
    ) -> Result<BodyValue<'py>, BodyRefused> {
        let bytes = match arrived {
            Arrived::Bytes(bytes) => bytes,
            Arrived::Form(_) => &[],
        };
        let reader = &self.readers[reader];
        let Some(schema) = &reader.schema else {
            return Ok(BodyValue::Form);
        };
        let read = match reader.syntax {
            Syntax::Bytes if bytes.is_empty() => return Ok(BodyValue::Empty),
            Syntax::Bytes => Ok(PyBytes::new(py, bytes).into_any()),
            Syntax::Json if bytes.is_empty() && self.spread => {
                schema.decode(py, b"{}", forbid_unknown)
            }
            _ if arrived.is_empty() => return Ok(BodyValue::Empty),
            Syntax::Json => schema.decode(py, bytes, forbid_unknown),
            Syntax::Text => match std::str::from_utf8(bytes) {
                Ok(text) => schema.convert(py, schema.root, text),
                Err(error) => Err(Refused::Problems(vec![not_utf8(error.valid_up_to())])),
            },
            Syntax::Urlencoded | Syntax::Multipart => {
                let pairs = arrived.texts().pairs();
                let pairs: Vec<_> = pairs
                    .iter()
                    .map(|(name, text)| (&**name, &**text))
                    .collect();
                schema.convert_object(py, schema.root, &pairs, forbid_unknown)
            }
        };
        match read {
            Ok(value) if self.spread => match value.cast_into::<PyDict>() {
                Ok(fields) => Ok(BodyValue::Fields(fields)),
                Err(error) => Err(BodyRefused::Raised(error.into())),
            },
            Ok(value) => Ok(BodyValue::One(value)),
            Err(Refused::Raised(error)) => Err(BodyRefused::Raised(error)),
            Err(Refused::Problems(problems)) => Err(BodyRefused::Failures(
                problems
                    .into_iter()
                    .map(|it| Failure::new(BODY, it))
                    .collect(),
            )),
        }
    }

    /// Whether the body has files, which are kept apart while it arrives.
    pub(crate) fn is_multipart(&self, reader: usize) -> bool {
        self.readers[reader].syntax == Syntax::Multipart
    }

    /// How the files of a form are kept.
    pub(crate) fn spool_options(&self, limits: Limits) -> Options {
        let usual = Options::default();
        let memory = if self.in_memory {
            usize::MAX
        } else {
            usual.memory
        };
        Options {
            limits,
            memory,
            sha256: self.sha256,
            ..usual
        }
    }

    /// Whether the bytes are a form, whose fields are counted against a limit.
    pub(crate) fn is_form(&self, reader: usize) -> bool {
        self.readers[reader].syntax == Syntax::Urlencoded
    }
}

/// Why a body gave no value.
pub(crate) enum BodyRefused {
    /// The client's fault.
    Failures(Vec<Failure>),
    /// The application's fault.
    Raised(PyErr),
}

fn not_utf8(offset: usize) -> Problem {
    Problem {
        offset: Some(offset),
        ..Problem::new(Code::Encoding, "is not UTF-8", None)
    }
}

impl Reader {
    fn takes(&self, sent: &MediaType<'_>) -> bool {
        match self.syntax {
            Syntax::Bytes if self.media_type == "*/*" => true,
            Syntax::Bytes | Syntax::Multipart => sent.is(&self.media_type),
            Syntax::Json if self.media_type == "application/json" => {
                sent.is_json() && sent.is_utf8()
            }
            _ => sent.is(&self.media_type) && sent.is_utf8(),
        }
    }
}
