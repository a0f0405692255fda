//! The driver from the side of a connection: tasks of Rust beside asyncio on one thread, with a real interpreter.
//!
//! Each test has a thread and a loop of its own; the asyncio side of the loop is tested from Python.

use std::cell::{Cell, RefCell};
use std::ffi::CString;
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError, PySystemExit, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::OnceExt;
use pyo3::types::{PyCFunction, PyDict, PyList, PyTuple};

use super::attachment::detached;
use super::{Started, attached, carry_out, enter, offer, spawn, start_task};

/// Longer than anything here takes, short enough to see a hang.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs `test` with a new loop, and closes it.
fn with_loop(test: impl FnOnce(&Bound<'_, PyAny>)) {
    static PACKAGE: Once = Once::new();
    Python::initialize();
    Python::attach(|py| {
        PACKAGE.call_once_py_attached(py, || import_package(py).expect("the package imports"));
        let event_loop = eval(py, "__import__('covet.loop').loop.new_event_loop()", &[]);
        test(&event_loop);
        event_loop.call_method0("close").expect("the loop closes");
    });
}

fn import_package(py: Python<'_>) -> PyResult<()> {
    let native = pyo3::wrap_pymodule!(crate::_native)(py);
    let sys = py.import("sys")?;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../python");
    sys.getattr("path")?
        .cast_into::<PyList>()?
        .insert(0, folder)?;
    sys.getattr("modules")?.set_item("covet._native", native)?;
    py.import("covet.loop").map(drop)
}

fn eval<'py>(
    py: Python<'py>,
    code: &str,
    names: &[(&str, &Bound<'py, PyAny>)],
) -> Bound<'py, PyAny> {
    let scope = PyDict::new(py);
    for (name, value) in names {
        scope.set_item(name, value).expect("a name is hashable");
    }
    let code = CString::new(code).expect("no NUL in it");
    py.eval(&code, Some(&scope), None)
        .expect("the code is right")
}

/// Defines what `code` defines, with `names` in scope, and returns its `name`.
fn define<'py>(py: Python<'py>, code: &str, name: &str) -> Bound<'py, PyAny> {
    let scope = PyDict::new(py);
    let code = CString::new(code).expect("no NUL in it");
    py.run(&code, Some(&scope), None)
        .expect("the code is right");
    scope
        .get_item(name)
        .expect("a dict")
        .expect("the code defines it")
}

/// Runs the loop until something stops it; what never comes is a failure, not a hang.
fn run_forever(event_loop: &Bound<'_, PyAny>) -> PyResult<()> {
    let began = Instant::now();
    let alarm = event_loop.call_method1(
        "call_later",
        (PATIENCE.as_secs(), event_loop.getattr("stop")?),
    )?;
    let result = event_loop.call_method0("run_forever");
    alarm.call_method0("cancel")?;
    assert!(began.elapsed() < PATIENCE, "nothing stopped the loop");
    result.map(drop)
}

/// A future that stops the loop when `future` ends.
fn then_stop<F: Future<Output = ()>>(
    event_loop: &Bound<'_, PyAny>,
    future: F,
) -> impl Future<Output = ()> + use<F> {
    let event_loop = event_loop.clone().unbind();
    async move {
        future.await;
        attached(|py| event_loop.bind(py).call_method0("stop").map(drop)).expect("the loop stops");
    }
}

#[test]
fn a_task_spawned_before_the_run_and_one_from_a_callback_both_run() {
    with_loop(|event_loop| {
        let runs = Rc::new(Cell::new(0));
        let count = |runs: &Rc<Cell<i32>>| {
            let runs = Rc::clone(runs);
            async move { runs.set(runs.get() + 1) }
        };
        spawn(event_loop, count(&runs)).expect("spawns");
        let (inner, outer) = (
            event_loop.clone().unbind(),
            then_stop(event_loop, count(&runs)),
        );
        let outer = RefCell::new(Some(outer));
        spawn(event_loop, async move {
            let outer = outer.take().expect("polled once");
            attached(|py| spawn(inner.bind(py), outer)).expect("spawns");
        })
        .expect("spawns");
        run_forever(event_loop).expect("stops");
        assert_eq!(runs.get(), 2);
    });
}

#[test]
fn what_a_connection_schedules_wakes_the_loop() {
    // The loop sleeps on a far timer; a task that is not the loop's own schedules something nearer.
    for call in [
        "loop.call_soon(loop.stop)",
        "loop.call_later(0.001, loop.stop)",
        "loop.call_at(0, loop.stop)",
    ] {
        with_loop(|event_loop| {
            let scheduler = event_loop.clone().unbind();
            let task = async move {
                tokio::time::sleep(Duration::from_millis(5)).await;
                attached(|py| eval(py, call, &[("loop", scheduler.bind(py))]).unbind());
            };
            spawn(event_loop, task).expect("spawns");
            run_forever(event_loop).expect(call);
        });
    }
}

