//! Coroutines started as asyncio tasks: those that end at once, fail, or cannot be made.

use std::cell::RefCell;
use std::rc::Rc;

use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyList, PyTuple};

use super::{define, eval, run_forever, then_stop, with_loop};
use crate::runtime::{Scheduler, Started, attached, spawn, start_task};

/// Calls `start_task` with the coroutine that `code` makes, inside a run of the loop.
fn start(
    event_loop: &Bound<'_, PyAny>,
    coroutine: &Bound<'_, PyAny>,
    context: Option<&Bound<'_, PyAny>>,
) -> Ended {
    let result = Rc::new(RefCell::new(None));
    let (slot, shared) = (Rc::clone(&result), event_loop.clone().unbind());
    let (coroutine, context) = (
        coroutine.clone().unbind(),
        context.map(|context| context.clone().unbind()),
    );
    let task = async move {
        attached(|py| {
            let started = start_task(
                shared.bind(py),
                coroutine.bind(py),
                context.as_ref().map(|it| it.bind(py)),
            );
            let ended = started.map(|started| match started {
                Started::Ended(result) => Some(result.map(Bound::unbind)),
                Started::Running(end) => {
                    // Dropping it would cancel the task.
                    drop(tokio::task::spawn_local(end));
                    None
                }
            });
            slot.replace(Some(ended));
        });
    };
    spawn(event_loop, then_stop(event_loop, task)).expect("spawns");
    run_forever(event_loop).expect("stops");
    result.take().expect("started")
}

/// Whether the task could be made; whether it ended; whether it failed.
type Ended = PyResult<Option<PyResult<Py<PyAny>>>>;

const HANDLERS: &str = "
import asyncio
async def answers(): return 7
async def raises(): raise ValueError('on purpose')
async def waits(): await asyncio.sleep(0)
async def asks(): return asyncio.current_task() is not None
";

#[test]
fn a_task_that_ends_at_once_leaves_nothing_on_the_loop() {
    with_loop(|event_loop| {
        let py = event_loop.py();
        if py.version_info() < (3, 12) {
            return;
        }
        let ended = start(
            event_loop,
            &define(py, HANDLERS, "answers")
                .call0()
                .expect("a coroutine"),
            None,
        );
        let value = ended
            .expect("started")
            .expect("ended at once")
            .expect("a value");
        assert_eq!(value.extract::<i32>(py).expect("an int"), 7);
        let scheduler = event_loop.cast::<Scheduler>().expect("a loop").get();
        assert!(scheduler.schedule().take_ready(py).is_empty());
        let asks = define(py, HANDLERS, "asks").call0().expect("a coroutine");
        let ended = start(event_loop, &asks, None)
            .expect("started")
            .expect("ended at once")
            .expect("a value");
        assert!(
            ended.is_truthy(py).expect("a bool"),
            "the handler runs as a task"
        );
    });
}

#[test]
fn a_task_that_fails_at_once_has_its_exception_retrieved() {
    with_loop(|event_loop| {
        let py = event_loop.py();
        if py.version_info() < (3, 12) {
            return;
        }
        let seen = PyList::empty(py);
        let handler = eval(
            py,
            "lambda loop, context: seen.append(context)",
            &[("seen", &seen)],
        );
        event_loop
            .call_method1("set_exception_handler", (handler,))
            .expect("a handler");
        let ended = start(
            event_loop,
            &define(py, HANDLERS, "raises").call0().expect("a coroutine"),
            None,
        );
        let error = ended
            .expect("started")
            .expect("ended at once")
            .expect_err("raises");
        assert_eq!(error.to_string(), "ValueError: on purpose");
        drop(error);
        py.import("gc")
            .and_then(|gc| gc.call_method0("collect"))
            .expect("collects");
        assert_eq!(seen.len(), 0, "asyncio warned: {seen:?}");
    });
}

#[test]
fn an_eager_task_in_an_entered_context_keeps_the_current_task_right() {
    with_loop(|event_loop| {
        let py = event_loop.py();
        let context = eval(py, "__import__('contextvars').copy_context()", &[]);
        let coroutine = define(py, HANDLERS, "answers")
            .call0()
            .expect("a coroutine");
        let (shared, inside) = (event_loop.clone().unbind(), context.clone().unbind());
        let refused = PyCFunction::new_closure(py, None, None, move |args, _| -> PyResult<bool> {
            let started = start_task(
                shared.bind(args.py()),
                &coroutine_of(args)?,
                Some(inside.bind(args.py())),
            );
            Ok(started.is_err())
        })
        .expect("a function");
        let seen = PyList::empty(py);
        let names = [
            ("seen", seen.as_any()),
            ("context", &context),
            ("start", refused.as_any()),
            ("it", &coroutine),
        ];
        let call = eval(py, "lambda: seen.append(context.run(start, it))", &names);
        event_loop
            .call_method1("call_soon", (call,))
            .expect("scheduled");
        event_loop
            .call_method1("call_soon", (event_loop.getattr("stop").expect("stop"),))
            .expect("scheduled");
        run_forever(event_loop).expect("stops");
        let is_eager = py.version_info() >= (3, 12);
        assert_eq!(
            seen.get_item(0)
                .expect("called")
                .is_truthy()
                .expect("a bool"),
            is_eager
        );
        let is_none = "__import__('asyncio').current_task(loop) is None";
        let is_none = eval(py, is_none, &[("loop", event_loop)]);
        assert!(
            is_none.is_truthy().expect("a bool"),
            "the failed task is still current"
        );
        let waits = define(py, HANDLERS, "waits").call0().expect("a coroutine");
        event_loop
            .call_method1("run_until_complete", (waits,))
            .expect("a task runs");
        coroutine.call_method0("close").expect("closes");
    });
}

fn coroutine_of<'py>(args: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
    args.get_item(0)
}
