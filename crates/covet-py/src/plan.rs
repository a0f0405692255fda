//! Seam 2: how to call one handler, compiled at start from the plan that Python made.

use std::sync::Arc;
use std::time::Duration;

use covet_server::admission::Gate;
use covet_server::compression::Compress;
use covet_server::handler::Route;
use covet_server::routing::{Converter, Pattern};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::answers::AnswerPlan;
use crate::bodies::BodyPlan;
use crate::imports;
use crate::parameters::{Parameter, Source};
use crate::types::FormRules;

/// How to run the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A plain function, here and now.
    Inline,
    /// A coroutine function that cannot suspend and calls nothing: stepped once.
    Step,
    /// A coroutine function: an asyncio task, started eagerly.
    Task,
    /// A plain function that may block: a thread of the pool.
    Pool,
}

/// A name that must still mean the same object for a function to run inline, or still not be there.
#[derive(Debug)]
struct Guard {
    namespace: Py<PyDict>,
    name: Py<PyString>,
    expected: Option<Py<PyAny>>,
}

impl Guard {
    fn holds(&self, py: Python<'_>) -> bool {
        let found = self.namespace.bind(py).get_item(self.name.bind(py));
        match (found, &self.expected) {
            (Ok(Some(found)), Some(expected)) => found.is(expected),
            (Ok(None), None) => true,
            _ => false,
        }
    }
}

/// One handler, ready to be called.
#[derive(Debug)]
pub(crate) struct CallPlan {
    pub(crate) handler: Py<PyAny>,
    pub(crate) mode: Mode,
    guards: Vec<Guard>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) has_keywords: bool,
    pub(crate) status: u16,
    /// How the body is read before the call.
    pub(crate) body: Option<Arc<BodyPlan>>,
    pub(crate) answer: AnswerPlan,
    /// Whether unknown fields of JSON objects are errors.
    pub(crate) forbid_unknown: bool,
    /// What its forms may hold.
    pub(crate) forms: FormRules,
    pub(crate) debug: bool,
    /// Route and place, for logs: `GET /items (app.py:12 in items)`.
    pub(crate) label: String,
    /// Names and converters of the path, for `request.path_params`.
    pub(crate) path: Vec<(Py<PyString>, Converter)>,
}

/// A plan with what the server must know of its route.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) plan: CallPlan,
    pub(crate) route: Route,
    pub(crate) pattern: Pattern,
    pub(crate) methods: Vec<String>,
    pub(crate) origin: String,
}

impl CallPlan {
    /// Compile a `RoutePlan`; it becomes route number `id`.
    pub(crate) fn compile(route: &Bound<'_, PyAny>, id: usize, debug: bool) -> PyResult<Compiled> {
        let py = route.py();
        let path: String = route.getattr("path")?.extract()?;
        let origin: String = route.getattr("origin")?.extract()?;
        let pattern = match Pattern::parse(&path) {
            Ok(pattern) => pattern,
            Err(error) => {
                let class = imports::configuration_error(py)?;
                let message = format!("{origin}: {error}");
                return Err(PyErr::from_value(class.call1((message,))?));
            }
        };
        let names: Vec<String> = pattern
            .params()
            .iter()
            .map(|spec| spec.name.clone())
            .collect();
        let methods: Vec<String> = route.getattr("methods")?.extract()?;
        let mut parameters = Vec::new();
        for plan in route.getattr("parameters")?.try_iter()? {
            parameters.push(Parameter::read(&plan?, &names)?);
        }
        let mut guards = Vec::new();
        let absent = imports::absent(py)?;
        for guard in route.getattr("guards")?.try_iter()? {
            let (namespace, name, expected): (
                Bound<'_, PyDict>,
                Bound<'_, PyString>,
                Bound<'_, PyAny>,
            ) = guard?.extract()?;
            guards.push(Guard {
                namespace: namespace.unbind(),
                name: name.unbind(),
                expected: (!expected.is(absent)).then(|| expected.unbind()),
            });
        }
        let handler = route.getattr("handler")?;
        let takes_request = parameters
            .iter()
            .any(|parameter| parameter.source == Source::Request);
        let body = BodyPlan::compile(&route.getattr("body")?)?.map(Arc::new);
        let takes_body = takes_request || body.is_some();
        let timeout: Option<f64> = route.getattr("timeout")?.extract()?;
        let max_concurrency: Option<usize> = route.getattr("max_concurrency")?.extract()?;
        let queue: usize = route.getattr("queue")?.extract()?;
        let mode = match route.getattr("mode")?.extract::<String>()?.as_str() {
            "inline" => Mode::Inline,
            "step" if calls_nothing(&handler) => Mode::Step,
            "step" | "task" => Mode::Task,
            _ => Mode::Pool,
        };
        let plan = Self {
            mode,
            guards,
            has_keywords: parameters.iter().any(|parameter| parameter.keyword),
            parameters,
            status: route.getattr("status_code")?.extract()?,
            answer: AnswerPlan::compile(&route.getattr("answer")?)?,
            forbid_unknown: route.getattr("forbid_unknown")?.extract()?,
            body,
            forms: FormRules::read(&route.getattr("form_limits")?)?,
            debug,
            label: format!("{} {path} ({origin})", methods.join(",")),
            path: pattern
                .params()
                .iter()
                .map(|spec| (PyString::intern(py, &spec.name).unbind(), spec.converter))
                .collect(),
            handler: handler.unbind(),
        };
        let route = Route {
            id,
            max_body: route.getattr("max_body")?.extract()?,
            timeout: timeout.map(Duration::from_secs_f64),
            cancel_on_disconnect: route.getattr("cancel_on_disconnect")?.extract()?,
            takes_body,
            compressed_body: route.getattr("compressed_body")?.extract()?,
            compress: compress(route)?,
            gate: max_concurrency.map(|most| Gate::new(most, queue)),
            files: None,
        };
        Ok(Compiled {
            plan,
            route,
            pattern,
            methods,
            origin,
        })
    }

    /// Whether every name that the function was judged by still means the same.
    pub(crate) fn holds(&self, py: Python<'_>) -> bool {
        self.guards.iter().all(|guard| guard.holds(py))
    }

    /// Call the handler.
    pub(crate) fn call<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        words: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let handler = self.handler.bind(py);
        if args.is_empty() && words.is_none() {
            handler.call0()
        } else {
            handler.call(args, words)
        }
    }
}

/// How the answers of a `RoutePlan` or `FilesPlan` are compressed.
pub(crate) fn compress(plan: &Bound<'_, PyAny>) -> PyResult<Option<Compress>> {
    let minimum: Option<u64> = plan.getattr("compress")?.extract()?;
    Ok(minimum.map(|minimum_size| Compress { minimum_size }))
}

/// Whether a function's code names nothing outside itself: it cannot see what task or context it runs in.
fn calls_nothing(handler: &Bound<'_, PyAny>) -> bool {
    let empty = |name: &str| -> PyResult<bool> {
        Ok(handler
            .getattr("__code__")?
            .getattr(name)?
            .cast_into::<PyTuple>()?
            .is_empty())
    };
    empty("co_names").unwrap_or(false) && empty("co_freevars").unwrap_or(false)
}
