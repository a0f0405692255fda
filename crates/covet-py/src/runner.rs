//! Runs a handler whose arguments are there: inline, stepped, as a task or in the pool.
//!
//! Knows nothing of requests; [`crate::invoke`] makes the arguments, [`crate::respond`] reads the value.

use std::any::Any;
use std::rc::Rc;
use std::sync::Arc;

use covet_server::admission::Pass;
use covet_server::handler::Answer;
use covet_server::response::Response;
use pyo3::exceptions::PyStopIteration;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::plan::{CallPlan, Mode};
use crate::request_name::AtHand;
use crate::respond::{Outcome, Shipped, respond};
use crate::runtime::{Pool, Started, TaskEnd};
use crate::streams::streamed;
use crate::{failure, request_name, runtime};

/// What handlers run on.
pub(crate) struct Runner {
    pub(crate) event_loop: Py<PyAny>,
    pub(crate) pool: Rc<Pool>,
}

impl Runner {
    /// Calls the handler of `plan`, which has `pass` to be in flight.
    pub(crate) fn run(
        self: &Rc<Self>,
        py: Python<'_>,
        plan: &Arc<CallPlan>,
        args: &Bound<'_, PyTuple>,
        words: Option<&Bound<'_, PyDict>>,
        pass: Option<Pass>,
    ) -> Answer {
        match plan.mode {
            Mode::Inline if plan.holds(py) => match plan.call(py, args, words) {
                Ok(value) => self.settle(py, plan, respond(plan, &value)),
                Err(error) => Answer::Now(failure::raised(py, &plan.label, error)),
            },
            Mode::Inline | Mode::Pool => self.in_pool(py, plan, args, words, pass),
            Mode::Step => match plan.call(py, args, words) {
                Ok(coroutine) => Answer::Now(self.step(plan, &coroutine)),
                Err(error) => Answer::Now(failure::raised(py, &plan.label, error)),
            },
            Mode::Task => match plan.call(py, args, words) {
                Ok(awaitable) => self.in_task(py, plan, &awaitable),
                Err(error) => Answer::Now(failure::raised(py, &plan.label, error)),
            },
        }
    }

    fn settle(self: &Rc<Self>, py: Python<'_>, plan: &Arc<CallPlan>, outcome: Outcome) -> Answer {
        match outcome {
            Outcome::Awaitable(awaitable) => self.in_task(py, plan, awaitable.bind(py)),
            other => Answer::Now(self.answer(py, plan, other)),
        }
    }

    fn in_task(
        self: &Rc<Self>,
        py: Python<'_>,
        plan: &Arc<CallPlan>,
        awaitable: &Bound<'_, PyAny>,
    ) -> Answer {
        match start(py, &self.event_loop, awaitable) {
            Ok(Started::Ended(Ok(value))) => {
                Answer::Now(self.answer(py, plan, respond(plan, &value)))
            }
            Ok(Started::Ended(Err(error))) | Err(error) => {
                Answer::Now(failure::raised(py, &plan.label, error))
            }
            Ok(Started::Running(end)) => {
                Answer::Later(Box::pin(Rc::clone(self).at_end(Arc::clone(plan), end)))
            }
        }
    }

    fn in_pool(
        self: &Rc<Self>,
        py: Python<'_>,
        plan: &Arc<CallPlan>,
        args: &Bound<'_, PyTuple>,
        words: Option<&Bound<'_, PyDict>>,
        pass: Option<Pass>,
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
            known: request_name::current(),
        };
        let submitted = self.pool.submit(move |py| {
            let known = job.known.clone();
            request_name::under(&known, || job.run(py))
        });
        // A thread cannot be cancelled: it is in flight until it ends, whoever has gone.
        let submitted = submitted.holding(pass.map(|pass| Box::new(pass) as Box<dyn Any>));
        let (plan, runner) = (Arc::clone(plan), Rc::clone(self));
        Answer::Later(Box::pin(async move {
            match submitted.await.flatten().map(Outcome::from) {
                Some(Outcome::Awaitable(awaitable)) => runner.await_later(plan, awaitable).await,
                Some(other) => runtime::attached(|py| runner.answer(py, &plan, other)),
                None => runtime::attached(|py| {
                    failure::internal(py, &plan.label, "the pool gave no answer", None)
                }),
            }
        }))
    }

    async fn await_later(self: Rc<Self>, plan: Arc<CallPlan>, awaitable: Py<PyAny>) -> Response {
        let started =
            runtime::attached(|py| match start(py, &self.event_loop, awaitable.bind(py)) {
                Ok(Started::Ended(Ok(value))) => {
                    Err(self.answer(py, &plan, respond(&plan, &value)))
                }
                Ok(Started::Ended(Err(error))) | Err(error) => {
                    Err(failure::raised(py, &plan.label, error))
                }
                Ok(Started::Running(end)) => Ok(end),
            });
        match started {
            Ok(end) => self.at_end(plan, end).await,
            Err(response) => response,
        }
    }

    /// The answer of a task, once it ends. Dropped before, it cancels the task.
    async fn at_end(self: Rc<Self>, plan: Arc<CallPlan>, end: TaskEnd) -> Response {
        let ended = end.await;
        runtime::attached(|py| match ended {
            Ok(value) => self.answer(py, &plan, respond(&plan, value.bind(py))),
            Err(error) => failure::ended_with(py, &plan.label, error),
        })
    }

    /// The answer that `outcome` is. An awaitable that gave another one is a mistake of the handler's.
    fn answer(self: &Rc<Self>, py: Python<'_>, plan: &Arc<CallPlan>, outcome: Outcome) -> Response {
        match outcome {
            Outcome::Answer(response) => response,
            Outcome::Streaming(head, content) => streamed(plan, self, head, content),
            Outcome::Awaitable(_) => failure::internal(
                py,
                &plan.label,
                "returned an awaitable: write `return await ...`",
                None,
            ),
        }
    }

    /// Step a coroutine that cannot suspend.
    fn step(self: &Rc<Self>, plan: &Arc<CallPlan>, coroutine: &Bound<'_, PyAny>) -> Response {
        let py = coroutine.py();
        match coroutine.call_method1(intern!(py, "send"), (py.None(),)) {
            Err(error) if error.is_instance_of::<PyStopIteration>(py) => {
                match error.value(py).getattr(intern!(py, "value")) {
                    Ok(value) => self.answer(py, plan, respond(plan, &value)),
                    Err(error) => failure::raised(py, &plan.label, error),
                }
            }
            Err(error) => failure::raised(py, &plan.label, error),
            Ok(_) => failure::internal(py, &plan.label, "suspended although its code cannot", None),
        }
    }
}

/// What a pool thread is given.
struct Job {
    plan: Arc<CallPlan>,
    args: Py<PyTuple>,
    words: Option<Py<PyDict>>,
    context: Py<PyAny>,
    /// Of the request.
    known: AtHand,
}

impl Job {
    fn run(self, py: Python<'_>) -> Option<Shipped> {
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
        let outcome = match called {
            Ok(value) => respond(plan, &value),
            Err(error) => Outcome::Answer(failure::raised(py, &plan.label, error)),
        };
        outcome.ship()
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