#[test]
fn sockets_can_be_made_outside_a_task() {
    with_loop(|event_loop| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("bound");
        let listener = enter(event_loop, || tokio::net::TcpListener::from_std(listener));
        let listener = listener.expect("entered").expect("registered");
        let accepting = async move { listener.accept().await.map(drop).expect("accepts") };
        spawn(event_loop, then_stop(event_loop, accepting)).expect("spawns");
        let _client = std::net::TcpStream::connect(address).expect("connects");
        run_forever(event_loop).expect("stops");
    });
}

#[test]
fn what_a_handler_raises_to_end_the_process_leaves_run_forever() {
    let errors: [fn() -> PyErr; 2] = [
        || PyKeyboardInterrupt::new_err("one"),
        || PySystemExit::new_err(3),
    ];
    for error in errors {
        with_loop(|event_loop| {
            spawn(event_loop, async move { carry_out(error()) }).expect("spawns");
            let raised = run_forever(event_loop).expect_err("carried out");
            assert!(raised.is(&error(), event_loop.py()));
            // The loop is as good as before.
            spawn(event_loop, then_stop(event_loop, async {})).expect("spawns");
            run_forever(event_loop).expect("stops");
        });
    }
}

/// Compares errors by type.
trait SameType {
    fn is(&self, other: &PyErr, py: Python<'_>) -> bool;
}

impl SameType for PyErr {
    fn is(&self, other: &PyErr, py: Python<'_>) -> bool {
        self.get_type(py).is(other.get_type(py))
    }
}

/// Starts a Python thread that sets the flag it returns.
fn other_python_thread() -> &'static AtomicBool {
    let flag: &'static AtomicBool = Box::leak(Box::default());
    std::thread::spawn(|| Python::attach(|_| flag.store(true, Ordering::Relaxed)));
    flag
}

#[test]
fn a_streak_of_rust_work_offers_the_interpreter() {
    with_loop(|event_loop| {
        let streak = async {
            let (flag, began) = (other_python_thread(), Instant::now());
            while !flag.load(Ordering::Relaxed) && began.elapsed() < PATIENCE {
                offer();
            }
            assert!(began.elapsed() < PATIENCE, "the other thread never ran");
        };
        spawn(event_loop, then_stop(event_loop, streak)).expect("spawns");
        run_forever(event_loop).expect("stops");
    });
}

#[test]
fn detached_work_leaves_the_interpreter_to_others() {
    with_loop(|event_loop| {
        let work = async {
            let (flag, began) = (other_python_thread(), Instant::now());
            detached(|| while !flag.load(Ordering::Relaxed) && began.elapsed() < PATIENCE {});
            assert!(began.elapsed() < PATIENCE, "the other thread never ran");
            attached(|py| py.import("sys").map(drop)).expect("attached again");
        };
        spawn(event_loop, then_stop(event_loop, work)).expect("spawns");
        run_forever(event_loop).expect("stops");
    });
}

#[test]
#[should_panic(expected = "only by a driven thread")]
fn a_thread_that_is_not_driven_gets_no_token() {
    attached(|_| ());
}

#[test]
fn a_panic_costs_its_own_task() {
    with_loop(|event_loop| {
        spawn(event_loop, async { panic!("on purpose") }).expect("spawns");
        let after = async { tokio::time::sleep(Duration::from_millis(1)).await };
        spawn(event_loop, then_stop(event_loop, after)).expect("spawns");
        run_forever(event_loop).expect("stops");
    });
}

#[test]
fn a_panic_in_a_callback_goes_to_the_exception_handler() {
    with_loop(|event_loop| {
        let py = event_loop.py();
        let panics =
            PyCFunction::new_closure(py, None, None, |_, _| -> () { panic!("on purpose") });
        let seen = PyList::empty(py);
        let handler = eval(
            py,
            "lambda loop, context: (seen.append(context), loop.stop())",
            &[("seen", &seen)],
        );
        event_loop
            .call_method1("set_exception_handler", (handler,))
            .expect("a handler");
        event_loop
            .call_method1("call_soon", (panics.expect("a function"),))
            .expect("scheduled");
        run_forever(event_loop).expect("stops");
        let text = eval(py, "str(seen[0]['exception'])", &[("seen", &seen)]);
        assert_eq!(text.to_string(), "on purpose");
    });
}

#[test]
fn closing_drops_the_tasks_while_attached() {
    /// Touches Python when it is dropped, as a connection does.
    struct Touches(Py<PyList>);
    impl Drop for Touches {
        fn drop(&mut self) {
            attached(|py| self.0.bind(py).append(1)).expect("appends");
        }
    }
    with_loop(|event_loop| {
        let list = PyList::empty(event_loop.py());
        for _ in 0..2 {
            let connection = Touches(list.clone().unbind());
            let task = async move {
                let _connection = connection;
                pending::<()>().await;
            };
            spawn(event_loop, task).expect("spawns");
        }
        spawn(event_loop, then_stop(event_loop, async {})).expect("spawns");
        run_forever(event_loop).expect("stops");
        assert_eq!(list.len(), 0);
        event_loop.call_method0("close").expect("closes");
        assert_eq!(list.len(), 2);
        let refused = spawn(event_loop, async {}).expect_err("closed");
        assert!(refused.is_instance_of::<PyRuntimeError>(event_loop.py()));
    });
}

