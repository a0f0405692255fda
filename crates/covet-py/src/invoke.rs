//! Binds requests to handlers: the `Handler` of the Python half.
//!
//! Makes the arguments from the head, from the body where the handler takes one, and collects every failure of a
//! request before it is refused. [`crate::runner`] calls the handler.

use std::rc::Rc;
use std::sync::Arc;

use covet_server::admission::Pass;
use covet_server::gathering::{Whole, gather};
use covet_server::handler::{Answer, Full, Handler, Request as Received, Slow};
use covet_server::multipart;
use covet_server::query;
use covet_server::response::Response;
use covet_server::spool::{Form, SpoolError, spool};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::bodies::{Arrived, BODY, BodyPlan, BodyRefused, BodyValue};
use crate::failure::Failure;
use crate::forms::{self, ReceivedForm};
use crate::parameters::{Parameter, Source};
use crate::plan::CallPlan;
use crate::request_name::{AtHand, Seen, Under};
use crate::runner::Runner;
use crate::types::{BodySource, Request, RequestParts};
use crate::{failure, request_name, runtime};

/// Calls Python for each request.
pub(crate) struct Invoker {
    pub(crate) plans: Vec<Arc<CallPlan>>,
    pub(crate) app: Py<PyAny>,
    pub(crate) runner: Rc<Runner>,
    pub(crate) debug: Option<Debug>,
}

/// Failed requests are answered with their exceptions.
#[derive(Clone, Copy)]
pub(crate) struct Debug {
    /// Local variables too.
    pub(crate) locals: bool,
}

impl Handler for Invoker {
    fn call(&self, received: &Received<'_>) -> Answer {
        let known = AtHand {
            name: received.request_id.map(Arc::from),
            seen: (self.debug).map(|debug| Arc::new(Seen::of(received, debug.locals))),
        };
        if known.is_empty() {
            return self.invoke(received);
        }
        match request_name::under(&known, || self.invoke(received)) {
            Answer::Later(work) => Answer::Later(Box::pin(Under { known, work })),
            now @ Answer::Now(_) => now,
        }
    }

    fn breathe(&self) {
        runtime::offer();
    }

    fn aside(&self, work: &mut dyn FnMut()) {
        runtime::detached(work);
    }

    fn slow(&self, request: &Slow<'_>) {
        runtime::attached(|py| failure::slow(py, request));
    }

    fn full(&self, full: Full) {
        runtime::attached(|py| failure::full(py, full));
    }

    fn panicked(&self, what: &str) {
        runtime::attached(|py| {
            failure::internal(py, "a connection", &format!("panicked: {what}"), None);
        });
    }
}

impl Invoker {
    fn invoke(&self, received: &Received<'_>) -> Answer {
        runtime::attached(|py| {
            let plan = &self.plans[received.route.id];
            if let Some(raw) = &received.head.query
                && query::count(raw.of(received.bytes)) > plan.forms.fields
            {
                return Answer::Now(Response::problem(400, "The query has too many fields."));
            }
            if let Some(body) = &plan.body {
                return self.with_body(py, plan, body, received);
            }
            let bound = self
                .bind(py, plan, received)
                .and_then(|binding| binding.arguments(py, plan));
            match bound {
                Ok((args, words)) => {
                    let pass = received.pass.cloned();
                    self.runner.run(py, plan, &args, words.as_ref(), pass)
                }
                Err(unbound) => Answer::Now(unbound.answer(py, plan)),
            }
        })
    }
}

type Arguments<'py> = (Bound<'py, PyTuple>, Option<Bound<'py, PyDict>>);

/// The arguments of one call, as far as they are known.
struct Binding {
    /// In the order of the parameters; none where it is still to come, or failed.
    values: Vec<Option<Py<PyAny>>>,
    failures: Vec<Failure>,
    /// The body of the request that the handler takes beside the body itself.
    source: Option<Py<BodySource>>,
}

/// Why there are no arguments.
enum Unbound {
    /// The client's fault.
    Invalid(Vec<Failure>),
    /// The application's fault.
    Raised(PyErr),
    /// Decided already.
    Refused(Response),
}

