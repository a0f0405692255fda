//! Executes call plans: the `Handler` of the Python half.

use std::rc::Rc;
use std::sync::Arc;

use covet_server::handler::{Answer, Handler, Request as Received};
use covet_server::query;
use covet_server::response::Response;
use pyo3::exceptions::PyStopIteration;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::parameters::{Parameter, Source};
use crate::plan::{CallPlan, Mode};
use crate::respond::{Outcome, respond};
use crate::runtime::{Pool, Started, TaskEnd};
use crate::types::{BodySource, Request, RequestParts};
use crate::{failure, runtime};

/// Calls Python for each request.
pub(crate) struct Invoker {
    pub(crate) plans: Vec<Arc<CallPlan>>,
    pub(crate) app: Py<PyAny>,
    pub(crate) event_loop: Py<PyAny>,
    pub(crate) pool: Rc<Pool>,
    pub(crate) max_query_fields: usize,
}

impl Handler for Invoker {
    fn call(&self, received: &Received<'_>) -> Answer {
        runtime::attached(|py| {
            let plan = &self.plans[received.route.id];
            if let Some(raw) = &received.head.query
                && query::count(raw.of(received.bytes)) > self.max_query_fields
            {
                return Answer::Now(Response::problem(400, "The query has too many fields."));
            }
            match self.arguments(py, plan, received) {
                Ok((args, words)) => self.run(py, plan, &args, words.as_ref()),
                Err(response) => Answer::Now(response),
            }
        })
    }

    fn breathe(&self) {
        runtime::offer();
    }

    fn panicked(&self, what: &str) {
        runtime::attached(|py| {
            failure::internal(py, "a connection", &format!("panicked: {what}"), None);
        });
    }
}

type Arguments<'py> = (Bound<'py, PyTuple>, Option<Bound<'py, PyDict>>);

impl Invoker {
    fn arguments<'py>(
        &self,
        py: Python<'py>,
        plan: &CallPlan,
        received: &Received<'_>,
    ) -> Result<Arguments<'py>, Response> {
        if plan.parameters.is_empty() {
            return Ok((PyTuple::empty(py), None));
        }
        let mut failures = Vec::new();
        let mut values = Vec::with_capacity(plan.parameters.len());
        let words = plan.has_keywords.then(|| PyDict::new(py));
        for parameter in &plan.parameters {
            let value = if parameter.source == Source::Request {
                let made = self.request(py, plan, received);
                Some(made.map_err(|error| failure::raised(py, &plan.label, error))?)
            } else {
                parameter.value(py, received, &mut failures)
            };
            match (value, &words) {
                (Some(value), Some(words)) if parameter.keyword => {
                    let set = words.set_item(parameter.name.bind(py), value);
                    set.map_err(|error| failure::raised(py, &plan.label, error))?;
                }
                (Some(value), _) => values.push(value),
                (None, _) => {}
            }
        }
        if !failures.is_empty() {
            // Path before query, each in the order of the signature.
            failures.sort_by_key(|failure| failure.source != "path");
            return Err(failure::invalid(&failures));
        }
        let args = PyTuple::new(py, values);
        Ok((
            args.map_err(|error| failure::raised(py, &plan.label, error))?,
            words,
        ))
    }

    fn request(
        &self,
        py: Python<'_>,
        plan: &CallPlan,
        received: &Received<'_>,
    ) -> PyResult<Py<PyAny>> {
        let mut parts = RequestParts::of_head(received.head, received.bytes);
        parts.client = received.client;
        parts.app = Some(self.app.clone_ref(py));
        if !plan.path.is_empty() {
            let shown = PyDict::new(py);
            for ((name, converter), text) in plan.path.iter().zip(received.params) {
                shown.set_item(name.bind(py), Parameter::convert_path(*converter, py, text))?;
            }
            parts.path_params = Some(shown.unbind());
        }
        let body = BodySource::new(py, received.body.clone(), &self.event_loop);
        parts.body = Some(Py::new(py, body)?.into_any());
        Ok(Py::new(py, Request::new(parts))?.into_any())
    }

    fn run(
        &self,
        py: Python<'_>,
        plan: &Arc<CallPlan>,
        args: &Bound<'_, PyTuple>,
        words: Option<&Bound<'_, PyDict>>,
    ) -> Answer {
        match plan.mode {
            Mode::Inline if plan.holds(py) => match plan.call(py, args, words) {
                Ok(value) => self.settle(py, plan, respond(plan, &value)),
                Err(error) => Answer::Now(failure::raised(py, &plan.label, error)),
            },
            Mode::Inline | Mode::Pool => self.in_pool(py, plan, args, words),
            Mode::Step => match plan.call(py, args, words) {
                Ok(coroutine) => Answer::Now(step(plan, &coroutine)),
                Err(error) => Answer::Now(failure::raised(py, &plan.label, error)),
            },
            Mode::Task => match plan.call(py, args, words) {
                Ok(awaitable) => self.in_task(py, plan, &awaitable),
                Err(error) => Answer::Now(failure::raised(py, &plan.label, error)),
            },
        }
    }

    fn settle(&self, py: Python<'_>, plan: &Arc<CallPlan>, outcome: Outcome) -> Answer {
        match outcome {
            Outcome::Answer(response) => Answer::Now(response),
            Outcome::Awaitable(awaitable) => self.in_task(py, plan, awaitable.bind(py)),
        }
    }

    fn in_task(
        &self,
        py: Python<'_>,
        plan: &Arc<CallPlan>,
        awaitable: &Bound<'_, PyAny>,
    ) -> Answer {
        match start(py, &self.event_loop, awaitable) {
            Ok(Started::Ended(Ok(value))) => Answer::Now(now(py, plan, respond(plan, &value))),
            Ok(Started::Ended(Err(error))) | Err(error) => {
                Answer::Now(failure::raised(py, &plan.label, error))
            }
            Ok(Started::Running(end)) => Answer::Later(Box::pin(at_end(Arc::clone(plan), end))),
        }
    }

    fn in_pool(
        &self,
        py: Python<'_>,
        plan: &Arc<CallPlan>,
        args: &Bound<'_, PyTuple>,
        words: Option<&Bound<'_, PyDict>>,
    ) -> Answer {
        let context = match runtime::copy_current(py) {
            Ok(context) => context.unbind(),
            Err(error) => return Answer::Now(failure::raised(py, &plan.label, error)),
        };
        let job = Job {
            plan: Arc::clone(plan),
            args: args.clone().unbind(),
            words: words.map(|words| words.clone().unbind()),
            context,
        };
        let submitted = self.pool.submit(move |py| job.run(py));
        let (plan, event_loop) = (Arc::clone(plan), self.event_loop.clone_ref(py));
        Answer::Later(Box::pin(async move {
            match submitted.await {
                Some(Outcome::Answer(response)) => response,
                Some(Outcome::Awaitable(awaitable)) => {
                    await_later(&plan, &event_loop, awaitable).await
                }
                None => runtime::attached(|py| {
                    failure::internal(py, &plan.label, "the pool gave no answer", None)
                }),
            }
        }))
    }
}

