//! Tasks of connections on the loop: who may spawn, what they wake, how they are dropped.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict, PyList, PyTuple};

use super::{eval, run_forever, then_stop, with_loop};
use crate::runtime::{attached, enter, spawn};

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
        assert!(none.is_instance_of::<PyRuntimeError>(py));
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