/// What a spawn on the loop from another thread says.
fn spawn_elsewhere(event_loop: &Bound<'_, PyAny>) -> Result<(), String> {
    let shared = event_loop.clone().unbind();
    let elsewhere = move || {
        Python::attach(|py| spawn(shared.bind(py), async {}).map_err(|error| error.to_string()))
    };
    event_loop
        .py()
        .detach(|| std::thread::spawn(elsewhere).join())
        .expect("no panic")
}

#[test]
fn only_its_own_thread_spawns_on_a_loop_that_has_tasks() {
    with_loop(|event_loop| {
        let py = event_loop.py();
        spawn(event_loop, pending()).expect("spawns");
        let refused = spawn_elsewhere(event_loop).expect_err("refused");
        assert!(refused.contains("another thread"), "{refused}");
        let none = spawn(py.None().bind(py), async {}).expect_err("no loop");
        assert!(none.is_instance_of::<PyTypeError>(py));
    });
}

#[test]
fn only_its_own_thread_spawns_on_a_loop_that_runs() {
    with_loop(|event_loop| {
        let (py, shared) = (event_loop.py(), event_loop.clone().unbind());
        let try_it = move |args: &Bound<'_, PyTuple>, _: Option<&Bound<'_, PyDict>>| -> bool {
            spawn_elsewhere(shared.bind(args.py())).is_err()
        };
        let try_it = PyCFunction::new_closure(py, None, None, try_it).expect("a function");
        let seen = PyList::empty(py);
        let names = [
            ("seen", seen.as_any()),
            ("try_it", try_it.as_any()),
            ("loop", event_loop),
        ];
        let call = eval(py, "lambda: (seen.append(try_it()), loop.stop())", &names);
        event_loop
            .call_method1("call_soon", (call,))
            .expect("scheduled");
        run_forever(event_loop).expect("stops");
        assert!(
            seen.get_item(0)
                .expect("called")
                .is_truthy()
                .expect("a bool")
        );
    });
}

#[test]
fn a_busy_asyncio_starves_no_socket() {
    with_loop(|event_loop| {
        let py = event_loop.py();
        let turns = PyList::empty(py);
        let code = "def spin(loop, turns):\n turns.append(1)\n loop.call_soon(spin, loop, turns)";
        let spin = define(py, code, "spin");
        event_loop
            .call_method1("call_soon", (spin, event_loop, &turns))
            .expect("scheduled");
        let (listener, client) = enter(event_loop, || {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
            listener.set_nonblocking(true).expect("a socket");
            let client = std::net::TcpStream::connect(listener.local_addr().expect("bound"))
                .expect("connects");
            client.set_nonblocking(true).expect("a socket");
            (
                tokio::net::TcpListener::from_std(listener),
                tokio::net::TcpStream::from_std(client),
            )
        })
        .expect("entered");
        let (listener, client) = (listener.expect("registered"), client.expect("registered"));
        let talk = async move {
            let (server, _) = listener.accept().await.expect("accepts");
            let mut byte = [0; 8];
            for _ in 0..10 {
                // Nothing to read clears the readiness: only a look at the sockets brings it back.
                client.try_read(&mut byte).expect_err("nothing yet");
                server.try_write(b"x").expect("written");
                client.readable().await.expect("readable");
                client.try_read(&mut byte).expect("read");
            }
        };
        spawn(event_loop, then_stop(event_loop, talk)).expect("spawns");
        run_forever(event_loop).expect("stops");
        assert!(
            turns.len() < 10 * 30,
            "{} turns of asyncio for 10 messages",
            turns.len()
        );
    });
}

#[test]
fn a_busy_connection_starves_no_callback() {
    with_loop(|event_loop| {
        let py = event_loop.py();
        let done = Rc::new(Cell::new(false));
        let (seen, polls) = (Rc::clone(&done), Rc::new(Cell::new(0_u32)));
        let counted = Rc::clone(&polls);
        let busy = poll_fn(move |cx| {
            counted.set(counted.get() + 1);
            cx.waker().wake_by_ref();
            if seen.get() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        spawn(event_loop, busy).expect("spawns");
        let code =
            "def tick(loop, left):\n loop.call_soon(tick, loop, left - 1) if left else loop.stop()";
        event_loop
            .call_method1("call_soon", (define(py, code, "tick"), event_loop, 100))
            .expect("scheduled");
        run_forever(event_loop).expect("stops");
        done.set(true);
        assert!(
            polls.get() < 100 * 100,
            "{} polls for 100 turns of the loop",
            polls.get()
        );
    });
}

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
        let scheduler = event_loop.cast::<super::Scheduler>().expect("a loop").get();
        assert_eq!(scheduler.ready_len(), 0);
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