impl From<PyErr> for Unbound {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

impl Unbound {
    fn answer(self, py: Python<'_>, plan: &CallPlan) -> Response {
        match self {
            Self::Invalid(failures) => failure::invalid(&failures),
            Self::Raised(error) => failure::raised(py, &plan.label, error),
            Self::Refused(response) => response,
        }
    }
}

impl Binding {
    /// Everything that is still to come, from the whole body.
    fn take_body(
        &mut self,
        py: Python<'_>,
        plan: &CallPlan,
        body: &BodyPlan,
        reader: usize,
        arrived: Arrived<'_>,
    ) -> Result<(), Unbound> {
        let form = match arrived {
            Arrived::Bytes(bytes) => {
                if let Some(source) = &self.source {
                    source.get().arrived(py, bytes);
                }
                if body.is_form(reader) && query::count(bytes) > plan.forms.fields {
                    let refused = Response::problem(400, "The form has too many fields.");
                    return Err(Unbound::Refused(refused));
                }
                None
            }
            Arrived::Form(form) => {
                if let Some(source) = &self.source {
                    source.get().form_arrived(py, form.to_python(py)?);
                }
                Some(form)
            }
        };
        let value = match body.read(py, reader, arrived, plan.forbid_unknown) {
            Ok(value) => Some(value),
            Err(BodyRefused::Raised(error)) => return Err(Unbound::Raised(error)),
            Err(BodyRefused::Failures(failures)) => {
                self.failures.extend(failures);
                None
            }
        };
        for (parameter, slot) in plan.parameters.iter().zip(&mut self.values) {
            let failures = &mut self.failures;
            *slot = match (parameter.source, &value) {
                (Source::Form, Some(_)) => parameter.of_texts(py, arrived.texts(), failures)?,
                (Source::File, _) => parameter.of_files(py, form, failures)?,
                (Source::Body, Some(BodyValue::One(value))) => Some(value.clone().unbind()),
                (Source::Body, Some(BodyValue::Empty)) => parameter.absent(py, BODY, failures)?,
                (Source::Body, Some(BodyValue::Fields(fields))) => {
                    match fields.get_item(&parameter.alias)? {
                        Some(value) => Some(value.unbind()),
                        None => parameter.absent(py, BODY, failures)?,
                    }
                }
                _ => continue,
            };
        }
        Ok(())
    }

    /// Positional and keyword arguments; every failure, if there is one.
    fn arguments<'py>(
        mut self,
        py: Python<'py>,
        plan: &CallPlan,
    ) -> Result<Arguments<'py>, Unbound> {
        if !self.failures.is_empty() {
            self.failures.sort_by_key(Failure::rank);
            return Err(Unbound::Invalid(self.failures));
        }
        if !plan.has_keywords {
            return Ok((
                PyTuple::new(py, self.values.into_iter().flatten().collect::<Vec<_>>())?,
                None,
            ));
        }
        let words = PyDict::new(py);
        let mut values = Vec::with_capacity(self.values.len());
        for (parameter, value) in plan.parameters.iter().zip(self.values) {
            match value {
                Some(value) if parameter.keyword => {
                    words.set_item(parameter.name.bind(py), value)?;
                }
                Some(value) => values.push(value),
                None => {}
            }
        }
        Ok((PyTuple::new(py, values)?, Some(words)))
    }
}

impl Invoker {
    /// What the head says of the parameters.
    fn bind(
        &self,
        py: Python<'_>,
        plan: &CallPlan,
        received: &Received<'_>,
    ) -> Result<Binding, Unbound> {
        let mut binding = Binding {
            values: Vec::with_capacity(plan.parameters.len()),
            failures: Vec::new(),
            source: None,
        };
        for parameter in &plan.parameters {
            let value = if parameter.source == Source::Request {
                let (request, source) = self.request(py, plan, received)?;
                binding.source = Some(source);
                Some(request)
            } else {
                parameter.of_head(py, received, &mut binding.failures)?
            };
            binding.values.push(value);
        }
        Ok(binding)
    }

    /// The answer of a handler that takes the body, which may still be on its way.
    fn with_body(
        &self,
        py: Python<'_>,
        plan: &Arc<CallPlan>,
        body: &Arc<BodyPlan>,
        received: &Received<'_>,
    ) -> Answer {
        let reader = match body.reader(received) {
            Ok(reader) => reader,
            Err(refused) => return Answer::Now(refused),
        };
        let binding = match self.bind(py, plan, received) {
            Ok(binding) => binding,
            Err(unbound) => return Answer::Now(unbound.answer(py, plan)),
        };
        let arriving = Arriving {
            binding,
            plan: Arc::clone(plan),
            body: Arc::clone(body),
            reader,
            runner: Rc::clone(&self.runner),
            pass: received.pass.cloned(),
        };
        if body.is_multipart(reader) {
            return arriving.into_form(py, received);
        }
        match gather(received.body) {
            Whole::Here(bytes) => arriving.answer(py, Arrived::Bytes(&bytes)),
            Whole::Coming(coming) => later(coming, move |py, bytes| match bytes {
                Ok(bytes) => arriving.answer(py, Arrived::Bytes(&bytes)),
                Err(error) => Answer::Now(failure::unread(error)),
            }),
            Whole::Taken => Answer::Now(failure::internal(
                py,
                &plan.label,
                "the body was taken before the handler was called",
                None,
            )),
        }
    }

