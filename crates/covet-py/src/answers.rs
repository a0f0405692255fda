//! What a handler's value becomes, by its return annotation. Compiled at start.
//!
//! Plain data; [`crate::respond`] carries it out.

use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;

use crate::typed::Schema;
use crate::types::StreamForm;

/// Silence after which the client of events is sent a comment.
const PING: Duration = Duration::from_secs(15);

/// How a value is encoded.
#[derive(Debug)]
pub(crate) struct AnswerPlan {
    pub(crate) form: AnswerForm,
    /// Take objects of other classes by their attributes.
    pub(crate) by_attribute: bool,
    /// Validate what was encoded.
    pub(crate) check: bool,
}

/// What the annotation says.
#[derive(Debug)]
pub(crate) enum AnswerForm {
    /// Nothing: the type at run time decides.
    Any,
    /// None.
    Empty,
    /// `str`: plain text.
    Text,
    /// `bytes`.
    Bytes,
    /// JSON of this type.
    Json(Box<Schema>),
    /// Items, sent as they come, of this type.
    Items(StreamForm, Option<Arc<Schema>>),
}

impl AnswerPlan {
    /// From an `AnswerPlan` of Python.
    pub(crate) fn compile(plan: &Bound<'_, PyAny>) -> PyResult<Self> {
        let form = match plan.getattr("form")?.extract::<String>()?.as_str() {
            "empty" => AnswerForm::Empty,
            "text" => AnswerForm::Text,
            "bytes" => AnswerForm::Bytes,
            "json" => AnswerForm::Json(Box::new(Schema::compile(&plan.getattr("node")?)?)),
            "lines" => AnswerForm::Items(StreamForm::Lines, item(plan)?),
            "events" => AnswerForm::Items(StreamForm::Events { ping: Some(PING) }, item(plan)?),
            _ => AnswerForm::Any,
        };
        Ok(Self {
            form,
            by_attribute: plan.getattr("by_attribute")?.extract()?,
            check: plan.getattr("check")?.extract()?,
        })
    }
}

/// What an item is; none where it may be anything.
fn item(plan: &Bound<'_, PyAny>) -> PyResult<Option<Arc<Schema>>> {
    let node = plan.getattr("node")?;
    if node.is_none() {
        return Ok(None);
    }
    Ok(Some(Arc::new(Schema::compile(&node)?)))
}