/// What a pool thread is given.
struct Job {
    plan: Arc<CallPlan>,
    args: Py<PyTuple>,
    words: Option<Py<PyDict>>,
    context: Py<PyAny>,
}

impl Job {
    fn run(self, py: Python<'_>) -> Outcome {
        let plan = &self.plan;
        let handler = plan.handler.bind(py);
        let called = match &self.words {
            None => runtime::call_in(self.context.bind(py), handler, self.args.bind(py)),
            Some(words) => {
                let partial = py
                    .import(intern!(py, "functools"))
                    .and_then(|module| module.getattr(intern!(py, "partial")))
                    .and_then(|class| class.call((handler,), Some(words.bind(py))));
                partial.and_then(|bound| {
                    runtime::call_in(self.context.bind(py), &bound, self.args.bind(py))
                })
            }
        };
        match called {
            Ok(value) => respond(plan, &value),
            Err(error) => Outcome::Answer(failure::raised(py, &plan.label, error)),
        }
    }
}

/// Start what a handler returned as a task in a context of its own.
fn start<'py>(
    py: Python<'py>,
    event_loop: &Py<PyAny>,
    awaitable: &Bound<'py, PyAny>,
) -> PyResult<Started<'py>> {
    let context = runtime::copy_current(py)?;
    runtime::start_task(event_loop.bind(py), awaitable, Some(&context))
}

async fn await_later(
    plan: &Arc<CallPlan>,
    event_loop: &Py<PyAny>,
    awaitable: Py<PyAny>,
) -> Response {
    let started = runtime::attached(|py| match start(py, event_loop, awaitable.bind(py)) {
        Ok(Started::Ended(Ok(value))) => Err(now(py, plan, respond(plan, &value))),
        Ok(Started::Ended(Err(error))) | Err(error) => Err(failure::raised(py, &plan.label, error)),
        Ok(Started::Running(end)) => Ok(end),
    });
    match started {
        Ok(end) => at_end(Arc::clone(plan), end).await,
        Err(response) => response,
    }
}

/// The answer of a task, once it ends. Dropped before, it cancels the task.
async fn at_end(plan: Arc<CallPlan>, end: TaskEnd) -> Response {
    let ended = end.await;
    runtime::attached(|py| match ended {
        Ok(value) => now(py, &plan, respond(&plan, value.bind(py))),
        Err(error) => failure::raised(py, &plan.label, error),
    })
}

/// An awaitable that gave another awaitable: a mistake of the handler's.
fn now(py: Python<'_>, plan: &CallPlan, outcome: Outcome) -> Response {
    match outcome {
        Outcome::Answer(response) => response,
        Outcome::Awaitable(_) => failure::internal(
            py,
            &plan.label,
            "returned an awaitable: write `return await ...`",
            None,
        ),
    }
}

/// Step a coroutine that cannot suspend.
fn step(plan: &CallPlan, coroutine: &Bound<'_, PyAny>) -> Response {
    let py = coroutine.py();
    match coroutine.call_method1(intern!(py, "send"), (py.None(),)) {
        Err(error) if error.is_instance_of::<PyStopIteration>(py) => {
            match error.value(py).getattr(intern!(py, "value")) {
                Ok(value) => now(py, plan, respond(plan, &value)),
                Err(error) => failure::raised(py, &plan.label, error),
            }
        }
        Err(error) => failure::raised(py, &plan.label, error),
        Ok(_) => failure::internal(py, &plan.label, "suspended although its code cannot", None),
    }
}