    fn request(
        &self,
        py: Python<'_>,
        plan: &CallPlan,
        received: &Received<'_>,
    ) -> PyResult<(Py<PyAny>, Py<BodySource>)> {
        let mut parts = RequestParts::of_head(received.head, received.bytes);
        parts.client = received.origin.client;
        parts.secure = received.origin.secure;
        parts.host = received.origin.host;
        parts.app = Some(self.app.clone_ref(py));
        if !plan.path.is_empty() {
            let shown = PyDict::new(py);
            for ((name, converter), text) in plan.path.iter().zip(received.params) {
                shown.set_item(
                    name.bind(py),
                    Parameter::convert_path(*converter, py, text)?,
                )?;
            }
            parts.path_params = Some(shown.unbind());
        }
        let body = BodySource::new(
            py,
            received.body.clone(),
            received.exchange.clone(),
            &self.runner.event_loop,
            plan.forms,
        );
        let body = Py::new(py, body)?;
        parts.body = Some(body.clone_ref(py).into_any());
        Ok((Py::new(py, Request::new(parts))?.into_any(), body))
    }
}

/// The answer that `go_on` makes of what `coming` gives.
fn later<T: 'static>(
    coming: impl Future<Output = T> + 'static,
    go_on: impl FnOnce(Python<'_>, T) -> Answer + 'static,
) -> Answer {
    Answer::Later(Box::pin(async move {
        let arrived = coming.await;
        match runtime::attached(|py| go_on(py, arrived)) {
            Answer::Now(response) => response,
            Answer::Later(later) => later.await,
        }
    }))
}

/// A call whose body is on its way.
struct Arriving {
    binding: Binding,
    plan: Arc<CallPlan>,
    body: Arc<BodyPlan>,
    reader: usize,
    runner: Rc<Runner>,
    pass: Option<Pass>,
}

impl Arriving {
    /// The answer, with the body.
    fn answer(mut self, py: Python<'_>, arrived: Arrived<'_>) -> Answer {
        let taken = self
            .binding
            .take_body(py, &self.plan, &self.body, self.reader, arrived);
        match taken.and_then(|()| self.binding.arguments(py, &self.plan)) {
            Ok((args, words)) => self
                .runner
                .run(py, &self.plan, &args, words.as_ref(), self.pass),
            Err(unbound) => Answer::Now(unbound.answer(py, &self.plan)),
        }
    }

    /// The answer, with the body as a form whose files are kept apart while it arrives.
    fn into_form(self, py: Python<'_>, received: &Received<'_>) -> Answer {
        if received.body.is_empty() {
            return self.answer(py, Arrived::Form(&ReceivedForm::default()));
        }
        let content_type = received.head.field(received.bytes, "content-type");
        let boundary = match multipart::boundary(content_type.unwrap_or_default()) {
            Ok(boundary) => boundary,
            Err(error) => return Answer::Now(Response::problem(error.status(), error.as_str())),
        };
        let options = self.body.spool_options(self.plan.forms.multipart);
        let spooling = spool(received.body, &boundary, options);
        if let Some(outcome) = spooling.ready() {
            return self.with_form(py, outcome);
        }
        later(spooling, move |py, outcome| self.with_form(py, outcome))
    }

    fn with_form(self, py: Python<'_>, outcome: Result<Form, SpoolError>) -> Answer {
        let form = match outcome {
            Ok(form) => form,
            Err(error) => return Answer::Now(forms::refused(py, &self.plan.label, error)),
        };
        match ReceivedForm::new(py, form, &self.runner.event_loop) {
            Ok(form) => self.answer(py, Arrived::Form(&form)),
            Err(error) => Answer::Now(failure::raised(py, &self.plan.label, error)),
        }
    }
}
